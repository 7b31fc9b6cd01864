import EventLoops
import Glibc
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct CancellationTests {
    static let table = "CREATE TABLE items (n integer PRIMARY KEY); INSERT INTO items VALUES (1)"
    static let lock = Statement("lock_item", "SELECT n FROM items WHERE n = 1 FOR UPDATE")
    static let insert = Statement("add_item", "INSERT INTO items VALUES ($1)")
    static let count = Statement("count_all", "SELECT count(*) AS n FROM items")
    static let pid = Statement("backend_pid", "SELECT pg_backend_pid() AS pid")

    static func count(_ pool: ConnectionPool) async throws -> Int64 {
        try await pool.inSession { try await $0.query(count)[0].int64("n") }
    }

    /// One who holds a lock and one who waits for it, whose cancel has all the time that it needs.
    @Sendable static func allowTwo(_ configuration: inout PoolConfiguration) {
        configuration.connectionsMax = 2
        configuration.drainAfterCancel = longest
    }

    /// Begins a transaction that holds the item's lock until the gate opens.
    /// - Returns: When it has the lock.
    static func holdLock(
        _ pool: ConnectionPool, until gate: ConnectionPoolTests.Gate, _ reactor: Reactor,
        _ loop: isolated EventLoop
    ) async throws -> Task<Void, any Error> {
        var isLocked = false
        let holder = begin(on: loop) {
            try await pool.inTransaction { transaction in
                _ = try await transaction.query(lock)
                isLocked = true
                await gate.pass()
            }
        }
        try await eventually(reactor) { isLocked }
        return holder
    }

    @Test("a statement that waits for a lock is cancelled and its connection serves again")
    func cancelsLockWait() async throws {
        try await withPool(script: Self.table, configure: Self.allowTwo) { loop, reactor, pool in
            let gate = ConnectionPoolTests.Gate()
            let holder = try await Self.holdLock(pool, until: gate, reactor, loop)
            let blocked = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(2)])
                    _ = try await transaction.query(Self.lock)
                }
            }
            try await eventually(reactor, waitFor: "Lock", in: pool)
            // The lock is held until the gate opens: this ends by the cancel.
            blocked.cancel()
            let error = try await postgresError { try await blocked.value }
            #expect(error.kind == .cancelled)
            #expect(error.sqlState == "57014")
            let connects = pool.statistics.connects
            gate.open()
            try await holder.value
            let found = try await Self.count(pool)
            #expect(found == 1)
            #expect(pool.statistics.connects == connects)
            #expect(pool.statistics.idle == 2)
        }
    }

    @Test("a commit that waits for a lock is cancelled as a whole")
    func cancelsCommitSegment() async throws {
        try await withPool(script: Self.table, configure: Self.allowTwo) { loop, reactor, pool in
            let gate = ConnectionPoolTests.Gate()
            let holder = try await Self.holdLock(pool, until: gate, reactor, loop)
            let blocked = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(2)])
                    transaction.send(Self.lock)
                    return
                }
            }
            try await eventually(reactor, waitFor: "Lock", in: pool)
            blocked.cancel()
            let error = try await postgresError { try await blocked.value }
            #expect(error.kind == .cancelled)
            gate.open()
            try await holder.value
            let found = try await Self.count(pool)
            #expect(found == 1)
        }
    }

    @Test("a task cancelled before COMMIT is sent commits nothing")
    func cancelledBeforeCommit() async throws {
        try await withPool(script: Self.table) { loop, reactor, pool in
            let gate = ConnectionPoolTests.Gate()
            var isInserted = false
            let caller = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    _ = try await transaction.send(Self.insert, [.int32(2)]).rows()
                    isInserted = true
                    await gate.pass()
                }
            }
            try await eventually(reactor) { isInserted }
            caller.cancel()
            gate.open()
            let error = try await postgresError { try await caller.value }
            #expect(error.kind == .cancelled)
            let found = try await Self.count(pool)
            #expect(found == 1)
            #expect(pool.statistics.connects == 2)
        }
    }

    @Test("a server that answers neither statement nor cancel costs the connection, not the caller")
    func hungServer() async throws {
        try await withPool(
            script: Self.table,
            configure: {
                $0.drainAfterCancel = .milliseconds(100)
                $0.connectionsMax = 1
            }
        ) { loop, reactor, pool in
            var backend: Int32 = 0
            let caller = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    backend = try await transaction.query(Self.pid)[0].int32("pid")
                    kill(backend, SIGSTOP)
                    _ = try await transaction.query(Self.lock)
                }
            }
            try await eventually(reactor) { backend != 0 }
            caller.cancel()
            let error = try await postgresError { try await caller.value }
            kill(backend, SIGCONT)
            #expect(error.kind == .cancelled)
            try await pool.ping()
            #expect(pool.statistics.connects == 3)
        }
    }

    @Test("no answer to COMMIT within the time to drain is an unknown outcome")
    func unknownOutcome() async throws {
        try await withPool(
            script: Self.table,
            configure: { $0.drainAfterCancel = .milliseconds(100) }
        ) { loop, reactor, pool in
            var backend: Int32 = 0
            let caller = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    backend = try await transaction.query(Self.pid)[0].int32("pid")
                    transaction.send(Self.insert, [.int32(2)])
                    kill(backend, SIGSTOP)
                }
            }
            try await eventually(reactor) { backend != 0 }
            try await reactor.sleep(for: .milliseconds(20))
            caller.cancel()
            let error = try await postgresError { try await caller.value }
            kill(backend, SIGCONT)
            #expect(error.kind == .outcomeUnknown)
            #expect(pool.statistics.unknownOutcomes == 1)
        }
    }

    @Test("a COMMIT that was answered is a success although the task was cancelled")
    func cancelledButCommitted() async throws {
        let server = try TestPostgres()
        try await withPool(
            try server.freshDatabase(), script: Self.table,
            configure: { $0.drainAfterCancel = longest }
        ) { loop, reactor, pool in
            var backend: Int32 = 0
            let caller = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    backend = try await transaction.query(Self.pid)[0].int32("pid")
                    transaction.send(Self.insert, [.int32(2)])
                    kill(backend, SIGSTOP)
                }
            }
            try await eventually(reactor) { backend != 0 }
            try await reactor.sleep(for: .milliseconds(20))
            // Connected before nobody is taken any more.
            try await pool.inSession { watcher in
                _ = try await watcher.query(Self.count)
                try await server.whileTakingNobody {
                    // The request to cancel hangs until the server has committed.
                    caller.cancel()
                    try await reactor.sleep(for: .milliseconds(20))
                    kill(backend, SIGCONT)
                    try await eventually(reactor) {
                        try await watcher.query(Self.count)[0].int64("n") == 2
                    }
                }
            }
            try await caller.value
            #expect(pool.statistics.unknownOutcomes == 0)
            let found = try await Self.count(pool)
            #expect(found == 2)
        }
    }

    @Test("cancels that hang keep nobody from resolving names; the time to drain ends their calls")
    func cancelsHang() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await onLoop { loop, reactor in
            let workers = try WorkerPool(threads: 1)
            var configuration = PoolConfiguration(uri: uri)
            configuration.drainAfterCancel = .milliseconds(200)
            let pool = try ConnectionPool(
                reactor: reactor, workers: workers,
                cancelWorkers: try WorkerPool(threads: 1, queuedMax: 1),
                configuration: configuration)
            let callers = (0..<4).map { _ in
                begin(on: loop) {
                    try await pool.inSession {
                        _ = try await $0.query(Statement("hang", "SELECT pg_sleep(20)"))
                    }
                }
            }
            try await eventually(reactor, callers.count, waitFor: "PgSleep", in: pool)
            try await server.whileFrozen {
                // One hangs on the only thread, one waits for it, two are dropped.
                for caller in callers { caller.cancel() }
                for caller in callers {
                    let error = try await postgresError { try await caller.value }
                    #expect(error.kind == .cancelled)
                }
                // A port where nobody listens: what is refused was resolved.
                let other = try ConnectionPool(
                    reactor: reactor, workers: workers,
                    configuration: PoolConfiguration(uri: "postgresql://localhost:1/berth"))
                let began = Instant.now()
                let error = try await postgresError { try await other.ping() }
                #expect(["PQconnectPoll", "PQconnectStartParams"].contains(error.function))
                #expect(began.duration(to: .now()) < .seconds(5))
                await other.close()
            }
            await pool.close()
        }
    }

    @Test("a script is cancelled like a statement")
    func cancelsScript() async throws {
        try await withPool(script: Self.table) { loop, reactor, pool in
            let caller = begin(on: loop) {
                try await pool.inSession {
                    try await $0.executeScript("SELECT 1; SELECT pg_sleep(20)")
                }
            }
            try await eventually(reactor, waitFor: "PgSleep", in: pool)
            caller.cancel()
            let error = try await postgresError { try await caller.value }
            #expect(error.kind == .cancelled)
            try await pool.ping()
        }
    }

    @Test("a server that never answers is given up even when nobody cancels")
    func neverAnswers() async throws {
        try await withPool(
            script: Self.table, configure: { $0.answerDurationMax = .seconds(2) }
        ) { _, _, pool in
            let began = Instant.now()
            let error = try await postgresError {
                try await pool.inTransaction {
                    _ = try await $0.query(Statement("sleep_for_ever", "SELECT pg_sleep(28)"))
                }
            }
            #expect(error.kind == .connectionLost)
            #expect(began.duration(to: .now()) < .seconds(20))
            try await pool.ping()
        }
    }
}
