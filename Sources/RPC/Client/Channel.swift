public import EventLoops
public import HTTP2
public import Logging

/// A client's way to one server: connects when a call needs it, keeps the connection, and makes a new
/// one when it goes.
///
/// Belongs to its loop, as do its calls. One connection at a time takes new calls.
public final class Channel {
    /// Where a channel stands (gRPC, "connectivity semantics").
    public enum State: Hashable, Sendable {
        /// No connection, and nobody needs one.
        case idle
        /// Being connected.
        case connecting
        /// Connected.
        case ready
        /// The last attempt failed; the next is due after a pause. Calls that do not wait for ready
        /// fail at once.
        case failing
        /// ``Channel/close()`` was called.
        case closed
    }

    /// What the channel may use up.
    public let limits: ChannelLimits
    /// The server as calls name it, `host:port`.
    public let authority: String
    /// Where the channel stands.
    public internal(set) var state = State.idle {
        didSet {
            guard state != oldValue else { return }
            logger.debug("channel", metadata: ["server": "\(authority)", "state": "\(state)"])
            stateChanged?(state)
        }
    }
    /// Called on the loop after each change of ``state``.
    public var stateChanged: ((State) -> Void)?
    /// Calls that have not ended, those included that wait.
    public private(set) var runningCalls = 0
    /// Calls that wait for a connection or for room on it.
    public var waitingCalls: Int { waiting.count }
    /// Connections made so far, those included that are over.
    public internal(set) var connectionsMade = 0

    let reactor: Reactor
    let logger: Logger
    let gzip = Gzip()
    /// The `:scheme` of calls.
    let scheme: StaticString
    let host: String
    let port: UInt16
    let workers: WorkerPool
    let makeStream: ((SocketStream) throws -> any ByteStream)?
    let buffers = LoopBuffers()

    /// The connection that takes new calls.
    var current: ClientConnection?
    /// Those that still carry calls and take no new ones.
    var retired: [ClientConnection] = []
    var attempt: ConnectAttempt?
    var waiting: [ClientCall] = []
    var pauses: Backoff
    /// When the next attempt may begin, after one that failed.
    var nextAttempt = Instant.now()
    var pauseTimer: LoopTimer?
    /// Why the last attempt to connect failed.
    var outage: RPCStatus?
    var keepalive: Keepalive?
    /// Whether new calls are refused.
    private(set) var isRefusing = false
    private var drainWaiters: [CheckedContinuation<Void, Never>] = []

    /// Makes a channel that is not connected yet.
    ///
    /// - Parameters:
    ///   - host: A name, looked up on a worker at each attempt to connect, or an address.
    ///   - makeStream: Puts TLS between the socket and HTTP/2; nil for nothing.
    public init(
        to host: String, port: UInt16, reactor: Reactor, workers: WorkerPool,
        limits: ChannelLimits = ChannelLimits(), logger: Logger,
        makeStream: ((SocketStream) throws -> any ByteStream)? = nil
    ) {
        self.host = host
        self.port = port
        self.reactor = reactor
        self.workers = workers
        self.limits = limits
        self.logger = logger
        self.makeStream = makeStream
        authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        scheme = makeStream == nil ? "http" : "https"
        pauses = limits.connectBackoff
        keepalive = Keepalive(limits)
    }

    deinit {
        pauseTimer?.cancel()
        attempt?.cancel()
        for connection in connections { connection.end() }
    }

    private var connections: [ClientConnection] { retired + (current.map { [$0] } ?? []) }

    // MARK: Ending

    /// Ends every call with UNAVAILABLE and closes the connection; the channel cannot be used again.
    public func close() {
        guard state != .closed else { return }
        isRefusing = true
        state = .closed
        pauseTimer?.cancel()
        attempt?.cancel()
        attempt = nil
        let connections = connections
        current = nil
        retired = []
        for call in waiting { call.fail(closedStatus) }
        for connection in connections {
            connection.changed = nil
            for case let attempt as CallAttempt in connection.observers {
                attempt.call?.fail(closedStatus)
            }
            connection.end()
        }
    }

    /// Refuses new calls, lets those that there are end for `grace`, and closes.
    public func drain(grace: Duration) async {
        isRefusing = true
        if runningCalls > 0 {
            let timer = reactor.schedule(after: grace) { [weak self] in self?.close() }
            await withCheckedContinuation { continuation in
                if runningCalls == 0 {
                    continuation.resume()
                } else {
                    drainWaiters.append(continuation)
                }
            }
            timer.cancel()
        }
        close()
    }

    /// What calls are told once the channel is closed.
    var closedStatus: RPCStatus {
        RPCStatus(.unavailable, "the channel to \(authority) is closed")
    }

    // MARK: Calls

    func callBegan() { runningCalls += 1 }

    func callEnded() {
        runningCalls -= 1
        guard runningCalls == 0 else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    /// What to add to the status of a call that waited in vain.
    var whyNotReady: String { outage.map { "; \($0.message)" } ?? "" }

    /// Sends a call, now or when there is a connection with room.
    func enqueue(_ call: ClientCall) {
        if state == .closed { return call.fail(closedStatus) }
        if state == .failing, !call.options.waitsForReady, let outage { return call.fail(outage) }
        guard waiting.count < limits.queuedCallsMax else {
            let text = "\(waiting.count) calls wait for \(authority) (queuedCallsMax)"
            return call.fail(RPCStatus(.resourceExhausted, text))
        }
        waiting.append(call)
        pump()
    }

    /// Takes a call out of the queue.
    func forget(_ call: ClientCall) { waiting.removeAll { $0 === call } }

    /// Sends what waits, as far as there is room, and connects if that is missing.
    func pump() {
        while let current, current.hasRoom, !waiting.isEmpty {
            let call = waiting.removeFirst()
            if call.open(on: current) {
                // The connection serves: the next failure to connect is a first one.
                pauses.reset()
            } else {
                waiting.insert(call, at: 0)
            }
        }
        if let current, current.isRetired { retire(current) }
        if current == nil, !waiting.isEmpty { connect() }
    }
}
