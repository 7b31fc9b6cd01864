import EventLoops
import HTTP2
import Messages
import StandardMessages
import Testing

@testable import RPC

/// A gRPC client that hides nothing: sends any header fields and bytes, and shows what came back.
final class TestClient: ConnectionDelegate {
    let connection: Connection
    private(set) var isClosed = false
    private let reactor: Reactor

    init(
        _ address: SocketAddress, _ reactor: Reactor, limits: ConnectionLimits = .patient
    ) throws {
        self.reactor = reactor
        let stream = try SocketStream.connecting(to: address)
        let box = DelegateBox()
        connection = try Connection(
            over: stream, role: .client, peer: address, limits: limits, reactor: reactor,
            buffers: LoopBuffers(), delegate: box)
        delegateBox = box
        box.client = self
        try connection.start()
    }

    /// The connection holds its delegate weakly and wants it before `self` exists.
    private let delegateBox: DelegateBox
    private final class DelegateBox: ConnectionDelegate {
        weak var client: TestClient?
        func streamBegan(
            _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
        ) {}
        func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
            client?.connectionClosed(connection, on: loop)
        }
    }

    deinit { connection.abandon() }

    func streamBegan(
        _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
    ) {}
    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) { isClosed = true }

    /// Begins a call; `overriding` replaces or adds fields, an empty value removes one.
    func begin(
        _ path: String, _ overriding: KeyValuePairs<String, String> = [:]
    ) throws -> TestCall {
        try begin(path, pairs: overriding.map { ($0.key, $0.value) })
    }

    /// Begins a call; see above.
    func begin(_ path: String, pairs overriding: [(String, String)]) throws -> TestCall {
        var fields: [(String, String)] = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("te", "trailers"), ("content-type", "application/grpc"),
        ]
        for (name, value) in overriding {
            if let index = fields.firstIndex(where: { $0.0 == name }) {
                fields[index].1 = value
            } else {
                fields.append((name, value))
            }
        }
        var block = HeaderBlock()
        for (name, value) in fields where !value.isEmpty {
            block.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        let call = TestCall(reactor)
        call.stream = try connection.request(block, isEnd: false, observer: call)
        return call
    }

    /// A call of one message, to its end.
    func unary(
        _ path: String, _ payload: [UInt8] = [], _ overriding: KeyValuePairs<String, String> = [:]
    ) async throws -> TestCall {
        let call = try begin(path, overriding)
        try call.send(payload)
        call.end()
        try await call.finished()
        return call
    }
}

/// One call of a ``TestClient``; messages are ``GoogleProtobuf/AnyMessage`` with a value.
final class TestCall: StreamObserver {
    fileprivate(set) var stream: HTTP2Stream?
    private let reactor: Reactor
    /// The bytes of each response message, and whether it was marked compressed.
    private var received: [UInt8] = []
    private(set) var closedCode: ErrorCode?
    private(set) var trailers: HeaderBlock?
    private(set) var headers: HeaderBlock?
    /// Whether what arrives is taken, and the server given new room.
    var takes = true

    fileprivate init(_ reactor: Reactor) { self.reactor = reactor }

    // MARK: Sending

    func send(_ payload: [UInt8]) throws {
        let message = GoogleProtobuf.AnyMessage.with { $0.value = payload }
        sendRaw(MessageFrame.bytes(try Wire.encode(message)))
    }

    func sendRaw(_ bytes: [UInt8]) { stream?.write(bytes.span) }
    func end() { stream?.finish(trailers: nil) }
    func cancel() { stream?.reset(.cancel) }

    // MARK: What came back

    /// Waits for the end, as long as bytes move.
    func finished() async throws {
        try await until { self.closedCode != nil }
    }

    /// Waits until there are `count` messages.
    func messages(_ count: Int) async throws {
        try await until { self.responses.count >= count || self.closedCode != nil }
    }

    /// Waits until `condition` holds; gives up when no byte of the call has moved for some tens of
    /// seconds. A busy machine is slow, and no limit on the whole would tell that from a stall.
    func until(_ condition: () -> Bool) async throws {
        var (last, looks) = (progress, 0)
        while !condition() {
            if progress != last { (last, looks) = (progress, 0) }
            looks += 1
            try #require(looks < 20_000, "nothing has moved for long: \(last)")
            try await reactor.sleep(for: .milliseconds(2))
        }
    }

    private struct Progress: Equatable {
        let receivedBytes: Int
        let queuedBytes: Int
    }

    private var progress: Progress {
        Progress(receivedBytes: received.count, queuedBytes: stream?.queuedBytes ?? 0)
    }

    /// The response messages: the flag and the bytes.
    var frames: [(flag: UInt8, bytes: [UInt8])] { TestCall.frames(of: received) }

    /// The frames that a body consists of.
    static func frames(of body: [UInt8]) -> [(flag: UInt8, bytes: [UInt8])] {
        var frames: [(UInt8, [UInt8])] = []
        var rest = body[...]
        while rest.count >= 5 {
            let start = rest.startIndex
            let count = rest[start + 1..<start + 5].reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 5 + count else { break }
            frames.append((rest[start], Array(rest[start + 5..<start + 5 + count])))
            rest = rest.dropFirst(5 + count)
        }
        return frames
    }

    /// The values of the response messages that are not compressed.
    var responses: [[UInt8]] {
        frames.compactMap {
            try? Wire.decode(GoogleProtobuf.AnyMessage.self, from: $0.bytes).value
        }
    }

    var body: String { String(decoding: received, as: UTF8.self) }
    var rawBody: [UInt8] { received }
    var receivedBytes: Int { received.count }

    func header(_ name: String) -> String? { find(name, headers) }
    /// A field of the trailers, or of the only header section.
    func trailer(_ name: String) -> String? { find(name, trailers ?? headers) }
    var status: StatusCode? {
        trailer("grpc-status").flatMap(UInt8.init).flatMap(StatusCode.init(rawValue:))
    }
    var message: String? {
        trailer("grpc-message").map { PercentEncoding.decode(Array($0.utf8)[...]) }
    }

    private func find(_ name: String, _ block: HeaderBlock?) -> String? {
        guard let block else { return nil }
        for field in block.fields
        where block.storage[field.name].elementsEqual(name.utf8) {
            return String(decoding: block.storage[field.value], as: UTF8.self)
        }
        return nil
    }

    // MARK: StreamObserver

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        headers = stream.headers
        trailers = stream.trailers
    }

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) { take() }

    func take() {
        guard takes, let stream else { return }
        received += Array(stream.received.prefix(.max))
        stream.take(stream.received.count)
    }

    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        take()
        headers = stream.headers
        trailers = stream.trailers
        closedCode = code
    }
}

enum MessageFrame {
    static func bytes(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        let count = UInt32(message.count)
        return [flag] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + message
    }
}

extension HeaderBlock {
    /// A header section of these fields.
    init(_ fields: KeyValuePairs<String, String>) {
        self.init()
        for (name, value) in fields {
            append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
    }
}
