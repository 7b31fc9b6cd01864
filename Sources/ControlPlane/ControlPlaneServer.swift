import Cryptography
import Domain
import EventLoops
import Glibc
import HTTP2
import Logging
import Metrics
import PostgresClient
import Synchronization
import TLS

/// The process: one loop a thread, the first of them on the main thread with the signals.
struct ControlPlaneServer: Sendable {
    let configuration: ServeConfiguration
    let logger: Logger

    /// SIGHUP means to read the certificate again; without one it keeps its usual meaning.
    private var signals: [Int32] {
        [SIGTERM, SIGINT] + (configuration.tls == nil ? [] : [SIGHUP])
    }

    /// Serves until SIGTERM or SIGINT, then drains.
    ///
    /// - Throws: What keeps it from starting: an address in use, a schema that is not this build's,
    ///   another master key, a PostgreSQL that cannot be reached.
    func run() throws {
        SignalSource.block(signals)
        SignalSource.ignoreBrokenPipes()
        DescriptorLimit.raise()
        try AddressClaim.make(configuration.address)
        let signingKey = try prepareDatabase()
        let workers = Workers(
            // Names and files.
            general: try WorkerPool(threads: 2),
            cancels: try WorkerPool(threads: 2, queuedMax: Workers.cancelsWaitingMax))
        let first = try EventLoop()
        let others = try (1..<max(1, configuration.loops)).map { _ in try EventLoop() }
        let failure = Mutex<(any Error)?>(nil)
        let fleet = Fleet(first: first, loops: 1 + others.count)
        try first.run { loop, reactor in
            let stop = StopHandler(fleet: fleet, grace: configuration.drainGrace, logger: logger)
            stop.renewal = configuration.tls.map { tls in
                CertificateRenewal(tls, workers: workers.general, reactor: reactor, logger: logger)
                {
                    fleet.replaceCredentials($0)
                }
            }
            stop.renewal?.checkRegularly(on: loop)
            let listener = try NoticeListener(
                configuration.pool, workers: workers.general, reactor: reactor, logger: logger
            ) { fleet.tell($0) }
            listener.start()
            stop.listener = listener
            stop.signals = try SignalSource(signals, reactor: reactor, handler: stop)
            try serveMetrics(reactor, fleet)
            let (server, address) = try begin(
                on: loop, reactor, configuration.address, signingKey, workers, fleet)
            server.sweepRegularly(on: loop)
            // With port 0 the system chose one; the other loops share it.
            for other in others {
                try other.runOnNewThread { loop, reactor in
                    _ = try begin(on: loop, reactor, address, signingKey, workers, fleet)
                } failed: { error in
                    failure.withLock { $0 = error }
                    logger.critical("a loop failed", metadata: ["error": "\(error)"])
                    first.stop()
                } ended: {
                    fleet.ended()
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        logger.notice("stopped")
    }

    private func begin(
        on loop: isolated EventLoop, _ reactor: Reactor, _ address: SocketAddress,
        _ signingKey: SigningKey, _ workers: Workers, _ fleet: Fleet
    ) throws -> (LoopServer, SocketAddress) {
        let server = try LoopServer(
            configuration, signingKey: signingKey, workers: workers.general,
            cancelWorkers: workers.cancels, reactor: reactor, logger: logger)
        let listening = try server.start(on: address, loop: loop)
        let isComplete = fleet.add(LoopBound(server, loop: loop), loop)
        if isComplete {
            logger.notice(
                "serving",
                metadata: ["address": "\(listening)", "loops": "\(configuration.loops)"])
        }
        return (server, listening)
    }

    /// Answers collectors on the first loop for all of them, if somebody asked for it.
    private func serveMetrics(_ reactor: Reactor, _ fleet: Fleet) throws {
        guard let address = configuration.metricsAddress else { return }
        let server = MetricsServer(reactor: reactor) {
            MetricFamily.merged(await fleet.metricFamilies())
        }
        fleet.keep(LoopBound(server, loop: reactor.loop))
        let listening = try server.listen(on: address)
        logger.notice("collectors find /metrics", metadata: ["metrics": "\(listening)"])
    }

    /// Schema and key are checked once, before anyone is served, and the signing key is read; a
    /// database from before there were agents gets one.
    private func prepareDatabase() throws -> SigningKey {
        let configuration = configuration
        let logger = logger
        return try EventLoop.runOnce { _, reactor in
            let pool = try ConnectionPool(
                reactor: reactor, workers: try WorkerPool(threads: 1),
                configuration: configuration.pool, logger: logger)
            try await Migrator(sessions: pool, migrations: try Migration.all()).check()
            try await KeyCheck(sealer: configuration.sealer).verify(pool)
            let signingKey = try await SigningKeyVault(
                sealer: configuration.sealer, clock: SystemWallClock()
            ).key(pool)
            await pool.close()
            return signingKey
        }
    }
}

/// The threads of the process for what blocks.
///
/// A PQcancel blocks as long as PostgreSQL hangs. Cancels have threads of their own, so that names are
/// resolved meanwhile, such as that of the machine that takes over.
struct Workers: Sendable {
    let general: WorkerPool
    let cancels: WorkerPool

    /// Cancels that wait for a thread. More are dropped: their connections are closed when the time to
    /// drain has passed (``PoolConfiguration/drainAfterCancel``).
    static let cancelsWaitingMax = 64
}

/// The loops of the process and what each serves; the one thing that crosses threads.
final class Fleet: Sendable {
    private struct Member {
        let server: LoopBound<LoopServer>
        let loop: EventLoop
    }

    private struct State {
        var members: [Member] = []
        /// The loops that have not begun.
        var awaited: Int
        /// The loops that have not ended, those included that have not begun.
        var running: Int
        /// Set once the process drains.
        var grace: Duration?
        /// Kept as long as the process serves.
        var metrics: LoopBound<MetricsServer>?
    }

    private let first: EventLoop
    // A lock because loops join and leave on their own threads.
    private let state: Mutex<State>
    private let questions = LoopQuestions<[MetricFamily]>()

    init(first: EventLoop, loops: Int) {
        self.first = first
        state = Mutex(State(awaited: loops, running: loops))
    }

    /// Takes a loop that has begun.
    /// - Returns: Whether it was the last one.
    func add(_ server: LoopBound<LoopServer>, _ loop: EventLoop) -> Bool {
        let (isComplete, grace) = state.withLock { state in
            state.members.append(Member(server: server, loop: loop))
            state.awaited -= 1
            return (state.awaited == 0, state.grace)
        }
        if isComplete, let grace { drain(grace: grace) }
        return isComplete
    }

    /// Keeps the listener of the collectors.
    func keep(_ metrics: LoopBound<MetricsServer>) { state.withLock { $0.metrics = metrics } }

    /// What each loop that still serves did and does.
    func metricFamilies() async -> [[MetricFamily]] {
        var families: [[MetricFamily]] = []
        for member in state.withLock({ $0.members }) {
            let found = await questions.ask(member.loop) {
                member.server.use { $0.metricFamilies() }
            }
            if let found { families.append(found) }
        }
        return families
    }

    /// Drains every loop at once, stopping each when it is quiet and the first one last.
    ///
    /// A signal can come before the last loop has begun: then all wait for that one. A port that the
    /// first has left could be another program's by the time the last one binds it.
    func drain(grace: Duration) {
        let members = state.withLock { state in
            state.grace = grace
            return state.awaited == 0 ? state.members : []
        }
        for member in members { drain(member, grace: grace) }
    }

    private func drain(_ member: Member, grace: Duration) {
        member.loop.execute { loop, _ in
            Task.immediate(executorPreference: loop.executor) {
                _ = loop
                await member.server.use { $0 }.drain(grace: grace)
                self.leave(member.loop)
            }
        }
    }

    /// Lets every loop act on what the process heard.
    func tell(_ notice: Notice) {
        for member in state.withLock({ $0.members }) {
            member.loop.execute { _, _ in member.server.use { $0 }.received(notice) }
        }
    }

    /// Shows the new connections of every loop these credentials.
    func replaceCredentials(_ credentials: ServerCredentials) {
        for member in state.withLock({ $0.members }) {
            member.loop.execute { _, _ in
                member.server.use { $0 }.replaceCredentials(credentials)
            }
        }
    }

    private func leave(_ loop: EventLoop) {
        state.withLock { state in state.members.removeAll { $0.loop === loop } }
        questions.leave(loop)
        if loop === first { ended() } else { loop.stop() }
    }

    /// Stops the first loop once it has nothing to do and the others' threads are through: the process
    /// must not end, and OpenSSL forget everything, while one of them still begins or frees something.
    func ended() {
        let isLast = state.withLock { state in
            state.running -= 1
            return state.running == 0
        }
        if isLast { first.stop() }
    }
}

/// Drains on the first signal; on the second the process ends at once. SIGHUP renews certificates.
private final class StopHandler: SignalHandler {
    private let fleet: Fleet
    private let grace: Duration
    private let logger: Logger
    private var isStopping = false
    var signals: SignalSource?
    var renewal: CertificateRenewal?
    /// Held for as long as the process serves.
    var listener: NoticeListener?

    init(fleet: Fleet, grace: Duration, logger: Logger) {
        self.fleet = fleet
        self.grace = grace
        self.logger = logger
    }

    func received(_ signal: Int32, on loop: isolated EventLoop) {
        if signal == SIGHUP {
            renewal?.begin(on: loop, always: true)
            return
        }
        if isStopping {
            logger.warning("second signal: ending at once")
            exit(1)
        }
        isStopping = true
        logger.notice("draining", metadata: ["signal": "\(signal)"])
        fleet.drain(grace: grace)
    }
}
