import BerthMessages
import EventLoops
import HTTP2
import Messages
import RPC
import TLS

/// One gRPC call to the control plane, over a connection of its own.
final class ControlPlaneCall: StreamObserver, ConnectionDelegate {
    /// The longest message that is taken.
    static let messageBytesMax = 4 * 1024 * 1024
    private static let prefixBytes = 5

    private let connection: Connection
    private var stream: HTTP2Stream?
    private let canRead: Signal
    private let canWrite: Signal
    private var received: [UInt8] = []
    private var isOver = false
    private var failure: String?

    /// Where to, and how.
    struct Target {
        let address: SocketAddress
        let authority: String
        /// Nil for plaintext.
        let tls: TLSConnector?
        let path: String
        /// Shown as a bearer token; empty for none.
        let credential: String
    }

    /// Begins a connection and the call on it.
    /// - Throws: `SystemError`, `TLSError`, `HTTP2Error`.
    init(_ target: Target, reactor: Reactor) throws {
        let socket = try SocketStream.connecting(to: target.address)
        let bytes: any ByteStream
        if let tls = target.tls {
            do {
                bytes = try tls.stream(over: socket)
            } catch {
                socket.close()
                throw error
            }
        } else {
            bytes = socket
        }
        let delegate = Delegate()
        connection = try Connection(
            over: bytes, role: .client, peer: target.address, limits: ConnectionLimits(),
            reactor: reactor, buffers: LoopBuffers(), delegate: delegate)
        canRead = Signal(loop: reactor.loop)
        canWrite = Signal(loop: reactor.loop)
        self.delegate = delegate
        delegate.call = self
        try connection.start()
        stream = try connection.request(
            ControlPlaneCall.headers(target), isEnd: false, observer: self)
    }

    /// The connection holds its delegate weakly and wants it before `self` exists.
    private let delegate: Delegate
    private final class Delegate: ConnectionDelegate {
        weak var call: ControlPlaneCall?
        func streamBegan(
            _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
        ) {}
        func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
            call?.connectionClosed(connection, on: loop)
        }
    }

    deinit { connection.abandon() }

    private static func headers(_ target: Target) -> HeaderBlock {
        var fields = [
            (":method", "POST"), (":scheme", target.tls == nil ? "http" : "https"),
            (":path", target.path), (":authority", target.authority), ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "berth-agent/\(AgentVersion.text)"),
        ]
        if !target.credential.isEmpty {
            fields.append(("authorization", "Bearer \(target.credential)"))
        }
        var block = HeaderBlock()
        for (name, value) in fields {
            block.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        return block
    }

    // MARK: Sending

    /// Sends a message; returns once there is room for another. One caller at a time.
    func send(_ message: some Message) async throws {
        var bytes = try Wire.encode(message, after: ControlPlaneCall.prefixBytes)
        let count = UInt32(clamping: bytes.count - ControlPlaneCall.prefixBytes)
        for index in 0..<4 {
            bytes[index + 1] = UInt8(truncatingIfNeeded: count >> UInt32(24 - 8 * index))
        }
        guard let stream, !isOver else { throw status() }
        stream.write(bytes.span)
        while !isOver, !stream.hasRoomToWrite {
            stream.awaitDrain()
            await canWrite.wait()
            try Task.checkCancellation()
        }
    }

    /// Says that no message follows.
    func finishSending() { stream?.finish(trailers: nil) }

    /// Ends the call and its connection at once.
    func close() {
        failure = failure ?? "closed here"
        stream?.reset(.cancel)
        connection.abandon()
        over()
    }

    // MARK: Receiving

    /// Waits for the next message; nil when the call ended with OK. One caller at a time.
    /// - Throws: `RPCStatus` of the call's end, `MessageError`.
    func next<Reply: Message>(_ type: Reply.Type = Reply.self) async throws -> Reply? {
        while true {
            if let message = try takeMessage() { return try Wire.decode(type, from: message) }
            if isOver {
                let end = status()
                if end.code == .ok { return nil }
                throw end
            }
            await canRead.wait()
            try Task.checkCancellation()
        }
    }

    private func takeMessage() throws -> [UInt8]? {
        guard received.count >= ControlPlaneCall.prefixBytes else { return nil }
        let count = received[1..<ControlPlaneCall.prefixBytes].reduce(0) { $0 << 8 | Int($1) }
        guard received[0] == 0, count <= ControlPlaneCall.messageBytesMax else {
            close()
            throw RPCStatus(.internal, "a message is compressed or too long")
        }
        let end = ControlPlaneCall.prefixBytes + count
        guard received.count >= end else { return nil }
        defer { received.removeFirst(end) }
        return Array(received[ControlPlaneCall.prefixBytes..<end])
    }

    /// How the call ended.
    private func status() -> RPCStatus {
        let block = stream.map { $0.trailers ?? $0.headers }
        let code = block.flatMap { field("grpc-status", of: $0) }.flatMap { UInt8($0) }
            .flatMap { StatusCode(rawValue: $0) }
        if let code {
            return RPCStatus(code, block.flatMap { field("grpc-message", of: $0) } ?? "")
        }
        if let http = block.flatMap({ field(":status", of: $0) }), http != "200" {
            return RPCStatus(.unavailable, "the control plane answered with HTTP status \(http)")
        }
        return RPCStatus(.unavailable, failure ?? "the connection broke")
    }

    private func field(_ name: String, of block: HeaderBlock) -> String? {
        let match = block.fields.first { block.storage[$0.name].elementsEqual(name.utf8) }
        return match.map { String(decoding: block.storage[$0.value], as: UTF8.self) }
    }

    // MARK: What the connection tells

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        received += Array(stream.received.prefix(.max))
        stream.take(stream.received.count)
        canRead.raise()
    }

    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) { canWrite.raise() }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        if !stream.received.isEmpty { bodyReceived(stream, on: loop) }
        over()
    }

    func streamBegan(_ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop) {}

    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) { over() }

    private func over() {
        isOver = true
        // Lets go of the observer, which is this object.
        canRead.raise()
        canWrite.raise()
    }
}
