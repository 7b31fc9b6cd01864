import EventLoops
import PostgresClient
import SQL

/// A lock that nobody else's create gets past, until it is released.
final class Lock {
    /// What is locked.
    enum Place {
        /// The services: an insert waits.
        case services
        /// What ``Stage/lockableCommits()`` makes each COMMIT of a create ask for.
        case commits

        fileprivate var taking: Statement {
            switch self {
            case .services: Lock.takingServices
            case .commits: Lock.takingCommits
            }
        }
        fileprivate var waiting: Statement {
            switch self {
            case .services: Lock.waitingForServices
            case .commits: Lock.waitingForCommits
            }
        }
    }

    private let place: Place
    private var holder: Task<Void, any Error>?
    private var isTaken = false
    private var waiter: CheckedContinuation<Void, Never>?

    /// Takes the lock.
    static func take(
        _ place: Place = .services, on pool: ConnectionPool, _ loop: isolated EventLoop,
        _ stage: Stage
    ) async throws -> Lock {
        let lock = Lock(place)
        lock.holder = Task.immediate(executorPreference: loop.executor) {
            _ = loop
            try await pool.inTransaction { transaction in
                _ = try await transaction.query(place.taking)
                lock.isTaken = true
                await withCheckedContinuation { lock.waiter = $0 }
            }
        }
        try await stage.eventually { lock.isTaken }
        return lock
    }

    private init(_ place: Place) { self.place = place }

    /// Waits until someone waits for the lock, or nobody does.
    func isWaitedFor(_ stage: Stage, _ expected: Bool = true) async throws {
        try await stage.eventually {
            try await stage.direct.inSession { session in
                try await session.query(place.waiting).first?.bool("waits") == expected
            }
        }
    }

    /// Gives the lock back.
    func release() async throws {
        waiter?.resume()
        waiter = nil
        try await holder?.value
    }

    private static let head: StaticString = """
        SELECT EXISTS (
            SELECT FROM pg_locks WHERE NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """
    private static let waitingForServices = Statement(
        "lock_services_waits", head, "AND relation = 'services'::regclass) AS waits")
    private static let waitingForCommits = Statement(
        "lock_commits_waits", head, "AND locktype = 'advisory') AS waits")
    private static let takingServices = Statement(
        "lock_services", "LOCK TABLE services IN SHARE ROW EXCLUSIVE MODE")
    private static let takingCommits = Statement(
        "lock_commits", "SELECT pg_advisory_xact_lock(1)")
}

extension Stage {
    /// Makes every COMMIT of a create take that long.
    func slowCommits(by duration: Duration) async throws {
        try await doAtCommit("pg_sleep(\(duration / .seconds(1)))")
    }

    /// Makes every COMMIT of a create wait as long as somebody has the lock ``Lock/Place/commits``.
    func lockableCommits() async throws {
        try await doAtCommit("pg_advisory_xact_lock_shared(1)")
    }

    private func doAtCommit(_ call: String) async throws {
        try await direct.inSession { session in
            try await session.executeScript(
                """
                CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM \(call); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER slow_commit AFTER INSERT ON services
                    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit();
                """)
        }
    }
}
