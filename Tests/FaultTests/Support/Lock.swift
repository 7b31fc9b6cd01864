import EventLoops
import PostgresClient
import SQL

/// A lock on the services that nobody else's insert gets past, until it is released.
final class Lock {
    private var holder: Task<Void, any Error>?
    private var isTaken = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// Takes the lock.
    static func take(
        on pool: ConnectionPool, _ loop: isolated EventLoop, _ stage: Stage
    ) async throws -> Lock {
        let lock = Lock()
        lock.holder = Task.immediate(executorPreference: loop.executor) {
            _ = loop
            try await pool.inTransaction { transaction in
                _ = try await transaction.query(statement)
                lock.isTaken = true
                await withCheckedContinuation { lock.waiter = $0 }
            }
        }
        try await stage.eventually { lock.isTaken }
        return lock
    }

    /// Waits until someone waits for the lock.
    func isWaitedFor(_ stage: Stage) async throws {
        try await stage.eventually {
            try await stage.direct.inSession { session in
                try await session.query(Lock.waiting).first?.bool("waits") == true
            }
        }
    }

    /// Gives the lock back.
    func release() async throws {
        waiter?.resume()
        waiter = nil
        try await holder?.value
    }

    private static let waiting = Statement(
        "lock_is_waited_for",
        """
        SELECT EXISTS (
            SELECT FROM pg_locks WHERE NOT granted AND relation = 'services'::regclass
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ) AS waits
        """)
    private static let statement = Statement(
        "lock_services", "LOCK TABLE services IN SHARE ROW EXCLUSIVE MODE")
}

extension Stage {
    /// Makes every COMMIT of a create take that long.
    func slowCommits(by duration: Duration) async throws {
        let seconds = duration / .seconds(1)
        try await direct.inSession { session in
            try await session.executeScript(
                """
                CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_sleep(\(seconds)); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON services
                    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
                """)
        }
    }
}
