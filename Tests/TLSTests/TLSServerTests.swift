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

/// A gRPC server over TLS: health, and a method that answers with its request.
final class TLSHealthServer {
    let server: GRPCServer
    let acceptor: TLSAcceptor
    let address: SocketAddress

    init(_ credentials: ServerCredentials, _ reactor: Reactor) throws {
        let router = Router()
        let health = HealthService(reactor: reactor)
        health.register(on: router)
        health.set(.serving)
        router.register(
            UnaryMethod<GRPCHealthV1.HealthCheckRequest, GRPCHealthV1.HealthCheckRequest>(
                fullServiceName: "berth.test.Echo", name: "Echo")
        ) { request, _ in request }
        // Many handshakes at once may take long on a busy machine.
        var limits = ServerLimits()
        limits.connection.prefaceTimeMax = .seconds(120)
        server = GRPCServer(
            reactor: reactor, router: router, limits: limits, logger: Logger(label: "test"))
        let acceptor = try TLSAcceptor(credentials, reactor: reactor)
        self.acceptor = acceptor
        address = try server.listen(on: try #require(SocketAddress("127.0.0.1:0"))) {
            try acceptor.stream(over: $0)
        }
    }

    var port: UInt16 { address.port }
}

/// Runs a shell command on a worker, so that the loop can answer it; gives what it printed, and
/// throws when it fails or takes over two minutes.
func shell(_ command: String) async throws -> String {
    try await sharedWorkers().run { try Command.run(["timeout", "120", "sh", "-c", command]) }
}

@Suite struct TLSServerTests {
    @Test(
        "both protocol versions are spoken, older ones refused",
        arguments: [
            ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3"), ("-tls1_1", "alert protocol version"),
        ])
    func versions(flag: String, expected: String) async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let output = try await shell(
                "openssl s_client -connect \(server.address) \(flag) -cipher ALL:@SECLEVEL=0 "
                    + "-alpn h2 -CAfile \(authority.path) </dev/null 2>&1 || true")
            #expect(output.contains(expected), "\(output)")
            #expect(output.contains("ALPN protocol: h2") == (flag != "-tls1_1"), "\(output)")
            await server.server.drain(grace: .zero)
        }
    }

    @Test(
        "a client that does not offer HTTP/2 is refused by the alert for that",
        arguments: [
            "", "-alpn http/1.1", "-alpn http/1.1 -tls1_2", "-tls1_2", "-alpn h3,spdy/2",
        ])
    func withoutHTTP2(flags: String) async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let output = try await shell(
                "openssl s_client -connect \(server.address) \(flags) </dev/null 2>&1 || true")
            #expect(output.contains("no application protocol"), "\(output)")
            #expect(server.acceptor.handshakes.failed == 1)
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a cipher that HTTP/2 forbids is not agreed on")
    func forbiddenCipher() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let output = try await shell(
                "openssl s_client -connect \(server.address) -tls1_2 -alpn h2 "
                    + "-cipher ECDHE-ECDSA-AES128-SHA256:AES128-SHA </dev/null 2>&1 || true")
            #expect(output.contains("handshake failure"), "\(output)")
            await server.server.drain(grace: .zero)
        }
    }

    @Test("openssl resumes a session of either version", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(flag: String) async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let session = "\(authority.folder)/session"
            let client =
                "openssl s_client -connect \(server.address) \(flag) -alpn h2 -CAfile \(authority.path)"
            // The ticket of TLS 1.3 comes after the handshake: keep the input open until it is there.
            let wait =
                "for i in $(seq 600); do test -s \(session) && break; sleep 0.1; done"
            let first = try await shell("(\(wait)) | \(client) -sess_out \(session) 2>&1")
            #expect(first.contains("New, TLSv1"), "\(first)")
            let second = try await shell("sleep 0.2 | \(client) -sess_in \(session) 2>&1")
            #expect(second.contains("Reused, TLSv1"), "\(second)")
            for _ in 0..<5000 where server.acceptor.handshakes.resumed == 0 {
                try await reactor.sleep(for: .milliseconds(2))
            }
            #expect(server.acceptor.handshakes.resumed == 1)
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a client that connects and says nothing costs no processor time, and is let go")
    func silence() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let sockets = try (0..<20).map { _ in try SocketStream.connecting(to: server.address) }
            for _ in 0..<5000 where server.server.openConnections < 20 {
                try await reactor.sleep(for: .milliseconds(2))
            }
            #expect(server.server.openConnections == 20)
            let before = threadTime()
            try await reactor.sleep(for: .milliseconds(500))
            #expect(threadTime() - before < .milliseconds(100))
            for socket in sockets { socket.close() }
            for _ in 0..<5000 where server.server.openConnections > 0 {
                try await reactor.sleep(for: .milliseconds(2))
            }
            #expect(server.server.openConnections == 0)
            await server.server.drain(grace: .zero)
        }
    }

    @Test("a handshake that stops halfway ends with the time for the preface")
    func stalledHandshake() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            var limits = ServerLimits()
            limits.connection.prefaceTimeMax = .milliseconds(300)
            let server = GRPCServer(
                reactor: reactor, router: Router(), limits: limits, logger: Logger(label: "test"))
            let acceptor = try TLSAcceptor(credentials, reactor: reactor)
            let address = try server.listen(on: try #require(SocketAddress("127.0.0.1:0"))) {
                try acceptor.stream(over: $0)
            }
            let client = TLSPeer(try SocketStream.connecting(to: address))
            // The first bytes of a ClientHello of 512 bytes.
            client.send([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
            let began = Instant.now()
            while !client.isEnded, client.failure == nil, began.duration(to: .now()) < .seconds(60)
            {
                client.step()
                try await reactor.sleep(for: .milliseconds(5))
            }
            #expect(client.isEnded || client.failure != nil)
            #expect(began.duration(to: .now()) >= .milliseconds(250))
            #expect(server.openConnections == 0)
            client.stream.close()
            await server.drain(grace: .zero)
        }
    }
}
