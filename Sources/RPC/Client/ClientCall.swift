import EventLoops
import HTTP2
import Messages

/// One attempt of a call on one stream: what is sent, what came back, how it ended.
final class ClientCall: StreamObserver {
    private let channel: Channel
    private let connection: Connection
    private let limits: ChannelLimits
    private let readable: Wakeup
    private let writable: Wakeup
    private var stream: HTTP2Stream?
    /// What had arrived and was not taken when the stream closed, which forgets it.
    private var rest: ByteQueue?
    private var compresses = false
    /// How the call ended; the code is OK for a good end.
    private(set) var outcome: RPCStatus?
    /// Whether the server has looked at the call, as far as we know.
    private(set) var mayBeProcessed = true
    /// Whether anything of a response came.
    private(set) var hasResponse = false

    init(_ channel: Channel, on connection: Connection) {
        self.channel = channel
        self.connection = connection
        limits = channel.limits
        readable = Wakeup(channel.reactor)
        writable = Wakeup(channel.reactor)
    }

    /// Sends the header section.
    func begin(_ path: String, _ options: CallOptions, deadline: Instant?) throws {
        compresses = options.compressesRequests
        let headers = RequestHeaders.make(
            path: path, authority: channel.authority, scheme: channel.scheme, options,
            timeLeft: deadline.map { channel.reactor.now.duration(to: $0) })
        do {
            stream = try connection.request(headers, isEnd: false, observer: self)
        } catch {
            mayBeProcessed = false
            throw RPCStatus(.unavailable, "no stream on \(channel.authority): \(error)")
        }
    }

    /// Ends the call from our side, unless it has ended.
    func end(_ status: RPCStatus) {
        guard outcome == nil else { return }
        outcome = status
        if let stream {
            stream.discardReceived()
            stream.reset(.cancel)
        }
        wakeAll()
    }

    // MARK: Sending

    /// Queues a message.
    func queue<Request: Message>(_ request: Request) throws {
        if let outcome { throw outcome.code == .ok ? ClientCall.ended : outcome }
        var bytes = try Wire.encode(
            request, after: MessageFraming.prefixBytes, limits: limits.message)
        if compresses {
            bytes = try channel.gzip.compress(
                bytes.span.extracting(MessageFraming.prefixBytes..<bytes.count),
                after: MessageFraming.prefixBytes)
        }
        MessageFraming.setPrefix(of: &bytes, isCompressed: compresses)
        guard let stream, stream.canQueue(bytes.count) else {
            throw RPCStatus(.resourceExhausted, "the connection's send buffer is full")
        }
        stream.write(bytes.span)
    }

    /// Waits until there is room for another message.
    func awaitRoom() async throws {
        while outcome == nil, let stream, !stream.hasRoomToWrite {
            stream.awaitDrain()
            try await writable.wait()
        }
        if let outcome, outcome.code != .ok { throw outcome }
    }

    /// Says that no more requests come.
    func endRequests() { stream?.finish(trailers: nil) }

    private static let ended = RPCStatus(.failedPrecondition, "the server has ended the call")

    // MARK: Receiving

    /// The next response, or nil after the last of a call that ended well.
    func receive<Response: Message>(_ type: Response.Type) async throws -> Response? {
        while true {
            if let response = try take(type) { return response }
            if let outcome {
                guard outcome.code == .ok else { throw outcome }
                return nil
            }
            try await readable.wait()
        }
    }

    private func take<Response: Message>(_ type: Response.Type) throws -> Response? {
        // After a failure on our side nothing is delivered any more.
        guard let stream, outcome == nil || isGoodEnd else { return nil }
        do {
            let received = rest ?? stream.received
            switch try MessageFraming.front(
                of: received, bytesMax: limits.message.messageBytesMax)
            {
            case .message(let isCompressed, let count):
                defer { drop(MessageFraming.prefixBytes + count) }
                let decoding = MessageDecoding(
                    gzip: channel.gzip, limits: limits.message,
                    acceptsCompressed: stream.headers.isFirst(.grpcEncoding, "gzip"))
                return try decoding.decode(
                    type, received, isCompressed: isCompressed, count: count)
            case .partial:
                guard isGoodEnd else {
                    // The rest needs room that only what lies here already can give.
                    stream.consume(stream.received.count)
                    return nil
                }
                throw RPCStatus(.internal, "the response ends within a message")
            case .nothing:
                guard isGoodEnd, !received.isEmpty else { return nil }
                throw RPCStatus(.internal, "the response ends within a message")
            }
        } catch {
            let status = ClientCall.status(for: error)
            if outcome == nil { end(status) } else { outcome = status }
            throw status
        }
    }

    private func drop(_ count: Int) {
        if rest == nil { stream?.take(count) } else { rest?.removeFirst(count) }
    }

    private var isGoodEnd: Bool { outcome?.code == .ok }

    private static func status(for error: any Error) -> RPCStatus {
        switch error {
        case let status as RPCStatus: status
        case MessageError.limitExceeded(let limit):
            RPCStatus(.resourceExhausted, "a response exceeds the limit \(limit)")
        default: RPCStatus(.internal, "a response cannot be decoded: \(error)")
        }
    }

    /// What the server sent before the first message, and with the status.
    var initialMetadata: Metadata { stream.map { Metadata($0.headers) } ?? Metadata() }
    var trailingMetadata: Metadata {
        stream.map { Metadata($0.trailers ?? $0.headers) } ?? Metadata()
    }

    /// Waits for the response's header section, or the end.
    func awaitHeaders() async throws {
        while !hasResponse, outcome == nil { try await readable.wait() }
    }

    private func wakeAll() {
        readable.wake()
        writable.wake()
    }

    // MARK: What the stream tells

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        guard outcome == nil else { return }
        if !hasResponse {
            hasResponse = true
            // The connection serves: the next failure to connect is a first one.
            channel.served()
            if stream.isHeaderListTooLarge {
                return end(
                    RPCStatus(.resourceExhausted, "the response's metadata is too large"))
            }
            if let refusal = ResponseStatus.refusal(stream.headers) { return end(refusal) }
        }
        readable.wake()
    }

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        guard outcome == nil else { return stream.discardReceived() }
        if stream.isRemoteEnded { settle(stream) }
        readable.wake()
    }

    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) { writable.wake() }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        defer { channel.streamEnded() }
        if outcome == nil || isGoodEnd { rest = stream.received }
        guard outcome == nil else { return }
        if hasResponse, stream.isRemoteEnded {
            settle(stream)
        } else if stream.isCutOff {
            let why = connection.failure?.description ?? "it ended"
            outcome = RPCStatus(
                .unavailable, "the connection to \(channel.authority) was lost: \(why)")
        } else {
            mayBeProcessed = code != .refusedStream
            outcome = ResponseStatus.ofReset(code)
        }
        wakeAll()
    }

    /// The server has said all it will.
    private func settle(_ stream: HTTP2Stream) {
        let block = stream.trailers ?? stream.headers
        let status = ResponseStatus.read(block)
        outcome =
            status ?? RPCStatus(.internal, "the server ended the response without a grpc-status")
        // Whatever we would still send, nobody reads.
        if !stream.isClosed { stream.reset(.noError) }
        writable.wake()
    }
}
