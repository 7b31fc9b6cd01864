import EventLoops
import HTTP2
import Messages

extension ServerCall: MessageExchange {
    func takeOnly<Request: Message>(_ type: Request.Type) throws -> Request? {
        guard !isOver, stream.isRemoteEnded else { return nil }
        do {
            guard case .message(let isCompressed, let count) = try front(),
                receivedCount == MessageFraming.prefixBytes + count
            else { return nil }
            return try take(type, isCompressed: isCompressed, count: count)
        } catch {
            context.isRequestMalformed = true
            throw error
        }
    }

    func receive<Request: Message>(_ type: Request.Type) async throws -> Request? {
        while true {
            guard !isOver else { throw CancellationError() }
            switch try look(for: type) {
            case .message(let request): return request
            case .end: return nil
            case .notYet: try await wait()
            }
        }
    }

    func receive<Request: Message>(
        _ type: Request.Type, within time: Duration, limit: String
    ) async throws -> Request? {
        isIdleTooLong = false
        let timer = server.reactor.schedule(after: time) { [weak self] in
            self?.isIdleTooLong = true
            self?.wake()
        }
        defer { timer.cancel() }
        while true {
            guard !isOver else { throw CancellationError() }
            switch try look(for: type) {
            case .message(let request): return request
            case .end: return nil
            case .notYet: break
            }
            if isIdleTooLong {
                throw RPCStatus(.resourceExhausted, "no request came within \(limit) (\(time))")
            }
            try await wait()
        }
    }

    /// What there is to receive.
    private enum Look<Request> {
        case message(Request)
        case end
        case notYet
    }

    /// Takes the next request if all of it is there; else lets the client send more.
    /// - Throws: What is wrong with what the client sent.
    private func look<Request: Message>(for type: Request.Type) throws -> Look<Request> {
        do {
            switch try front() {
            case .message(let isCompressed, let count):
                return .message(try take(type, isCompressed: isCompressed, count: count))
            case .nothing where stream.isRemoteEnded && receivedCount == 0:
                return .end
            case .nothing, .partial:
                guard !stream.isRemoteEnded else {
                    throw RPCStatus(.internal, "the request ends within a message")
                }
                guard makeRoom() else { throw RPCStatus.receiveBufferFull }
                return .notYet
            }
        } catch {
            context.isRequestMalformed = true
            throw error
        }
    }

    func send<Response: Message>(_ response: Response) async throws {
        try sendOnly(response)
        while !stream.hasRoomToWrite {
            stream.awaitDrain()
            try await wait()
            guard !isOver else { throw CancellationError() }
        }
    }

    func sendOnly<Response: Message>(_ response: Response) throws {
        guard !isOver else { throw CancellationError() }
        var bytes = try Wire.encode(
            response,
            after: MessageFraming.prefixBytes,
            limits: server.limits.message
        )
        sendHeaders()
        let isCompressed = sendsGzip && compresses(bytes.count)
        if isCompressed { bytes = try compressed(bytes) }
        MessageFraming.setPrefix(of: &bytes, isCompressed: isCompressed)
        guard stream.canQueue(bytes.count) else {
            throw RPCStatus(.resourceExhausted, "queuedBytesPerConnectionHardMax reached")
        }
        if dialect == .webText { bytes = WebText.encode(bytes) }
        stream.write(bytes.span)
    }

    func sendHeaders() {
        guard !hasSentHeaders else { return }
        hasSentHeaders = true
        sendsGzip =
            acceptsGzip
            && (context.compressesResponses != nil
                || server.limits.compressedResponseBytesMin != nil)
        stream.respond(
            dialect.openResponse(context.initialMetadata, isGzip: sendsGzip, allowing: origin),
            isEnd: false
        )
    }

    private func compresses(_ count: Int) -> Bool {
        if let chosen = context.compressesResponses { return chosen }
        guard let bytesMin = server.limits.compressedResponseBytesMin else { return false }
        return count - MessageFraming.prefixBytes >= bytesMin
    }

    private func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
        try server.gzip.compress(
            bytes.span.extracting(MessageFraming.prefixBytes..<bytes.count),
            after: MessageFraming.prefixBytes)
    }

    /// The name of the limit of a request's bytes.
    private var requestLimit: String { hasOwnLimits ? "requestBytesMax" : "messageBytesMax" }

    func front() throws(RPCStatus) -> MessageFraming.Front {
        let bytesMax = requestLimits.messageBytesMax
        guard dialect == .webText else {
            return try MessageFraming.front(
                of: stream.received, bytesMax: bytesMax, limit: requestLimit)
        }
        try decodeText(bytesMax: MessageFraming.prefixBytes + bytesMax + 1)
        return try MessageFraming.front(of: text.bytes, bytesMax: bytesMax, limit: requestLimit)
    }

    /// Bytes of the request that wait; for base64, those that ``front()`` has decoded.
    var receivedCount: Int {
        dialect == .webText ? text.bytes.count : stream.received.count
    }

    /// Decodes what has arrived of a base64 body, which gives the client room for more.
    private func decodeText(bytesMax: Int) throws(RPCStatus) {
        let malformed = RPCStatus(.internal, "the body is not base64")
        do {
            let count = try stream.received.withBytes { try text.append($0, bytesMax: bytesMax) }
            stream.take(count)
            stream.heldBytes = text.bytes.count
        } catch {
            throw malformed
        }
        if stream.isRemoteEnded, stream.received.isEmpty, !text.isComplete { throw malformed }
    }

    /// Lets the client send the rest of a message, or its end, that someone waits for.
    /// - Returns: False when the connection holds too much already.
    func makeRoom() -> Bool {
        guard stream.connectionReceivedBytes <= server.limits.receivedBytesPerConnectionMax else {
            return false
        }
        stream.consume(stream.received.count)
        return true
    }

    private func take<Request: Message>(
        _ type: Request.Type,
        isCompressed: Bool,
        count: Int
    ) throws -> Request {
        if dialect == .webText {
            defer {
                text.bytes.removeFirst(MessageFraming.prefixBytes + count)
                stream.heldBytes = text.bytes.count
            }
            return try decode(type, text.bytes, isCompressed: isCompressed, count: count)
        }
        defer { stream.take(MessageFraming.prefixBytes + count) }
        return try decode(type, stream.received, isCompressed: isCompressed, count: count)
    }

    private func decode<Request: Message>(
        _ type: Request.Type,
        _ received: borrowing ByteQueue,
        isCompressed: Bool,
        count: Int
    ) throws -> Request {
        context.isRequestCompressed = isCompressed
        let decoding = MessageDecoding(
            gzip: server.gzip, limits: requestLimits, limit: requestLimit,
            acceptsCompressed: encoding == .gzip)
        return try decoding.decode(type, received, isCompressed: isCompressed, count: count)
    }
}
