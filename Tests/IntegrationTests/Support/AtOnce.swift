import EventLoops
import PostgresClient

/// Runs `body` several times at once, each on a loop and a pool of its own.
func atOnce<R: Sendable>(
    _ count: Int, _ database: MigratedDatabase,
    _ body: @escaping @Sendable (ConnectionPool) async throws -> R
) async throws -> [R] {
    try await withThrowingTaskGroup(of: R.self) { group in
        for _ in 0..<count {
            group.addTask {
                try await withPool(database.uri) { loop, pool in
                    _ = loop
                    return try await body(pool)
                }
            }
        }
        return try await group.reduce(into: []) { $0.append($1) }
    }
}
