import EventLoops
import PostgresClient
import TestSupport

extension PoolConfiguration {
    /// One whose patience no busy machine tries: nothing of it is what a test is about.
    static func patient(_ uri: String) -> PoolConfiguration {
        var configuration = PoolConfiguration(uri: uri)
        configuration.waitDurationMax = .seconds(60)
        configuration.connectDurationMax = .seconds(60)
        configuration.drainAfterCancel = .seconds(60)
        configuration.rollbackDurationMax = .seconds(60)
        configuration.statementDurationMax = .seconds(120)
        return configuration
    }
}

/// Runs `body` with a pool on a loop of its own, then closes the pool.
func withPool<R: Sendable>(
    _ uri: String,
    configure: @Sendable (inout PoolConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (isolated EventLoop, ConnectionPool) async throws -> R
) async throws -> R {
    var configuration = PoolConfiguration.patient(uri)
    configure(&configuration)
    return try await onLoop { [configuration] loop, reactor in
        let pool = try ConnectionPool(
            reactor: reactor, workers: try WorkerPool(threads: 1), configuration: configuration)
        do {
            let result = try await body(loop, pool)
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw error
        }
    }
}

/// Runs `body` with a fresh migrated database and a pool for it.
func withDatabase<R: Sendable>(
    _ body: @escaping @Sendable (MigratedDatabase, ConnectionPool) async throws -> R
) async throws -> R {
    let database = try await MigratedDatabase.make()
    return try await withPool(database.uri) { loop, pool in
        _ = loop
        return try await body(database, pool)
    }
}
