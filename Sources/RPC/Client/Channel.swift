public import EventLoops
public import HTTP2
public import Logging

/// A client's way to one server: connects when a call needs it, keeps the connection, and makes a new
/// one when it goes.
///
/// Belongs to its loop, as do its calls. One connection at a time carries all calls.
public final class Channel {
    /// Where a channel stands (gRPC, "connectivity semantics").
    public enum State: Hashable, Sendable {
        /// No connection, and nobody needs one.
        case idle
        /// Being connected.
        case connecting
        /// Connected.
        case ready
        /// The last attempt failed; the next is due after a pause.
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
        didSet { if state != oldValue { stateChanged?(state) } }
    }
    /// Called on the loop after each change of ``state``.
    public var stateChanged: ((State) -> Void)?

    let reactor: Reactor
    let scheme: StaticString
    let gzip = Gzip()
    let host: String
    let port: UInt16
    let workers: WorkerPool
    let logger: Logger
    let makeStream: ((SocketStream) throws -> any ByteStream)?
    let buffers = LoopBuffers()
    /// The connection that takes new calls.
    var current: Connection?
    /// Those that still carry calls and take no new ones.
    var retiring: [Connection] = []
    var backoff: ConnectBackoff
    var retryTimer: LoopTimer?
    var keepaliveTimer: LoopTimer?
    /// Why the last attempt to connect failed.
    var lastFailure: RPCStatus?
    /// Calls that wait for a connection or for room on it, in order.
    var waiting: [Wakeup] = []
    /// The connection being made, told of its first news.
    var arriving: Wakeup?

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
        backoff = ConnectBackoff(limits)
    }

    deinit { close() }

    /// Ends every call with UNAVAILABLE and closes the connection; the channel cannot be used again.
    public func close() {
        guard state != .closed else { return }
        state = .closed
        retryTimer?.cancel()
        keepaliveTimer?.cancel()
        let connections = retiring + (current.map { [$0] } ?? [])
        current = nil
        retiring = []
        for connection in connections {
            connection.end(.noError, reason: "the channel was closed")
        }
        wakeWaiting()
    }

    // MARK: A connection for a call

    /// A connection with room for a call.
    /// - Throws: ``RPCStatus``; `CancellationError`.
    func connection(_ options: CallOptions, _ deadline: Instant?) async throws -> Connection {
        while true {
            if state == .closed {
                throw RPCStatus(.unavailable, "the channel to \(authority) is closed")
            }
            if let current, current.takesRequests, current.openStreams < current.peerStreamsMax {
                return current
            }
            if state == .failing, !options.waitsForReady {
                throw lastFailure ?? RPCStatus(.unavailable, "\(authority) cannot be reached")
            }
            if let deadline, deadline <= Instant.now() { throw Channel.late }
            guard waiting.count < limits.queuedCallsMax else {
                throw RPCStatus(
                    .resourceExhausted,
                    "\(waiting.count) calls wait for \(authority) (queuedCallsMax)")
            }
            connectIfNeeded()
            try await waitForNews(deadline)
        }
    }

    private static let late = RPCStatus(
        .deadlineExceeded, "the deadline passed before the call was sent")

    private func waitForNews(_ deadline: Instant?) async throws {
        let wakeup = Wakeup(reactor)
        waiting.append(wakeup)
        let timer = deadline.map { reactor.schedule(at: $0) { wakeup.wake() } }
        defer {
            timer?.cancel()
            waiting.removeAll { $0 === wakeup }
        }
        try await wakeup.wait()
    }

    func wakeWaiting() {
        let woken = waiting
        waiting = []
        for wakeup in woken { wakeup.wake() }
    }

    /// A stream ended: there may be room for another.
    func streamEnded() {
        retiring.removeAll { $0.isClosed }
        guard !waiting.isEmpty else { return }
        wakeWaiting()
    }

    /// A response came over the connection.
    func served() { backoff.reset() }
}
