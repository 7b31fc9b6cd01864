import EventLoops
import Glibc
import HTTP2
import Testing

@testable import TLS

/// One end of a connection, driven by the test instead of a loop's readiness.
final class TLSPeer {
    let stream: any ByteStream
    var received: [UInt8] = []
    /// How much one read takes.
    var readBytesMax = 64 * 1024
    var isEnded = false
    var failure: (any Error)?
    private var unsent: [UInt8] = []
    private var unsentStart = 0

    init(_ stream: any ByteStream) { self.stream = stream }

    var tls: TLSStream {
        get throws { try #require(stream as? TLSStream) }
    }
    var isSent: Bool { unsent.isEmpty }
    /// Queues bytes.
    func send(_ bytes: [UInt8]) { unsent += bytes }
    func send(_ text: String) { send(Array(text.utf8)) }
    var text: String { String(decoding: received, as: UTF8.self) }

    /// Reads and writes once each; like a connection, reads again only when something is pending.
    func step() {
        guard !isEnded, failure == nil else { return }
        write()
        read()
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: readBytesMax)
        repeat {
            switch buffer.withUnsafeMutableBytes({ stream.read(into: $0) }) {
            case .moved(let count): received += buffer[..<count]
            case .blocked: return
            case .ended: isEnded = true
            case .failed(let error): failure = error
            }
        } while stream.hasPending
    }

    private func write() {
        // An empty write begins a client's handshake.
        guard !unsent.isEmpty || stream is TLSStream else { return }
        while true {
            let outcome = unsent.withUnsafeBytes {
                stream.write(UnsafeRawBufferPointer(rebasing: $0[unsentStart...]))
            }
            switch outcome {
            case .moved(let count): unsentStart += count
            case .blocked: return
            case .ended: isEnded = true
            case .failed(let error): failure = error
            }
            if unsentStart == unsent.count { (unsent, unsentStart) = ([], 0) }
            if unsent.isEmpty || failure != nil || isEnded { return }
        }
    }
}

/// Accepts on 127.0.0.1, and keeps the peers in the order they came.
final class TLSTestServer {
    /// Another one is what another loop of the same process has.
    var acceptor: TLSAcceptor
    let reactor: Reactor
    var peers: [TLSPeer] = []
    var failures: [TLSError] = []
    var address: SocketAddress
    private var listener: Listener?

    init(_ credentials: ServerCredentials, _ reactor: Reactor) throws {
        self.reactor = reactor
        acceptor = try TLSAcceptor(credentials, reactor: reactor)
        address = try #require(SocketAddress("127.0.0.1:0"))
        acceptor.handshakeFailed = { [unowned self] in failures.append($0) }
        let listener = try Listener(reactor: reactor, address: address) {
            [unowned self] socket, _ in
            guard let stream = try? acceptor.stream(over: socket) else { return socket.close() }
            peers.append(TLSPeer(stream))
        }
        self.listener = listener
        address = listener.address
    }

    func close() {
        listener?.close()
        for peer in peers { peer.stream.close() }
    }

    /// A client of this server, not connected yet.
    func connect(_ connector: TLSConnector) throws -> TLSPeer {
        TLSPeer(try connector.stream(over: try .connecting(to: address)))
    }

    /// Steps every peer until `done`, at most 60 s.
    func run(_ clients: TLSPeer..., until done: () -> Bool) async throws {
        let start = reactor.now
        while !done(), start.duration(to: reactor.now) < .seconds(60) {
            for peer in clients + peers { peer.step() }
            try await reactor.sleep(for: .milliseconds(1))
        }
        #expect(done())
    }

    /// Connects and says hello both ways.
    func greet(_ connector: TLSConnector) async throws -> (client: TLSPeer, server: TLSPeer) {
        let count = peers.count
        let client = try connect(connector)
        var isGreeted = false
        client.send("hello")
        try await run(client) {
            if !isGreeted, peers.count > count, peers[count].text == "hello" {
                isGreeted = true
                peers[count].send("welcome")
            }
            return client.text == "welcome" || client.failure != nil
        }
        return (client, try #require(peers.count > count ? peers[count] : nil))
    }
}

/// The processor time that this thread has used.
func threadTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
