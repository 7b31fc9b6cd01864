import EventLoops
import Glibc
import TestSupport
import Testing

@testable import HTTP2

@Suite struct ListenerTests {
    @Test("takes a free port when none is named, and several listeners of one process share it")
    func sharesPort() async throws {
        try await onLoop { _, reactor in
            let any = try #require(SocketAddress("127.0.0.1:0"))
            let first = try Listener(reactor: reactor, address: any) { _, _ in }
            defer { first.close() }
            #expect(first.address.port != 0)
            let second = try Listener(reactor: reactor, address: first.address) { _, _ in }
            second.close()
            second.close()
        }
    }

    @Test("an address on which someone listens is found to be taken, and free again afterwards")
    func refusesTaken() async throws {
        try await onLoop { _, reactor in
            // An address of its own: on that of the other tests one of them may be given the port.
            let any = try #require(SocketAddress("127.0.2.1:0"))
            let listener = try Listener(reactor: reactor, address: any) { _, _ in }
            let error = #expect(throws: SystemError.self) {
                try Listener.refuseIfTaken(listener.address)
            }
            #expect(error == SystemError(function: "bind", code: EADDRINUSE))
            listener.close()
            try Listener.refuseIfTaken(listener.address)
        }
    }

    @Test("tells who connected, over IPv4 and IPv6", arguments: ["127.0.0.1:0", "[::1]:0"])
    func tellsPeer(text: String) async throws {
        try await onLoop { _, reactor in
            var peers: [SocketAddress] = []
            let listener = try Listener(
                reactor: reactor, address: #require(SocketAddress(text))
            ) { stream, peer in
                peers.append(peer)
                stream.close()
            }
            defer { listener.close() }
            let client = try SocketStream.connecting(to: listener.address)
            defer { client.close() }
            for _ in 0..<5000 where peers.isEmpty { try await reactor.sleep(for: .milliseconds(2)) }
            #expect(peers.map(\.isLoopback) == [true])
            #expect(peers.first?.family == listener.address.family)
        }
    }
}
