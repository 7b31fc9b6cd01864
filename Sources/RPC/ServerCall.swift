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

    let dialect: Dialect
    let origin: AllowedOrigin?
    /// The request's body when it comes as base64.
    var text = WebText.Decoder()
    private let handler: any MethodHandler
    /// What one message of the method's caller may cost.
    let requestLimits: MessageLimits
    /// Whether those are the method's own.
    let hasOwnLimits: Bool
    private var phase = Phase.awaitingRequest
    private var task: Task<Void, Never>?
    private var deadlineTimer: LoopTimer?
    /// The handler's tasks, suspended until the state of the stream changes.
    private var waiters = CallWaiters()
    /// Whether no request came for as long as the handler waits for one.
    var isIdleTooLong = false
    /// Whether the header section of the response is out, and with it the encoding.
    var sendsGzip = false
    var hasSentHeaders = false
    /// What the caller was told while the handler ran, so that the log does not say otherwise.
    private var abortStatus: RPCStatus?

    /// Its place in the list of ``PendingRequests``, which alone changes it.
    unowned var older: ServerCall?
    var newer: ServerCall?
    var isListed = false

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
        let ownLimits = handler.requestLimits
        requestLimits = ownLimits ?? server.limits.message
        hasOwnLimits = ownLimits != nil
        self.context = context
        self.server = server
        encoding = head.encoding
        dialect = head.dialect
        self.origin = origin
        // A page that reads frames by itself knows nothing of gzip.
        acceptsGzip = head.acceptsGzip && head.dialect == .grpc
    }

    /// Whether the caller can no longer be told anything.
    var isOver: Bool { phase == .answered || phase == .closed }

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
        do {
            try handler.admission?(context)
        } catch {
            return abort(status(of: error))
        }
        if handler.awaitsWholeRequest {
            server.pending.append(self)
        } else {
            runHandler(on: loop)
        }
    }

    /// What the header section takes; counted while the call waits for its request.
    var headBytes: Int { stream.headers.storage.count }

    private func runHandler(on loop: isolated EventLoop) {
        // Not only when the call began: requests of many calls may come at once.
        if let limit = server.limitOfHandlers(on: connection) {
            return abort(RPCStatus(.resourceExhausted, "\(limit) reached"))
        }
        phase = .running
        if handler.awaitsWholeRequest { server.pending.remove(self) }
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
        if phase == .awaitingRequest { server.pending.remove(self) }
        phase = .answered
        server.callAnswered()
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
        case .awaitingRequest where status.code == .unauthenticated:
            server.refusalLog.unauthenticated(context, status)
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
        if phase == .awaitingRequest, hasWholeRequest() { return runHandler(on: loop) }
        if !isOver, !server.makesRoom(for: stream) {
            abort(RPCStatus(.resourceExhausted, "receivedBytesPerLoopMax reached"))
        }
        switch phase {
        case .awaitingRequest: break
        case .running: wake()
        case .answered, .closed: stream.discardReceived()
        }
    }

    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) { wake() }

    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
        if !isOver {
            count(.cancelled)
            if phase == .awaitingRequest { server.pending.remove(self) }
            server.callAnswered()
        }
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

    func wake() { waiters.wakeAll() }

    /// Suspends until something happens to the stream or the task is cancelled.
    func wait(isolation: isolated (any Actor)? = #isolation) async throws {
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
