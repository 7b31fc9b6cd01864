import EventLoops
import HTTP2

/// How a connection without a sign of life is probed (gRPC, "Keepalive").
struct Keepalive {
    /// After how long without a byte of the server a PING is sent.
    var time: Duration
    /// How long the answer may take.
    let timeout: Duration
    /// Whether a connection without calls is probed too.
    let permitsWithoutCalls: Bool

    /// Nil where the limits say never.
    init?(_ limits: ChannelLimits) {
        guard let time = limits.keepaliveTime else { return nil }
        self.time = time
        timeout = limits.keepaliveTimeout
        permitsWithoutCalls = limits.keepaliveWithoutCalls
    }
}

/// Sends a PING when a connection has been silent, and gives it up when nothing comes back.
final class KeepaliveProbe {
    private let rule: Keepalive
    private unowned let connection: Connection
    private let reactor: Reactor
    private var phase = Phase.stopped
    private var timer: LoopTimer?

    private enum Phase {
        /// Not begun, or over.
        case stopped
        /// There is no call, and without calls no probing; a call wakes it.
        case dormant
        /// Waits for the connection to have been silent long enough.
        case watching
        /// A PING is out, since then; any byte answers it.
        case probing(since: Instant)
    }

    init(_ rule: Keepalive, of connection: Connection, reactor: Reactor) {
        self.rule = rule
        self.connection = connection
        self.reactor = reactor
    }

    deinit { timer?.cancel() }

    /// Begins, unless it has.
    func start() {
        if case .stopped = phase { watch() }
    }

    /// Ends.
    func stop() {
        phase = .stopped
        timer?.cancel()
        timer = nil
    }

    /// A call was begun.
    func callBegan() {
        if case .dormant = phase { watch() }
    }

    private func watch() {
        phase = .watching
        timer = reactor.schedule(at: connection.lastReadAt.advanced(by: rule.time)) {
            [weak self] in self?.silenceEnded()
        }
    }

    private func silenceEnded() {
        guard connection.lastReadAt.duration(to: .now()) >= rule.time else { return watch() }
        guard rule.permitsWithoutCalls || connection.openStreams > 0 else {
            phase = .dormant
            return
        }
        let now = Instant.now()
        phase = .probing(since: now)
        connection.ping()
        timer = reactor.schedule(at: now.advanced(by: rule.timeout)) { [weak self] in
            self?.answerIsDue()
        }
    }

    private func answerIsDue() {
        guard case .probing(let since) = phase else { return }
        guard connection.lastReadAt < since else { return watch() }
        stop()
        connection.abandon(because: .silent(rule.timeout))
    }
}
