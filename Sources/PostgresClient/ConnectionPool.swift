public import EventLoops
public import Logging

/// The PostgreSQL connections of one event loop.
///
/// Connects when a caller needs it, up to `connectionsMax`; further callers wait in turn. While
/// PostgreSQL cannot be reached callers fail at once with `.unavailable`, and the pool goes on trying
/// by itself. Not Sendable: it belongs to its loop.
public final class ConnectionPool {
    /// What a caller wants a connection for.
    enum Purpose {
        /// Its first statements: reads, and who may do what.
        case session
        /// A transaction. Most follow a session of the same call, which asked whether it may: they
        /// go ahead of those who have not begun, so that no call waits in the whole queue twice.
        case transaction
    }

    final class Waiter {
        let purpose: Purpose
        private var continuation: CheckedContinuation<Void, Never>?
        var timer: LoopTimer?
        private(set) var outcome: Result<PipelinedConnection, PostgresError>?

        init(_ purpose: Purpose) { self.purpose = purpose }

        /// Resumes at once when the outcome came before: the way here may have been suspended.
        func wait(_ continuation: CheckedContinuation<Void, Never>) {
            if outcome == nil { self.continuation = continuation } else { continuation.resume() }
        }

        func finish(_ outcome: Result<PipelinedConnection, PostgresError>) {
            timer?.cancel()
            timer = nil
            self.outcome = outcome
            continuation?.resume()
            continuation = nil
        }
    }

    let reactor: Reactor
    let workers: WorkerPool
    let cancelWorkers: WorkerPool
    let configuration: PoolConfiguration
    let settings: ConnectionSettings
    let logger: Logger

    var idle: [PipelinedConnection] = []
    var inUse: [PipelinedConnection] = []
    var attempts: [ConnectionAttempt] = []
    var waiters: [Waiter] = []
    var backoff = Backoff()
    var backoffTimer: LoopTimer?
    /// Why PostgreSQL cannot be reached, while it cannot.
    var outage: PostgresError?
    var isClosed = false
    var counts = PoolStatistics()
    var closers: [CheckedContinuation<Void, Never>] = []

    /// Whether PostgreSQL could be reached when the pool last tried; false before it ever did.
    public internal(set) var isAvailable = false {
        didSet { if isAvailable != oldValue { availabilityChanged?(isAvailable) } }
    }

    /// Called on the loop whenever ``isAvailable`` changes; for health reports.
    public var availabilityChanged: ((Bool) -> Void)?

    /// Makes a pool that connects when first used.
    ///
    /// - Parameters:
    ///   - workers: Where name resolution runs, which blocks.
    ///   - cancelWorkers: Where PQcancel runs, which blocks as long as the server hangs; nil for
    ///     `workers`. With workers of their own, cancels of a server that hangs keep nobody from
    ///     finding another one.
    /// - Throws: ``PostgresError`` `.connectionFailed` when the URI is malformed.
    public init(
        reactor: Reactor, workers: WorkerPool, cancelWorkers: WorkerPool? = nil,
        configuration: PoolConfiguration,
        logger: Logger = Logger(label: "berth.postgres")
    ) throws(PostgresError) {
        self.reactor = reactor
        self.workers = workers
        self.cancelWorkers = cancelWorkers ?? workers
        self.configuration = configuration
        self.logger = logger
        settings = try ConnectionSettings(configuration)
    }

    /// What the pool has done and does.
    public var statistics: PoolStatistics {
        var statistics = counts
        statistics.connecting = attempts.count
        statistics.inUse = inUse.count
        statistics.idle = idle.count
        statistics.waiting = waiters.count
        return statistics
    }

    // MARK: Taking and giving back

    /// Waits for a connection; give it back by ``release(_:)``.
    /// - Throws: `.unavailable`, `.poolExhausted`, `.cancelled`, `.closed`.
    func acquire(_ purpose: Purpose) async throws -> PipelinedConnection {
        if Task.isCancelled { throw ConnectionPool.cancelled }
        if isClosed { throw ConnectionPool.closed }
        if waiters.isEmpty, let connection = takeIdle() { return connection }
        if let outage { throw unavailable(outage) }
        guard hasPlace(for: purpose) else {
            counts.refusals += 1
            throw PostgresError(
                .poolExhausted, function: "acquire",
                message: "\(configuration.waitersMax) callers wait already (waitersMax)")
        }
        return try await wait(purpose)
    }

