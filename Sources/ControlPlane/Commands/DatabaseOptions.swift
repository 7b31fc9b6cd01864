import ArgumentParser
import EventLoops
import Glibc
import Logging
import PostgresClient

/// Where PostgreSQL is, for every command that needs it.
struct DatabaseOptions: ParsableArguments {
    @Option(
        name: .customLong("database-url-file"),
        help: "A file that holds PostgreSQL's address; else BERTH_DATABASE_URL is read.")
    var databaseURLFile: String?

    /// The address; may hold a password.
    func databaseURL() throws -> String {
        if let path = databaseURLFile { return try read(path) }
        if let url = environment("BERTH_DATABASE_URL"), !url.isEmpty { return url }
        throw ValidationError(
            "PostgreSQL's address is missing: set BERTH_DATABASE_URL, such as "
                + "postgresql:///berth?host=/run/postgresql, or give --database-url-file FILE")
    }

    private func read(_ path: String) throws -> String {
        do {
            let text = trimmed(try SmallFile.read(path))
            if !text.isEmpty { return text }
        } catch {
            throw ValidationError("--database-url-file \(path): \(error)")
        }
        throw ValidationError("--database-url-file \(path): is empty")
    }
}

/// The value of an environment variable, or `nil`.
func environment(_ name: String) -> String? {
    // Safe: read before any thread could change the environment; the text is copied.
    unsafe getenv(name).map { unsafe String(cString: $0) }
}

/// Runs `body` with a pool on a loop of its own, for commands that do one thing.
func withPool<Result: Sendable>(
    _ configuration: PoolConfiguration,
    _ body: @escaping @Sendable (isolated EventLoop, ConnectionPool) async throws -> Result
) throws -> Result {
    SignalSource.ignoreBrokenPipes()
    return try EventLoop.runOnce { loop, reactor in
        let pool = try ConnectionPool(
            reactor: reactor, workers: try WorkerPool(threads: 1), configuration: configuration,
            logger: Logger(label: "berthd"))
        let result = try await body(loop, pool)
        await pool.close()
        return result
    }
}
