public import EventLoops
public import HTTP2
public import Logging
import Messages

/// The gRPC server of one loop: takes connections, finds handlers, answers calls.
///
/// Make one for each loop, with the loop's own router; they may all listen on the same address.
public final class GRPCServer {
    /// What callers may use up.
    public let limits: ServerLimits
    /// Which pages of other origins may call from a browser.
    public let webOrigins: WebOrigins

    let reactor: Reactor
    let router: Router
    let gzip = Gzip()
    let refusalLog: RefusalLog
    private let logger: Logger
    private let statusForError: (any Error) -> RPCStatus?
    private let buffers = LoopBuffers()
    private var listeners: [Listener] = []
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var requestIDs = RequestIDSequence()
    private var isDraining = false
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []
    private var drainTimer: LoopTimer?
    let pending: PendingRequests

    /// Handlers that run now, those included whose caller has gone.
    public private(set) var handlersRunning = 0
    /// Calls that have no answer yet, those included whose request has not arrived.
    private(set) var callsOpen = 0
    /// Connections that were accepted since the start.
    private(set) var connectionsAccepted = 0
    /// Requests of no method that is registered.
    private(set) var requestsRefused = 0
    /// Streams that are open now, over all connections.
    var openStreams: Int { connections.values.reduce(0) { $0 + $1.openStreams } }
    /// Connections that are open now.
    public var openConnections: Int { connections.count }

    /// Makes a server that does not listen yet.
    ///
    /// - Parameter statusForError: The status of an error that a handler or an interceptor threw and
    ///   that is no ``RPCStatus``; nil for one that callers must learn nothing of: they get INTERNAL
    ///   with the request id, and the log has the rest.
    public init(
        reactor: Reactor,
        router: Router,
        limits: ServerLimits = ServerLimits(),
        webOrigins: WebOrigins = WebOrigins(),
        logger: Logger,
        statusForError: @escaping (any Error) -> RPCStatus? = { _ in nil }
    ) {
        self.reactor = reactor
        self.router = router
        self.limits = limits
        self.webOrigins = webOrigins
        self.logger = logger
        refusalLog = RefusalLog(logger, limits: limits, now: reactor.now)
        self.statusForError = statusForError
        pending = PendingRequests(limits: limits, reactor: reactor)
    }

    /// Takes connections on `address` (port 0: one that is free).
    ///
    /// - Parameter makeStream: Puts something between the socket and HTTP/2, such as TLS; nil for
    ///   nothing. When it throws, the connection is refused.
    /// - Returns: The address in use.
    /// - Throws: `SystemError`; `Listener.refuseIfTaken` says whether another process has the port,
    ///   which this does not, since the loops of one process share it.
    @discardableResult
    public func listen(
        on address: SocketAddress,
        makeStream: ((SocketStream) throws -> any ByteStream)? = nil
    ) throws(SystemError) -> SocketAddress {
        let listener = try Listener(reactor: reactor, address: address) {
            [unowned self] stream, peer in
            accept(stream, peer, makeStream)
        }
        listeners.append(listener)
        return listener.address
    }

    /// Stops listening, lets the clients know, and lets running calls finish.
    ///
    /// Returns when the last connection is closed. After `grace` a call whose handler has not begun
    /// gets UNAVAILABLE, and one whose handler runs UNKNOWN: it may have been done.
    public func drain(grace: Duration) async {
        beginDrain(grace: grace)
        await drained()
    }

    /// Stops listening and lets the clients know, at once; running calls have `grace` from now on.
    public func beginDrain(grace: Duration) {
        isDraining = true
        for listener in listeners { listener.close() }
        listeners = []
        for connection in connections.values { connection.drain() }
        drainTimer?.cancel()
        drainTimer = reactor.schedule(after: grace) { [weak self] in self?.endAll() }
    }

    /// Waits, after ``beginDrain(grace:)``, until the last connection is closed.
    public func drained() async {
        if !connections.isEmpty { await withCheckedContinuation { drainWaiters.append($0) } }
        drainTimer?.cancel()
    }

    private func endAll() {
        for connection in connections.values {
            for case let call as ServerCall in connection.observers {
                call.abortBecauseOfStop()
            }
            connection.end(.noError, reason: "stopping")
        }
    }

    private func accept(
        _ stream: SocketStream,
        _ peer: SocketAddress,
        _ makeStream: ((SocketStream) throws -> any ByteStream)?
    ) {
        guard connections.count < limits.connectionsMax else {
            stream.close()
            refusalLog.refusedConnection(from: peer, because: "connectionsMax reached")
            return
        }
        do {
            let connection = try connection(over: stream, peer, makeStream)
            connections[ObjectIdentifier(connection)] = connection
            connectionsAccepted &+= 1
            do {
                try connection.start()
            } catch {
                connections[ObjectIdentifier(connection)] = nil
                throw error
            }
        } catch {
            refusalLog.refusedConnection(from: peer, because: "it failed to start: \(error)")
        }
    }

    /// Makes a connection, which owns the socket then; closes the socket when it throws.
    private func connection(
        over socket: SocketStream,
        _ peer: SocketAddress,
        _ makeStream: ((SocketStream) throws -> any ByteStream)?
    ) throws -> Connection {
        do {
            return try Connection(
                over: makeStream.map { try $0(socket) } ?? socket,
                role: .server,
                peer: peer,
                limits: limits.connection,
                reactor: reactor,
                buffers: buffers,
                delegate: self
            )
        } catch {
            socket.close()
            throw error
        }
    }

