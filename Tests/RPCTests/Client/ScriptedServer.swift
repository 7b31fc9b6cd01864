import EventLoops
import HTTP2
import Testing

/// A server that says exactly the bytes that a test gives it, for what no library would send.
final class ScriptedServer {
    let address: SocketAddress
    private(set) var peers: [ScriptedPeer] = []
    private let reactor: Reactor
    private var listener: Listener?

    /// - Parameter greets: Whether each connection is greeted as it comes.
    init(_ reactor: Reactor, greets: Bool = false) throws {
        self.reactor = reactor
        var accept: (SocketStream) -> Void = { $0.close() }
        let listener = try Listener(
            reactor: reactor, address: try #require(SocketAddress("127.0.0.1:0"))
        ) { stream, _ in accept(stream) }
        self.listener = listener
        address = listener.address
        accept = { [weak self] in
            let peer = ScriptedPeer($0, reactor)
            self?.peers.append(peer)
            if greets { peer.greet() }
        }
    }

    /// The connection of that number, once it is there.
    func peer(_ index: Int) async throws -> ScriptedPeer {
        try await reactor.until("connection \(index)") { peers.count > index }
        return peers[index]
    }

    /// The connection of that number, greeted; its preface is taken.
    func greeted(_ index: Int, _ settings: [(UInt16, UInt32)] = []) async throws -> ScriptedPeer {
        let peer = try await peer(index)
        peer.greet(settings)
        return peer
    }

    func close() {
        listener?.close()
        for peer in peers { peer.close() }
    }
}

/// One accepted connection: frames in, bytes out.
final class ScriptedPeer {
    struct Frame {
        let type: UInt8
        let flags: UInt8
        let stream: Int32
        let payload: [UInt8]
    }

    private let stream: SocketStream
    private let reactor: Reactor
    private var input: [UInt8] = []
    private(set) var isEnded = false
    private var isClosed = false
    private var hasPreface = false
    /// PING frames that came so far, acknowledgements included.
    private var pingCount = 0

    init(_ stream: SocketStream, _ reactor: Reactor) {
        self.stream = stream
        self.reactor = reactor
    }

    deinit { close() }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        stream.close()
    }

    /// Sends bytes that a kernel takes at once.
    func send(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { stream.write($0) }
    }

    func send(type: UInt8, flags: UInt8 = 0, stream id: Int32 = 0, payload: [UInt8] = []) {
        let count = payload.count
        let head = [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
        send(head + number(UInt32(id)) + payload)
    }

    func goAway(last: Int32, code: UInt32 = 0, text: String = "") {
        send(type: 7, payload: number(UInt32(last)) + number(code) + Array(text.utf8))
    }

    func reset(_ id: Int32, _ code: UInt32) { send(type: 3, stream: id, payload: number(code)) }

    /// A header section in one frame, fields spelled out.
    func headers(_ id: Int32, isEnd: Bool = false, _ fields: KeyValuePairs<String, String>) {
        var block: [UInt8] = []
        for (name, value) in fields {
            block += [0, UInt8(name.utf8.count)] + name.utf8
            block += [UInt8(value.utf8.count)] + value.utf8
        }
        send(type: 1, flags: isEnd ? 5 : 4, stream: id, payload: block)
    }

    func openResponse(_ id: Int32) {
        headers(id, [":status": "200", "content-type": "application/grpc"])
    }

    /// A whole good response with one empty message.
    func answer(_ id: Int32) {
        openResponse(id)
        send(type: 0, stream: id, payload: [0, 0, 0, 0, 0])
        headers(id, isEnd: true, ["grpc-status": "0"])
    }

    /// Sends SETTINGS.
    func greet(_ settings: [(UInt16, UInt32)] = []) {
        send(type: 4, payload: settings.flatMap { [0, UInt8($0.0)] + number($0.1) })
    }

    /// The next frame of `type`; others are dropped.
    func next(_ type: UInt8) async throws -> Frame {
        var found: Frame?
        try await reactor.until("a frame of type \(type)") {
            read()
            while found == nil, let frame = cut() {
                if frame.type == type { found = frame }
            }
            return found != nil
        }
        return try #require(found)
    }

    /// PING frames that came until now; drops what else did.
    func pings() -> Int {
        read()
        while cut() != nil {}
        return pingCount
    }

    /// Waits until the client has closed.
    func ended() async throws {
        try await reactor.until("the client's end") {
            read()
            return isEnded
        }
    }

    private func read() {
        guard !isClosed, !isEnded else { return }
        var buffer = [UInt8](repeating: 0, count: 65536)
        switch buffer.withUnsafeMutableBytes({ stream.read(into: $0) }) {
        case .moved(let count):
            input += buffer[..<count]
            if !hasPreface, input.count >= 24 {
                hasPreface = true
                input.removeFirst(24)
            }
        case .blocked: break
        case .ended, .failed: isEnded = true
        }
    }

    private func cut() -> Frame? {
        guard hasPreface, input.count >= 9 else { return nil }
        let count = Int(input[0]) << 16 | Int(input[1]) << 8 | Int(input[2])
        guard input.count >= 9 + count else { return nil }
        let id = input[5..<9].reduce(Int32(0)) { $0 << 8 | Int32($1) }
        let frame = Frame(
            type: input[3], flags: input[4], stream: id, payload: Array(input[9..<9 + count]))
        input.removeFirst(9 + count)
        if frame.type == 6 { pingCount += 1 }
        return frame
    }
}

private func number(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}