    /// Whether one more caller may wait. Those who have not begun leave transactions their place.
    private func hasPlace(for purpose: Purpose) -> Bool {
        if waiters.count < configuration.waitersMax { return true }
        guard purpose == .transaction else { return false }
        return waiters.count { $0.purpose == .transaction } < configuration.waitersMax
    }

    private func wait(
        _ purpose: Purpose, isolation: isolated (any Actor)? = #isolation
    ) async throws -> PipelinedConnection {
        // The pool may have been closed while the caller came back to its loop.
        if isClosed { throw ConnectionPool.closed }
        let waiter = Waiter(purpose)
        enqueue(waiter)
        connectIfNeeded(waiting: waiters.count)
        waiter.timer = reactor.schedule(after: configuration.waitDurationMax) {
            self.counts.refusals += 1
            self.fail(
                waiter,
                with: PostgresError(
                    .poolExhausted, function: "acquire",
                    message: "no connection became free within "
                        + "\(self.configuration.waitDurationMax) (waitDurationMax)"))
        }
        let bound = LoopBound((self, waiter), loop: reactor.loop)
        await withTaskCancellationHandler {
            // Keeps the closure on the loop; else each await in it would leave and come back.
            _ = isolation
            await withCheckedContinuation { waiter.wait($0) }
        } onCancel: {
            bound.use { pool, waiter in pool.fail(waiter, with: ConnectionPool.cancelled) }
        }
        guard let outcome = waiter.outcome else { throw ConnectionPool.cancelled }
        return try outcome.get()
    }

    private func enqueue(_ waiter: Waiter) {
        let place =
            switch waiter.purpose {
            case .transaction: waiters.firstIndex { $0.purpose == .session }
            case .session: nil as Int?
            }
        waiters.insert(waiter, at: place ?? waiters.endIndex)
    }

    private func takeIdle() -> PipelinedConnection? {
        while let connection = idle.popLast() {
            connection.lostWhileIdle = nil
            // Clean when it came to rest; what it has heard since, it has acted on.
            if connection.handle != nil {
                inUse.append(connection)
                return connection
            }
        }
        return nil
    }

    /// Takes a connection back: to the next waiter or to rest if it is clean, else it is closed.
    func release(_ connection: PipelinedConnection) {
        inUse.removeAll { $0 === connection }
        if connection.isStale { retireOthers() }
        if connection.isClean, !isClosed {
            offer(connection)
        } else {
            if connection.handle?.isReadOnly == true {
                logger.warning("PostgreSQL became read-only; reconnecting")
            }
            connection.close()
            connectIfNeeded(waiting: waiters.count)
            if open == 0, !isClosed { probe() }
        }
        wakeClosers()
    }

    /// Replaces every other connection as well: what the tables of a prepared statement have become,
    /// they have become for all, and each would fail a caller to find out.
    private func retireOthers() {
        for connection in idle { connection.close() }
        idle = []
        for connection in inUse { connection.mustClose = true }
    }

    /// Gives a free connection to the first waiter, or keeps it.
    func offer(_ connection: PipelinedConnection) {
        if !waiters.isEmpty {
            let waiter = waiters.removeFirst()
            inUse.append(connection)
            waiter.finish(.success(connection))
            return
        }
        connection.lostWhileIdle = { [weak self, unowned connection] in
            self?.lost(connection)
        }
        idle.append(connection)
    }

    private func lost(_ connection: PipelinedConnection) {
        idle.removeAll { $0 === connection }
        logger.info(
            "PostgreSQL closed a connection", metadata: ["cause": "\(connection.lossError)"])
        if open == 0, !isClosed { probe() }
    }

    /// Connections that are open.
    var open: Int { idle.count + inUse.count }

    func fail(_ waiter: Waiter, with error: PostgresError) {
        guard waiter.outcome == nil else { return }
        waiters.removeAll { $0 === waiter }
        waiter.finish(.failure(error))
    }

    func unavailable(_ cause: PostgresError) -> PostgresError {
        PostgresError(
            .unavailable, function: cause.function, message: cause.message,
            sqlState: cause.sqlState)
    }

    static let cancelled = PostgresError(
        .cancelled, function: "acquire", message: "the task was cancelled")
    static let closed = PostgresError(
        .closed, function: "acquire", message: "the pool is closed")
}
