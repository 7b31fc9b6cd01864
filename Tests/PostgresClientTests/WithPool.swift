import EventLoops
import SQL
import TestSupport

@testable import PostgresClient

/// Runs `body` with a pool on a loop of its own, then closes the pool. Callers wait for ``longest``
/// unless `configure` says otherwise.
///
/// - Parameter uri: Where to; nil means a fresh database of the shared cluster.
/// - Parameter script: SQL text that is run first.
func withPool<R: Sendable>(
    _ uri: String? = nil, script: String = "",
    configure: @Sendable (inout PoolConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (isolated EventLoop, Reactor, ConnectionPool) async throws -> R
) async throws -> R {
    var configuration = PoolConfiguration(uri: try uri ?? TestPostgres.freshDatabase())
    configuration.waitDurationMax = longest
    configuration.connectDurationMax = longest
    configure(&configuration)
    return try await onLoop { [configuration] loop, reactor in
        let pool = try ConnectionPool(
            reactor: reactor, workers: try sharedWorkers(), configuration: configuration)
        if !script.isEmpty { try await pool.inSession { try await $0.executeScript(script) } }
        let result = try await body(loop, reactor, pool)
        await pool.close()
        return result
    }
}

/// Gives the ``PostgresError`` that `body` throws; fails when it throws none or another.
func postgresError(_ body: () async throws -> Void) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    throw NoPostgresError()
}

/// A body threw nothing although it had to.
struct NoPostgresError: Error {}

/// Begins a task on the loop, so that a test can cancel it or let it wait.
func begin<R: Sendable>(
    on loop: isolated EventLoop, _ body: @escaping () async throws -> R
) -> Task<R, any Error> {
    Task.immediate(executorPreference: loop.executor) {
        _ = loop
        return try await body()
    }
}

/// Waits until `condition` holds; fails after ``longest``.
func eventually(
    _ reactor: Reactor, _ condition: () async throws -> Bool
) async throws {
    let end = Instant.now().advanced(by: longest)
    while try await !condition() {
        guard Instant.now() < end else { throw NeverHappened() }
        try await reactor.sleep(for: .milliseconds(5))
    }
}

/// Far more than anything that is awaited takes, also on a machine that is busy with other things.
let longest = Duration.seconds(60)

/// Waits until as many backends of the pool's database are in what `event` names, such as a `Lock` or
/// the timeout of `PgSleep`.
///
/// - Parameter event: A `wait_event_type` or a `wait_event` of `pg_stat_activity`.
func eventually(
    _ reactor: Reactor, _ count: Int = 1, waitFor event: String, in pool: ConnectionPool
) async throws {
    let watcher = try ConnectionPool(
        reactor: reactor, workers: try sharedWorkers(),
        configuration: PoolConfiguration(uri: pool.configuration.uri))
    try await eventually(reactor) {
        try await watcher.inSession {
            try await $0.query(waiting, [.text(event)])[0].int64("count") == Int64(count)
        }
    }
    await watcher.close()
}

private let waiting = Statement(
    "count_waiting",
    """
    SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND $1 IN (wait_event_type, wait_event)
    """)

/// A condition did not come to hold in time.
struct NeverHappened: Error {}
