import EventLoops
import HTTP2
import TestSupport
import Testing

@testable import TLS

@Suite struct TLSStreamTests {
    @Test("a handshake ends in TLS 1.3, and bytes go both ways")
    func handshake() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            let (client, peer) = try await server.greet(
                try TLSConnector(
                    to: "localhost", with: .init(authorities: .only(try authority.text())),
                    reactor: reactor))
            #expect(client.text == "welcome")
            #expect(try client.tls.protocolVersion == "TLSv1.3")
            #expect(try !peer.tls.hasPeerCertificate)
            #expect(server.acceptor.handshakes.completed == 1)
            #expect(server.acceptor.handshakes.failed == 0)
            client.stream.close()
            server.close()
        }
    }

    @Test("megabytes cross both ways at once, whole and in order")
    func large() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            let (client, peer) = try await server.greet(
                try TLSConnector(
                    to: "127.0.0.1", with: .init(authorities: .only(try authority.text())),
                    reactor: reactor))
            let up = (0..<2_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 11) }
            let down = (0..<2_000_029).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
            (client.received, peer.received) = ([], [])
            client.send(up)
            peer.send(down)
            try await server.run(client) {
                client.received.count >= down.count && peer.received.count >= up.count
            }
            // Not compared inside #expect, which would print megabytes.
            let (isDownWhole, isUpWhole) = (client.received == down, peer.received == up)
            #expect(isDownWhole)
            #expect(isUpWhole)
            client.stream.close()
            server.close()
        }
    }

    @Test("a buffer smaller than a record loses nothing", arguments: [1, 7, 100, 5000])
    func smallBuffer(bytes: Int) async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            let (client, peer) = try await server.greet(
                try TLSConnector(
                    to: "localhost", with: .init(authorities: .only(try authority.text())),
                    reactor: reactor))
            let sent = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 11) }
            peer.received = []
            peer.readBytesMax = bytes
            client.send(sent)
            try await server.run(client) { peer.received.count >= sent.count }
            let isWhole = peer.received == sent
            #expect(isWhole)
            client.stream.close()
            server.close()
        }
    }

    @Test("a peer that ended its side still receives, and learns of our end")
    func halfClose() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            let (client, peer) = try await server.greet(
                try TLSConnector(
                    to: "localhost", with: .init(authorities: .only(try authority.text())),
                    reactor: reactor))
            client.send(" and good-bye")
            try await server.run(client) { client.isSent }
            client.stream.endWriting()
            try await server.run(client) { peer.isEnded }
            #expect(peer.text == "hello and good-bye")
            let last = Array(" back".utf8)
            let outcome = last.withUnsafeBytes { peer.stream.write($0) }
            guard case .moved(5) = outcome else { throw Unexpected(what: "\(outcome)") }
            peer.stream.endWriting()
            try await server.run(client) { client.isEnded }
            #expect(client.text == "welcome back")
            #expect(client.failure == nil && peer.failure == nil)
            client.stream.close()
            server.close()
        }
    }

    @Test("a connection that breaks off is told from one that ended")
    func abruptClose() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(try issued.credentials(), reactor)
            let socket = try SocketStream.connecting(to: server.address)
            let connector = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try authority.text())),
                reactor: reactor)
            let client = TLSPeer(try connector.stream(over: socket))
            client.send("hello")
            try await server.run(client) { server.peers.first?.text == "hello" }
            socket.close()
            let peer = try #require(server.peers.first)
            try await server.run { peer.failure != nil }
            #expect(!peer.isEnded)
            #expect(peer.failure is TLSError)
            server.close()
        }
    }

    @Test("what is no ClientHello gets an alert and the end, and is counted")
    func garbage() async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue().credentials()
        try await onLoop { _, reactor in
            let server = try TLSTestServer(credentials, reactor)
            for text in [
                "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "\u{16}\u{3}\u{1}\u{0}\u{5}aaaaaaa",
            ] {
                let failed = server.failures.count
                let client = TLSPeer(try SocketStream.connecting(to: server.address))
                client.send(text + String(repeating: "x", count: 4000))
                try await server.run(client) { client.isEnded || client.failure != nil }
                #expect(client.isEnded, "\(String(describing: client.failure))")
                // A record of type alert, or nothing where not even a record was recognised.
                #expect(client.received.isEmpty || client.received.first == 21)
                #expect(server.failures.count == failed + 1)
                client.stream.close()
            }
            #expect(server.acceptor.handshakes.failed == 3)
            #expect(server.acceptor.handshakes.completed == 0)
            server.close()
        }
    }
}

/// What a test met instead of what it wants.
struct Unexpected: Error {
    let what: String
}
