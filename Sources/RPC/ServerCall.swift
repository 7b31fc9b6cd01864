import EventLoops
import HTTP2
import Messages

/// One gRPC call on one stream: from its header section to its status.
///
/// Holds its stream until the handler has returned, which may be after the stream closed.
final class ServerCall: StreamObserver {
    let stream: HTTP2Stream
    let context: CallContext
    let server: GRPCServer
    private let connection: Connection
    let encoding: RequestHead.Encoding
    let acceptsGzip: Bool

    private let dialect: Dialect
    private let origin: AllowedOrigin?
    /// The request's body when it comes as base64.
    private var text = WebText.Decoder()
    private let handler: any MethodHandler
    private var phase = Phase.awaitingRequest
    private var task: Task<Void, Never>?
    private var deadlineTimer: LoopTimer?
    /// The handler's tasks, suspended until the state of the stream changes.
    private var waiters = CallWaiters()
    /// Whether no request came for as long as the handler waits for one.
    private var isIdleTooLong = false
    /// Whether the header section of the response is out, and with it the encoding.
    private var sendsGzip = false
    private var hasSentHeaders = false
    /// What the caller was told while the handler ran, so that the log does not say otherwise.
    private var abortStatus: RPCStatus?

    private enum Phase {
        /// The handler wants the whole request; it has not begun.
        case awaitingRequest
        /// The handler runs.
        case running
        /// The status is queued; what else arrives is dropped.
        case answered
        /// The stream is over.
        case closed
    }

    init(
        stream: HTTP2Stream,
        head: RequestHead,
        handler: any MethodHandler,
        context: CallContext,
        origin: AllowedOrigin?,
        connection: Connection,
        server: GRPCServer
    ) {
        self.stream = stream
        self.connection = connection
        self.handler = handler
        self.context = context
        self.server = server
        encoding = head.encoding
        dialect = head.dialect
        self.origin = origin
        // A page that reads frames by itself knows nothing of gzip.
        acceptsGzip = head.acceptsGzip && head.dialect == .grpc
    }

    /// Whether the caller can no longer be told anything.
    private var isOver: Bool { phase == .answered || phase == .closed }

    // MARK: Beginning

    /// Takes up the call; the handler runs as soon as it can.
    func start(on loop: isolated EventLoop) {
        server.callBegan()
        if let deadline = context.deadline {
            // Nobody waits for the answer any more: nothing begins.
            if deadline <= server.reactor.now {
                return abort(
                    RPCStatus(
                        .deadlineExceeded,
                        "the deadline had passed when the call came; nothing was done"))
            }
            deadlineTimer = server.reactor.schedule(at: deadline) { [weak self] in
                self?.deadlinePassed()
            }
        }
        if !handler.awaitsWholeRequest { runHandler(on: loop) }
    }

    private func runHandler(on loop: isolated EventLoop) {
        // Not only when the call began: requests of many calls may come at once.
        if let limit = server.limitOfHandlers(on: connection) {
            return abort(RPCStatus(.resourceExhausted, "\(limit) reached"))
        }
        phase = .running
        server.handlerBegan(on: connection)
        let task = Task.immediate(executorPreference: loop.executor) {
            _ = loop
            await self.run()
        }
        if !hasReturned { self.task = task }
    }

    private var hasReturned = false

    private func run() async {
        let observers = server.router.observers
        var failure: RPCStatus?
        var told = 0
        do {
            for observer in observers {
                try observer.begins(context)
                told += 1
            }
            // Without an await where none is needed: each costs a few hundred instructions.
            if handler.layers.isEmpty {
                try await handler.run(self, context)
            } else {
                try await runIntercepted(0, context)
            }
        } catch {
            let status = status(of: error)
            if context.isRequestMalformed {
                server.refusalLog.malformed(context, status)
            } else if status.code == .unauthenticated {
                server.refusalLog.unauthenticated(context, status)
            }
            failure = status
        }
        for observer in observers[..<told].reversed() { observer.ends(context, failure) }
        answer(failure)
        hasReturned = true
        task = nil
        server.handlerEnded(on: connection)
    }

    /// Runs the interceptors from `index` on, and the handler inside the last.
    private func runIntercepted(_ index: Int, _ context: CallContext) async throws {
        do {
            if index == handler.layers.count {
                try await handler.run(self, context)
            } else {
                try await handler.layers[index].run(context) {
                    try await self.runIntercepted(index + 1, $0)
                }
            }
        } catch {
            throw status(of: error)
        }
    }

    /// The status that a failed handler comes to; of one that was cancelled, what its caller was told.
    private func status(of error: any Error) -> RPCStatus {
        let status = server.status(for: error, context)
        if let abortStatus, status.code == .cancelled { return abortStatus }
        return status
    }

    // MARK: Ending

