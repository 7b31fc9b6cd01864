import EventLoops
import Glibc
import HTTP2
import Logging
import PostgresClient
import Synchronization

/// The process: one loop a thread, the first of them on the main thread with the signals.
struct ControlPlaneServer: Sendable {
    let configuration: ServeConfiguration
    let logger: Logger

    private static let stopSignals = [SIGTERM, SIGINT]

    /// Serves until SIGTERM or SIGINT, then drains.
    ///
    /// - Throws: What keeps it from starting: an address in use, a schema that is not this build's,
    ///   another master key, a PostgreSQL that cannot be reached.
    func run() throws {
        SignalSource.block(ControlPlaneServer.stopSignals)
        SignalSource.ignoreBrokenPipes()
        try AddressClaim.make(configuration.address)
        try verifyDatabase()
        let workers = try WorkerPool(threads: 2)
        let first = try EventLoop()
        let others = try (1..<max(1, configuration.loops)).map { _ in try EventLoop() }
        let failure = Mutex<(any Error)?>(nil)
        let fleet = Fleet(first: first)
        try first.run { loop, reactor in
            let stop = StopHandler(fleet: fleet, grace: configuration.drainGrace, logger: logger)
            let signals = try SignalSource(
                ControlPlaneServer.stopSignals, reactor: reactor, handler: stop)
            stop.signals = signals
            let (server, address) = try begin(
                on: loop, reactor, configuration.address, workers, fleet)
            server.sweepRegularly(on: loop)
            // With port 0 the system chose one; the other loops share it.
            for other in others {
                try other.runOnNewThread { loop, reactor in
                    _ = try begin(on: loop, reactor, address, workers, fleet)
                } failed: { error in
                    failure.withLock { $0 = error }
                    logger.critical("a loop failed", metadata: ["error": "\(error)"])
                    first.stop()
                }
            }
            logger.notice(
                "serving",
                metadata: ["address": "\(address)", "loops": "\(1 + others.count)"])
        }
        if let error = failure.withLock({ $0 }) { throw error }
        logger.notice("stopped")
    }

    private func begin(
        on loop: isolated EventLoop, _ reactor: Reactor, _ address: SocketAddress,
        _ workers: WorkerPool, _ fleet: Fleet
    ) throws -> (LoopServer, SocketAddress) {
        let server = try LoopServer(
            configuration, workers: workers, reactor: reactor, logger: logger)
        let listening = try server.start(on: address, loop: loop)
        fleet.add(LoopBound(server, loop: loop), loop)
        return (server, listening)
    }

    /// Schema and key are checked once, before anyone is served.
    private func verifyDatabase() throws {
        let configuration = configuration
        let logger = logger
        try EventLoop.runOnce { _, reactor in
            let pool = try ConnectionPool(
                reactor: reactor, workers: try WorkerPool(threads: 1),
                configuration: configuration.pool, logger: logger)
            try await Migrator(sessions: pool, migrations: try Migration.all()).check()
            try await KeyCheck(sealer: configuration.sealer).verify(pool)
            await pool.close()
        }
    }
}

/// The loops of the process and what each serves; the one thing that crosses threads.
final class Fleet: Sendable {
    private struct Member {
        let server: LoopBound<LoopServer>
        let loop: EventLoop
    }

    private let first: EventLoop
    // A lock because loops join and leave on their own threads.
    private let members = Mutex<[Member]>([])

    init(first: EventLoop) { self.first = first }

    func add(_ server: LoopBound<LoopServer>, _ loop: EventLoop) {
        members.withLock { $0.append(Member(server: server, loop: loop)) }
    }

    /// Drains every loop at once, stopping each when it is quiet and the first one last.
    func drain(grace: Duration) {
        for member in members.withLock({ $0 }) {
            member.loop.execute { loop, _ in
                Task.immediate(executorPreference: loop.executor) {
                    _ = loop
                    await member.server.use { $0 }.drain(grace: grace)
                    self.leave(member.loop)
                }
            }
        }
    }

    private func leave(_ loop: EventLoop) {
        let isLast = members.withLock { members in
            members.removeAll { $0.loop === loop }
            return members.isEmpty
        }
        if loop !== first { loop.stop() }
        if isLast { first.stop() }
    }
}

/// Drains on the first signal; on the second the process ends at once.
private final class StopHandler: SignalHandler {
    private let fleet: Fleet
    private let grace: Duration
    private let logger: Logger
    private var isStopping = false
    var signals: SignalSource?

    init(fleet: Fleet, grace: Duration, logger: Logger) {
        self.fleet = fleet
        self.grace = grace
        self.logger = logger
    }

    func received(_ signal: Int32, on loop: isolated EventLoop) {
        if isStopping {
            logger.warning("second signal: ending at once")
            exit(1)
        }
        isStopping = true
        logger.notice("draining", metadata: ["signal": "\(signal)"])
        fleet.drain(grace: grace)
    }
}
