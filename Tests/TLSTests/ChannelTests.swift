import EventLoops
import Glibc
import HTTP2
import Logging
import Messages
import RPC
import StandardMessages
import TestSupport
import Testing

@testable import TLS

/// Our gRPC client over TLS.
@Suite struct ChannelTests {
    typealias Request = GRPCHealthV1.HealthCheckRequest

    static let echo = UnaryMethod<Request, Request>(
        fullServiceName: "berth.test.Echo", name: "Echo")

    /// A channel that verifies the server as `name`.
    private func channel(
        to port: UInt16, as name: String = "localhost", _ credentials: ClientCredentials,
        _ reactor: Reactor
    ) throws -> Channel {
        let connector = try TLSConnector(to: name, with: credentials, reactor: reactor)
        return Channel(
            to: "127.0.0.1", port: port, reactor: reactor, workers: try sharedWorkers(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { try connector.stream(over: $0) }
    }

    @Test("calls of every size go over TLS, with a client's certificate where one is asked for")
    func calls() async throws {
        let authority = try TestAuthority()
        let agent = try authority.issue("agent")
        let credentials = try authority.issue().credentials(.required(of: try authority.text()))
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let channel = try channel(
                to: server.port,
                ClientCredentials(
                    authorities: .only(try authority.text()), identity: try agent.identity()),
                reactor)
            for count in [0, 10, 100_000, 2_000_000] {
                let request = Request.with { $0.service = String(repeating: "a", count: count) }
                let isEchoed = try await channel.call(Self.echo, request) == request
                #expect(isEchoed)
            }
            #expect(server.acceptor.handshakes.completed == 1)
            channel.close()
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a channel that connects again resumes its session")
    func reconnect() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let connector = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try authority.text())),
                reactor: reactor)
            var streams: [TLSStream] = []
            let channel = Channel(
                to: "127.0.0.1", port: server.port, reactor: reactor,
                workers: try sharedWorkers(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ) {
                let stream = try connector.stream(over: $0)
                streams.append(stream)
                return stream
            }
            var options = CallOptions(timeout: .seconds(20), isRepeatable: true)
            options.waitsForReady = true
            for count in 1...3 {
                _ = try await channel.call(Self.echo, Request(), options)
                #expect(streams.count == count)
                #expect(streams.last?.isResumed == (count > 1))
                // Breaks the connection, as a network does.
                shutdown(try #require(streams.last).descriptor, Int32(SHUT_RDWR))
                for _ in 0..<2500 where channel.state == .ready {
                    try await reactor.sleep(for: .milliseconds(2))
                }
            }
            #expect(server.acceptor.handshakes.completed == 3)
            #expect(server.acceptor.handshakes.resumed == 2)
            channel.close()
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a server that cannot be believed is named, with the reason")
    func refusals() async throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority("another authority"))
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(try issued.credentials(), reactor)
            let cases = [
                ("localhost", other, "unable to get local issuer certificate"),
                ("elsewhere.example", authority, "hostname mismatch"),
            ]
            for (name, trusted, reason) in cases {
                let channel = try channel(
                    to: server.port, as: name,
                    ClientCredentials(authorities: .only(try trusted.text())), reactor)
                let status = await #expect(throws: RPCStatus.self) {
                    try await channel.call(Self.echo, Request())
                }
                #expect(status?.code == .unavailable)
                #expect(status?.message.contains("\(server.address)") == true)
                #expect(status?.message.contains(reason) == true, "\(status?.message ?? "")")
                channel.close()
            }
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a server that does not agree on HTTP/2 is left, and called that")
    func withoutHTTP2() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try await OpenSSLServer(issued, reactor)
            let channel = try channel(
                to: server.address.port,
                ClientCredentials(authorities: .only(try authority.text())), reactor)
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.call(Self.echo, Request())
            }
            #expect(status?.code == .unavailable)
            #expect(
                status?.message.contains("does not speak HTTP/2") == true,
                "\(status?.message ?? "")")
            channel.close()
            server.kill()
        }
    }

    @Test("a client without the certificate that is asked for learns that")
    func withoutCertificate() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials(.required(of: try authority.text()))
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let channel = try channel(
                to: server.port, ClientCredentials(authorities: .only(try authority.text())),
                reactor)
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.call(Self.echo, Request())
            }
            #expect(status?.code == .unavailable)
            #expect(
                status?.message.contains("certificate required") == true, "\(status?.message ?? "")"
            )
            channel.close()
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a server without TLS is told from one with it, from either side")
    func mixedUp() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let secure = try TLSHealthServer(credentials, reactor)
            let plain = Channel(
                to: "127.0.0.1", port: secure.port, reactor: reactor, workers: try sharedWorkers(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let first = await #expect(throws: RPCStatus.self) {
                try await plain.call(Self.echo, Request())
            }
            #expect(first?.code == .unavailable)
            plain.close()
            await secure.server.drain(grace: .zero)

            let open = GRPCServer(
                reactor: reactor, router: Router(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let address = try open.listen(on: try #require(SocketAddress("127.0.0.1:0")))
            let connector = try TLSConnector(to: "localhost", reactor: reactor)
            let channel = Channel(
                to: "127.0.0.1", port: address.port, reactor: reactor,
                workers: try sharedWorkers(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ) { try connector.stream(over: $0) }
            let second = await #expect(throws: RPCStatus.self) {
                try await channel.call(Self.echo, Request())
            }
            #expect(second?.code == .unavailable)
            #expect(
                second?.message.contains("wrong version number") == true,
                "\(second?.message ?? "")")
            channel.close()
            await open.drain(grace: .zero)
        }
    }
}
