import EventLoops
import Glibc
import HTTP2
import TestSupport
import Testing

@testable import TLS

/// Which sessions our client resumes, and which it must not.
@Suite struct SessionTests {
    /// Runs `body` with a server and a maker of connectors that trust it.
    private func withServer(
        _ body:
            @escaping @Sendable (
                TLSTestServer, ServerCredentials, () throws -> TLSConnector
            ) async throws -> Void
    ) async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(credentials, reactor)
            try await body(server, credentials) {
                try TLSConnector(
                    to: "localhost", with: .init(authorities: .only(try authority.text())),
                    reactor: reactor)
            }
            server.close()
        }
    }

    @Test("the next connection resumes the session, on another loop too, each ticket once")
    func resumed() async throws {
        try await withServer { server, credentials, makeConnector in
            let connector = try makeConnector()
            let (whole, _) = try await server.greet(connector)
            #expect(try !whole.tls.isResumed)
            server.acceptor = try TLSAcceptor(credentials, reactor: server.reactor)
            for count in 1...3 {
                let (client, peer) = try await server.greet(connector)
                #expect(try client.tls.isResumed)
                #expect(try peer.tls.isResumed)
                #expect(server.acceptor.handshakes.resumed == UInt64(count))
                client.stream.close()
            }
            whole.stream.close()
        }
    }

    @Test("after a change of the server's credentials the handshake is a whole one")
    func changedCredentials() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            let connector = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try authority.text())),
                reactor: reactor)
            let (whole, _) = try await server.greet(connector)
            try server.acceptor.replaceCredentials(try issued.credentials())
            let (renewed, _) = try await server.greet(connector)
            #expect(renewed.text == "welcome")
            #expect(try !renewed.tls.isResumed)
            for client in [whole, renewed] { client.stream.close() }
            server.close()
        }
    }

    @Test("no session goes to another address, or to a connector of another configuration")
    func apart() async throws {
        try await withServer { server, credentials, makeConnector in
            let connector = try makeConnector()
            let (first, _) = try await server.greet(connector)
            let (stranger, _) = try await server.greet(try makeConnector())
            #expect(try !stranger.tls.isResumed)
            let elsewhere = try TLSTestServer(credentials, server.reactor)
            let (other, _) = try await elsewhere.greet(connector)
            #expect(try !other.tls.isResumed)
            // Each address has kept its own.
            let (again, _) = try await server.greet(connector)
            #expect(try again.tls.isResumed)
            let (otherAgain, _) = try await elsewhere.greet(connector)
            #expect(try otherAgain.tls.isResumed)
            for client in [first, stranger, other, again, otherAgain] { client.stream.close() }
            elsewhere.close()
        }
    }

    @Test("a connection that breaks leaves its session good")
    func broken() async throws {
        try await withServer { server, _, makeConnector in
            let connector = try makeConnector()
            let (client, peer) = try await server.greet(connector)
            shutdown(peer.stream.descriptor, Int32(SHUT_RDWR))
            try await server.run(client) { client.failure != nil }
            client.stream.close()
            let (again, _) = try await server.greet(connector)
            #expect(try again.tls.isResumed)
            again.stream.close()
        }
    }

    @Test(
        "an attempt that said nothing costs no session; one that breaks off in the handshake does"
    )
    func attempts() async throws {
        try await withServer { server, _, makeConnector in
            let connector = try makeConnector()
            let (first, _) = try await server.greet(connector)
            try server.connect(connector).stream.close()
            try await server.run { server.peers.count == 2 }
            let (second, _) = try await server.greet(connector)
            #expect(try second.tls.isResumed)

            let stuck = try server.connect(connector)
            for _ in 0..<2500 {
                if try stuck.tls.hasSent { break }
                stuck.step()
                try await server.reactor.sleep(for: .milliseconds(2))
            }
            #expect(try stuck.tls.hasSent)
            stuck.stream.close()
            try await server.run { server.peers.count == 4 }
            let (third, _) = try await server.greet(connector)
            #expect(try !third.tls.isResumed)
            for client in [first, second, third] { client.stream.close() }
        }
    }

    @Test("a stream outlives the connector that made it")
    func connectorGone() async throws {
        try await withServer { server, _, makeConnector in
            var connector: TLSConnector? = try makeConnector()
            let client = try server.connect(try #require(connector))
            connector = nil
            client.send("hello")
            try await server.run(client) { server.peers.first?.text == "hello" }
            client.stream.close()
        }
    }

    @Test("a session of TLS 1.2 is offered again and again")
    func olderProtocol() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try await OpenSSLServer(
                issued, options: ["-tls1_2", "-alpn", "h2"], reactor)
            // Steps the clients.
            let steps = try TLSTestServer(try issued.credentials(), reactor)
            let connector = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try authority.text())),
                reactor: reactor)
            var resumed: [Bool] = []
            for _ in 0..<3 {
                let client = TLSPeer(
                    try connector.stream(over: .connecting(to: server.address)))
                client.send("hello\n")
                try await steps.run(client) { client.text == "olleh\n" }
                #expect(try client.tls.protocolVersion == "TLSv1.2")
                resumed.append(try client.tls.isResumed)
                // A resumed one that breaks does no harm either.
                shutdown(client.stream.descriptor, Int32(SHUT_RDWR))
                try await steps.run(client) { client.failure != nil }
                client.stream.close()
            }
            #expect(resumed == [false, true, true])
            steps.close()
            server.kill()
        }
    }

    @Test("sessions of so many addresses are kept, and then the oldest goes")
    func addressesMax() async throws {
        try await withServer { server, credentials, makeConnector in
            let connector = try makeConnector()
            var servers = [server]
            for _ in 0..<KeptSessions.addressesMax {
                servers.append(try TLSTestServer(credentials, server.reactor))
            }
            for server in servers {
                let (client, _) = try await server.greet(connector)
                client.stream.close()
            }
            let (last, _) = try await servers[servers.count - 1].greet(connector)
            #expect(try last.tls.isResumed)
            let (first, _) = try await server.greet(connector)
            #expect(try !first.tls.isResumed)
            for client in [last, first] { client.stream.close() }
            for server in servers.dropFirst() { server.close() }
        }
    }
}