    /// Answers with a status, unless the call has one or is closed; nil is OK.
    func answer(_ status: RPCStatus?) {
        deadlineTimer?.cancel()
        deadlineTimer = nil
        guard !isOver else { return }
        phase = .answered
        let status = status.map(toldStatus)
        count(status?.code ?? .ok)
        if dialect != .grpc {
            answerInBody(status)
        } else if hasSentHeaders {
            stream.finish(
                trailers: ResponseHeaders.trailing(
                    status, context.trailingMetadata, limits: server.limits))
        } else {
            let block = ResponseHeaders.trailersOnly(
                status, initial: context.initialMetadata, trailing: context.trailingMetadata,
                limits: server.limits)
            stream.respond(block, isEnd: true)
        }
        stream.discardReceived()
        if dialect == .webText { text = WebText.Decoder() }
    }

    /// What the caller is told of a status: an error in any case, and the call's id with it.
    private func toldStatus(_ status: RPCStatus) -> RPCStatus {
        let error = status.code == .ok ? RPCStatus(.unknown, status.message) : status
        return error.naming(context.requestID, limits: server.limits)
    }

    private func count(_ code: StatusCode) {
        handler.metrics.callEnded(
            code, nanoseconds: context.began.duration(to: .now()).nanosecondsClamped)
    }

    /// Answers a page, which cannot read trailers.
    private func answerInBody(_ status: RPCStatus?) {
        sendHeaders()
        let trailers = ResponseHeaders.trailing(
            status, context.trailingMetadata, limits: server.limits)
        stream.write(dialect.body(WebTrailers.frame(trailers)).span)
        stream.finish(trailers: nil)
    }

    /// Answers and cancels the handler, which may take its time to notice.
    func abort(_ status: RPCStatus) {
        switch phase {
        case .awaitingRequest: server.refusalLog.ended(context, status)
        case .running: abortStatus = status
        case .answered, .closed: break
        }
        answer(status)
        task?.cancel()
        wake()
    }

    /// Ends the call because the server does. UNAVAILABLE invites clients to call again by themselves,
    /// so only those hear it for whom nothing can have been done.
    func abortBecauseOfStop() {
        switch phase {
        case .awaitingRequest, .answered, .closed:
            abort(RPCStatus(.unavailable, "the server is stopping"))
        case .running where context.changesNothing:
            abort(RPCStatus(.unavailable, "the server is stopping"))
        case .running:
            abort(
                RPCStatus(
                    .unknown,
                    "the server stopped before the call ended; what it asked for may have been done"
                ))
        }
    }

    private func deadlinePassed() {
        abort(
            RPCStatus(
                .deadlineExceeded,
                "the deadline passed before the call ended; what it asked for may have been done"))
    }

    // MARK: What the stream tells

    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
        if stream.loopReceivedBytes > server.limits.receivedBytesPerLoopMax, !isOver {
            abort(RPCStatus(.resourceExhausted, "receivedBytesPerLoopMax reached"))
            return
        }
        switch phase {
        case .awaitingRequest: if hasWholeRequest() { runHandler(on: loop) }
        case .running: wake()
        case .answered, .closed: stream.discardReceived()
        }
    }

    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) { wake() }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        if !isOver { count(.cancelled) }
        server.callClosed()
        phase = .closed
        deadlineTimer?.cancel()
        deadlineTimer = nil
        task?.cancel()
        wake()
    }

    /// Whether a handler of one request may begin: all is there, or what is there is wrong.
    private func hasWholeRequest() -> Bool {
        if stream.isRemoteEnded { return true }
        do {
            switch try front() {
            case .nothing: return false
            case .partial: return !makeRoom()
            case .message(_, let count):
                // More than the one message: the handler's refusal says so.
                if receivedCount > MessageFraming.prefixBytes + count { return true }
                if !makeRoom() { abort(.receiveBufferFull) }
                return false
            }
        } catch {
            return true
        }
    }

    private func wake() { waiters.wakeAll() }

    /// Suspends until something happens to the stream or the task is cancelled.
    private func wait(isolation: isolated (any Actor)? = #isolation) async throws {
        // A handler that was cancelled before it waits would not be woken again.
        try Task.checkCancellation()
        let bound = LoopBound(self, loop: server.reactor.loop)
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            await withCheckedContinuation { waiters.add($0) }
        } onCancel: {
            bound.use { $0.wake() }
        }
        try Task.checkCancellation()
    }
}

// MARK: Messages

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
            throw RPCStatus(.resourceExhausted, "the connection's send buffer is full")
        }
        if dialect == .webText { bytes = WebText.encode(bytes) }
        stream.write(bytes.span)
    }

    private func sendHeaders() {
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

    private func front() throws(RPCStatus) -> MessageFraming.Front {
        let bytesMax = server.limits.message.messageBytesMax
        guard dialect == .webText else {
            return try MessageFraming.front(of: stream.received, bytesMax: bytesMax)
        }
        try decodeText(bytesMax: MessageFraming.prefixBytes + bytesMax + 1)
        return try MessageFraming.front(of: text.bytes, bytesMax: bytesMax)
    }

    /// Bytes of the request that wait; for base64, those that ``front()`` has decoded.
    private var receivedCount: Int {
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
    private func makeRoom() -> Bool {
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
            gzip: server.gzip, limits: server.limits.message, acceptsCompressed: encoding == .gzip)
        return try decoding.decode(type, received, isCompressed: isCompressed, count: count)
    }
}
