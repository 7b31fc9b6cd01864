import EventLoops
import Glibc
import HTTP2
import Logging
import RPC
import StandardMessages
import TestSupport
import Testing

@testable import TLS

/// How the handshakes of a loop share it with what else it does.
@Suite struct HandshakeTurnsTests {
    @Test("one turn of a loop takes a few steps of handshakes, and the next turn more")
    func stepsATurn() async throws {
        try await onLoop { _, reactor in
            let turns = HandshakeTurns(reactor: reactor)
            let taken = (0..<100).filter { _ in turns.takeStep() }.count
            #expect(taken == HandshakeTurns.stepsATurnMax)
            try await reactor.sleep(for: .milliseconds(2))
            #expect(turns.takeStep())
        }
    }

    @Test(
        "a call on a connection that is there overtakes a burst of handshakes",
        arguments: [TestAuthority.newKey, TestAuthority.slowKey])
    func callAmidBurst(key: [String]) async throws {
        let authority = try TestAuthority()
        let credentials = try authority.issue(key: key).credentials()
        try await onLoop { _, reactor in
            let server = try TLSHealthServer(credentials, reactor)
            let connector = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try authority.text())),
                reactor: reactor)
            let channel = Channel(
                to: "127.0.0.1", port: server.port, reactor: reactor, workers: try sharedWorkers(),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ) { try connector.stream(over: $0) }
            _ = try await channel.call(ChannelTests.echo, ChannelTests.Request())

            var answered: [Int] = []
            // A kernel that is slow to pass the call or its answer on costs a round some turns more.
            while answered.count < 5, !answered.contains(where: { $0 <= Self.answeredMax }) {
                let count = try await Self.answeredInBurst(server, connector, channel, reactor)
                answered.append(count)
            }
            #expect(answered.contains { $0 <= Self.answeredMax }, "\(answered)")
            #expect(answered.allSatisfy { (1...Self.burst / 2).contains($0) }, "\(answered)")
            channel.close()
            await server.server.drain(grace: .zero)
        }
    }

    private static let burst = 64
    /// The turn that reads the call and the one that reads its answer, and one more, with a few steps
    /// each.
    private static let answeredMax = 3 * HandshakeTurns.stepsATurnMax

    /// Calls amid the handshakes of many connections.
    /// - Returns: How many of those were answered before the call was.
    private static func answeredInBurst(
        _ server: TLSHealthServer, _ connector: TLSConnector, _ channel: Channel, _ reactor: Reactor
    ) async throws -> Int {
        let before = server.server.openConnections
        // All of them accepted, so that only their handshakes are to be done.
        let sockets = try (0..<burst).map { _ in
            try SocketStream.connecting(to: server.address)
        }
        let clients = try sockets.map { TLSPeer(try connector.stream(over: $0)) }
        for _ in 0..<5000 where server.server.openConnections < before + burst {
            try await reactor.sleep(for: .milliseconds(2))
        }
        try #require(server.server.openConnections == before + burst)
        // The ClientHellos are there before the call is, and this loop takes what came first first.
        for client in clients { client.step() }
        _ = try await channel.call(ChannelTests.echo, ChannelTests.Request())
        let answered = sockets.filter { hasInput($0) }.count
        for client in clients { client.stream.close() }
        for _ in 0..<5000 where server.server.openConnections > before {
            try await reactor.sleep(for: .milliseconds(2))
        }
        return answered
    }

    /// Whether anything has arrived that nobody has read.
    private static func hasInput(_ socket: SocketStream) -> Bool {
        var byte: UInt8 = 0
        return recv(socket.descriptor, &byte, 1, Int32(MSG_PEEK)) == 1
    }

    @Test("a handshake that waits to write still does when its turn has no time for it")
    func waitsToWrite() async throws {
        let authority = try TestAuthority()
        // A certificate that no small buffer holds.
        let names = (0..<2500).map { "DNS:host-\($0).example" }.joined(separator: ",")
        let credentials = try authority.issue(
            alternatives: "DNS:localhost,\(names)"
        ).credentials()
        try await onLoop { _, reactor in
            var ends: [Int32] = [-1, -1]
            let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            let code = socketpair(AF_UNIX, type, 0, &ends)
            try #require(code == 0)
            var bytes: Int32 = 4096
            setsockopt(
                ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
            let acceptor = try TLSAcceptor(credentials, reactor: reactor)
            let server = TLSPeer(try acceptor.stream(over: SocketStream(descriptor: ends[0])))
            let connector = try TLSConnector(
                to: "localhost", with: .init(authorities: .only(try authority.text())),
                reactor: reactor)
            let client = TLSPeer(try connector.stream(over: SocketStream(descriptor: ends[1])))
            client.send("hello")
            client.step()
            #expect(HandshakeTurnsTests.wish(of: server) == .writable)
            while acceptor.turns.takeStep() {}
            #expect(HandshakeTurnsTests.wish(of: server) == .writable)
            let began = reactor.now
            while server.text != "hello", began.duration(to: reactor.now) < .seconds(30) {
                client.step()
                server.step()
                try await reactor.sleep(for: .milliseconds(1))
            }
            #expect(server.text == "hello")
            client.stream.close()
            server.stream.close()
        }
    }

    /// What a read says that the stream waits for; nil when it does not wait.
    private static func wish(of peer: TLSPeer) -> Readiness? {
        var buffer = [UInt8](repeating: 0, count: TLSStream.readBytesMin)
        let outcome = buffer.withUnsafeMutableBytes { peer.stream.read(into: $0) }
        guard case .blocked(let readiness) = outcome else { return nil }
        return readiness
    }
}
