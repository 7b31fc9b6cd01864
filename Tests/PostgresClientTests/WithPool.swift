import EventLoops
import PostgresClient
import SQL
import TestSupport

/// Runs `body` with a pool on a loop of its own, then closes the pool.
///
/// - Parameter uri: Where to; nil means a fresh database of the shared cluster.
/// - Parameter script: SQL text that is run first.
func withPool<R: Sendable>(
    _ uri: String? = nil, script: String = "",
    configure: @Sendable (inout PoolConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (isolated EventLoop, Reactor, ConnectionPool) async throws -> R
) async throws -> R {
    var configuration = PoolConfiguration(uri: try uri ?? TestPostgres.freshDatabase())
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

/// Waits until `condition` holds; fails after ten seconds.
func eventually(
    _ reactor: Reactor, _ condition: () async throws -> Bool
) async throws {
    let end = Instant.now().advanced(by: .seconds(10))
    while try await !condition() {
        guard Instant.now() < end else { throw NeverHappened() }
        try await reactor.sleep(for: .milliseconds(5))
    }
}

/// A condition did not come to hold in time.
struct NeverHappened: Error {}