    // MARK: Calls

    func handlerBegan(on connection: Connection) {
        handlersRunning += 1
        connection.handlersRunning += 1
    }

    func handlerEnded(on connection: Connection) {
        handlersRunning -= 1
        connection.handlersRunning -= 1
    }

    /// The limit that keeps another handler from running for the connection; nil when none does.
    func limitOfHandlers(on connection: Connection) -> String? {
        if handlersRunning >= limits.handlersRunningMax { return "handlersRunningMax" }
        if connection.handlersRunning >= limits.handlersPerConnectionMax {
            return "handlersPerConnectionMax"
        }
        return nil
    }

    func callBegan() { callsOpen += 1 }
    func callAnswered() { callsOpen -= 1 }

    /// Makes room for what arrived on a stream: calls whose requests are on their way go first.
    /// - Returns: False when the loop holds too much all the same.
    func makesRoom(for stream: HTTP2Stream) -> Bool {
        while stream.loopReceivedBytes + pending.headBytes > limits.receivedBytesPerLoopMax {
            guard pending.shedOldest(because: "receivedBytesPerLoopMax") else { return false }
        }
        return true
    }

    /// The status that the caller gets for what was thrown.
    func status(for error: any Error, _ context: CallContext) -> RPCStatus {
        switch error {
        case let status as RPCStatus: return status
        case is CancellationError: return RPCStatus(.cancelled, "the call was cancelled")
        case MessageError.limitExceeded(let limit):
            return RPCStatus(.resourceExhausted, "a message exceeds the limit \(limit)")
        case let error as MessageError: return RPCStatus(.internal, error.description)
        default: break
        }
        if let status = statusForError(error) { return status }
        logger.error(
            "call failed by an unknown error",
            metadata: [
                "request_id": "\(context.requestID)", "method": "\(context.methodPath)",
                "error": "\(String(reflecting: error))",
            ]
        )
        return RPCStatus(.internal, "internal error; request id \(context.requestID)")
    }
}

extension GRPCServer: ConnectionDelegate {
    /// Takes a stream that began; called by its connection.
    public func streamBegan(
        _ stream: HTTP2Stream,
        on connection: Connection,
        loop: isolated EventLoop
    ) {
        let block = stream.headers
        let bytes = block.storage.span
        let head = RequestHead(block)
        let handler = router.methods.find(bytes.extracting(head.path))
        // Of calls only a browser's cost the search for an origin.
        let isWeb = head.dialect != .grpc || head.isOptions
        let origin = isWeb ? webOrigins.allowed(block) : nil
        if head.isOptions, let origin, block.value(of: "access-control-request-method") != nil {
            stream.respond(origin.preflight(asking: block), isEnd: true)
            return
        }
        if let refusal = Refusal(of: stream, head: head, isMethod: handler != nil)
            ?? handler.flatMap({ refusal(of: $0, head, on: connection) })
        {
            // A page must be able to read why, whatever it sent.
            let origin = origin ?? webOrigins.allowed(block)
            refuse(stream, head, refusal, origin, of: handler, peer: connection.peer)
            return
        }
        guard let handler else { return }
        var deadline: Instant?
        if let timeout = head.timeout, let duration = Timeout.parse(bytes.extracting(timeout)) {
            deadline = reactor.now.advanced(by: duration)
        }
        let context = CallContext(
            methodPath: handler.path,
            metadata: Metadata(block),
            deadline: deadline,
            origin: .connection(connection, requestIDs.next())
        )
        let call = ServerCall(
            stream: stream,
            head: head,
            handler: handler,
            context: context,
            origin: origin,
            connection: connection,
            server: self
        )
        stream.observer = call
        call.start(on: loop)
    }

    private func refuse(
        _ stream: HTTP2Stream, _ head: RequestHead, _ refusal: Refusal, _ origin: AllowedOrigin?,
        of handler: (any MethodHandler)?, peer: SocketAddress
    ) {
        if let handler, let code = refusal.code {
            handler.metrics.callEnded(code, nanoseconds: 0)
        } else {
            requestsRefused &+= 1
        }
        let id = requestIDs.next()
        let answer = { [limits] in
            refusal.answer(stream, id, limits: limits, dialect: head.dialect, origin: origin)
        }
        if refusal.isPatient { return PlainAnswer.wait(for: stream, self, answer) }
        refusalLog.refused(stream, head, refusal, id, peer: peer)
        answer()
    }

    /// Why a method that exists is not called.
    private func refusal(
        of handler: any MethodHandler, _ head: RequestHead, on connection: Connection
    ) -> Refusal? {
        if let limit = limitOfHandlers(on: connection) {
            return .status(.resourceExhausted, "\(limit) reached")
        }
        if callsOpen >= limits.callsOpenMax, !pending.shedOldest(because: "callsOpenMax") {
            return .status(.resourceExhausted, "callsOpenMax reached")
        }
        guard head.dialect != .grpc, !handler.awaitsWholeRequest else { return nil }
        return .status(.unimplemented, "gRPC-Web cannot send more than one request in a call")
    }

    /// Forgets a connection that closed; called by it.
    public func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
        connections[ObjectIdentifier(connection)] = nil
        guard isDraining, connections.isEmpty else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}
