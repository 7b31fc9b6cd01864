import EventLoops
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct ConnectionPoolTests {
    static let one = Statement("one", "SELECT 1 AS n")

    /// Lets a test hold a connection until it says so.
    final class Gate {
        private var waiters: [CheckedContinuation<Void, Never>] = []
        private var isOpen = false
        func pass() async {
            await withCheckedContinuation { continuation in
                if isOpen { continuation.resume() } else { waiters.append(continuation) }
            }
        }
        func open() {
            isOpen = true
            for waiter in waiters { waiter.resume() }
            waiters = []
        }
    }

    @Test("a pool connects when first used and reuses the connection")
    func lazy() async throws {
        try await withPool { _, _, pool in
            #expect(pool.statistics.connects == 0)
            for _ in 0..<5 { try await pool.ping() }
            #expect(pool.statistics.connects == 1)
            #expect(pool.statistics.idle == 1)
            #expect(pool.isAvailable)
        }
    }

    @Test("past its limits the pool refuses at once, and serves who waits in turn")
    func exhausted() async throws {
        try await withPool {
            $0.connectionsMax = 1
            $0.waitersMax = 2
        } _: { loop, reactor, pool in
            let gate = Gate()
            var served: [Int] = []
            let holder = begin(on: loop) { try await pool.inSession { _ in await gate.pass() } }
            try await eventually(reactor) { pool.statistics.inUse == 1 }
            let first = begin(on: loop) { try await pool.inSession { _ in served.append(1) } }
            let second = begin(on: loop) { try await pool.inSession { _ in served.append(2) } }
            try await eventually(reactor) { pool.statistics.waiting == 2 }
            let error = try await postgresError { try await pool.ping() }
            #expect(error.kind == .poolExhausted)
            #expect(pool.statistics.refusals == 1)
            gate.open()
            _ = try await (holder.value, first.value, second.value)
            #expect(served == [1, 2])
            #expect(pool.statistics.connects == 1)
            #expect(pool.statistics.refusals == 1)
        }
    }

    @Test("who waits too long for a connection is told that the pool is exhausted")
    func waitsTooLong() async throws {
        try await withPool {
            $0.connectionsMax = 1
            // Bounds how long the holder waits for the connection to be made, too.
            $0.waitDurationMax = .seconds(2)
        } _: { loop, reactor, pool in
            let gate = Gate()
            let holder = begin(on: loop) { try await pool.inSession { _ in await gate.pass() } }
            try await eventually(reactor) { pool.statistics.inUse == 1 }
            let error = try await postgresError { try await pool.ping() }
            #expect(error.kind == .poolExhausted)
            #expect(pool.statistics.refusals == 1)
            #expect(pool.statistics.waiting == 0)
            gate.open()
            try await holder.value
            try await pool.ping()
        }
    }

    @Test("a transaction goes ahead of those who have not begun, and has its place in a full queue")
    func transactionsFirst() async throws {
        try await withPool {
            $0.connectionsMax = 1
            $0.waitersMax = 2
        } _: { loop, reactor, pool in
            let gate = Gate()
            var served: [String] = []
            let holder = begin(on: loop) { try await pool.inSession { _ in await gate.pass() } }
            try await eventually(reactor) { pool.statistics.inUse == 1 }
            let sessions = (1...2).map { number in
                begin(on: loop) { try await pool.inSession { _ in served.append("s\(number)") } }
            }
            try await eventually(reactor) { pool.statistics.waiting == 2 }
            let transactions = (1...2).map { number in
                begin(on: loop) {
                    try await pool.inTransaction { _ in served.append("t\(number)") }
                }
            }
            try await eventually(reactor) { pool.statistics.waiting == 4 }
            let third = try await postgresError { try await pool.inTransaction { _ in } }
            #expect(third.kind == .poolExhausted)
            gate.open()
            try await holder.value
            for task in sessions + transactions { try await task.value }
            #expect(served == ["t1", "t2", "s1", "s2"])
        }
    }

    @Test("a cancelled caller stops waiting for a connection at once")
    func cancelledWaiter() async throws {
        try await withPool {
            $0.connectionsMax = 1
        } _: { loop, reactor, pool in
            let gate = Gate()
            let holder = begin(on: loop) { try await pool.inSession { _ in await gate.pass() } }
            try await eventually(reactor) { pool.statistics.inUse == 1 }
            let waiter = begin(on: loop) { try await pool.ping() }
            try await eventually(reactor) { pool.statistics.waiting == 1 }
            waiter.cancel()
            let error = try await postgresError { try await waiter.value }
            #expect(error.kind == .cancelled)
            #expect(pool.statistics.waiting == 0)
            gate.open()
            try await holder.value
            try await pool.ping()
            #expect(pool.statistics.connects == 1)
        }
    }

    @Test("a caller that is cancelled already gets no connection")
    func cancelledBefore() async throws {
        try await withPool { loop, reactor, pool in
            let gate = Gate()
            let caller = begin(on: loop) {
                await gate.pass()
                try await pool.ping()
            }
            caller.cancel()
            gate.open()
            let error = try await postgresError { try await caller.value }
            #expect(error.kind == .cancelled)
            #expect(pool.statistics.connects == 0)
        }
    }

    @Test("as many callers as connections run at once")
    func parallel() async throws {
        try await withPool {
            $0.connectionsMax = 3
        } _: { loop, reactor, pool in
            let gate = Gate()
            let holders = (0..<3).map { _ in
                begin(on: loop) { try await pool.inSession { _ in await gate.pass() } }
            }
            try await eventually(reactor) { pool.statistics.inUse == 3 }
            gate.open()
            for holder in holders { try await holder.value }
            #expect(pool.statistics.idle == 3)
        }
    }

    @Test("a closed pool refuses callers, also those that wait")
    func closed() async throws {
        try await withPool {
            $0.connectionsMax = 1
        } _: { loop, reactor, pool in
            let gate = Gate()
            let holder = begin(on: loop) {
                try await pool.inSession { session in
                    await gate.pass()
                    return try await session.query(Self.one)[0].int32("n")
                }
            }
            try await eventually(reactor) { pool.statistics.inUse == 1 }
            let waiter = begin(on: loop) { try await pool.ping() }
            try await eventually(reactor) { pool.statistics.waiting == 1 }
            let closing = begin(on: loop) { await pool.close() }
            let error = try await postgresError { try await waiter.value }
            #expect(error.kind == .closed)
            gate.open()
            let finished = try await holder.value
            #expect(finished == 1)
            try await closing.value
            let late = try await postgresError { try await pool.ping() }
            #expect(late.kind == .closed)
            #expect(pool.statistics.idle == 0)
        }
    }

    @Test("closing gives up on what runs for too long")
    func closesInBoundedTime() async throws {
        try await withPool {
            $0.closeDurationMax = .milliseconds(50)
        } _: { loop, reactor, pool in
            let sleeper = begin(on: loop) {
                try await pool.inTransaction {
                    _ = try await $0.query(Statement("sleep_long", "SELECT pg_sleep(20)"))
                }
            }
            try await eventually(reactor, waitFor: "PgSleep", in: pool)
            let began = Instant.now()
            await pool.close()
            #expect(began.duration(to: .now()) < .seconds(15))
            let error = try await postgresError { try await sleeper.value }
            #expect(error.kind == .connectionLost)
        }
    }

    @Test("a malformed URI is refused without repeating it")
    func malformed() async throws {
        try await onLoop { _, reactor in
            let workers = try sharedWorkers()
            let error = #expect(throws: PostgresError.self) {
                _ = try ConnectionPool(
                    reactor: reactor, workers: workers,
                    configuration: PoolConfiguration(uri: "postgresql://u:hunter2@[oops"))
            }
            #expect(error?.kind == .connectionFailed)
            #expect(!String(reflecting: error).contains("hunter2"))
        }
    }

    @Test("a host name is resolved by a worker and reaches a server over TCP")
    func tcp() async throws {
        // Below the ports that outgoing connections are given.
        let server = try TestPostgres(settings: ["listen_addresses = 'localhost'"], port: 25432)
        try await withPool("postgresql://berth@localhost:\(server.port)/postgres") { _, _, pool in
            try await pool.ping()
        }
    }

    @Test("a host name that does not resolve makes the database unavailable")
    func unresolvable() async throws {
        try await withPool("postgresql://berth@no-such-host.invalid/x") { _, _, pool in
            let error = try await postgresError { try await pool.ping() }
            #expect(error.kind == .unavailable)
            #expect(error.function == "getaddrinfo")
        }
    }

    @Test("limits reach the server as settings of the session")
    func settings() async throws {
        let read = Statement(
            "read_settings",
            """
            SELECT current_setting('statement_timeout') AS statement,
                current_setting('client_connection_check_interval') AS check,
                current_setting('application_name') AS name
            """
        )
        try await withPool { _, _, pool in
            let row = try await pool.inSession { try await $0.query(read)[0] }
            #expect(try row.text("statement") == "30s")
            #expect(try row.text("check") == "1s")
            #expect(try row.text("name") == "berthd")
        }
    }

    @Test("a session's script leaves no setting and no lock to the next caller")
    func scriptsLeaveNothing() async throws {
        let path = Statement("read_path", "SELECT current_setting('search_path') AS path")
        try await withPool(configure: { $0.connectionsMax = 1 }) { _, _, pool in
            try await pool.inSession { session in
                try await session.executeScript("SET search_path = elsewhere; SELECT 1")
                let row = try await session.query(path)[0]
                #expect(try row.text("path") == "elsewhere")
            }
            let row = try await pool.inSession { try await $0.query(path)[0] }
            #expect(try row.text("path") != "elsewhere")
        }
    }

    @Test("a script that fails says which error and leaves the session usable")
    func scriptFails() async throws {
        try await withPool { _, _, pool in
            try await pool.inSession { session in
                let error = try await postgresError {
                    try await session.executeScript("CREATE TABLE a (n int); SELECT 1/0")
                }
                #expect(error.sqlState == "22012")
                let tables = try await session.query(
                    Statement("count_a", "SELECT to_regclass('a') IS NULL AS gone"))
                #expect(try tables[0].bool("gone"))
            }
        }
    }

    @Test("a session that leaves a transaction open gives back a clean connection")
    func sessionLeavesTransaction() async throws {
        try await withPool(script: TransactionTests.table, configure: { $0.connectionsMax = 1 }) {
            _,
            _,
            pool in
            try await pool.inSession { session in
                session.send(Statement("open_one", "BEGIN"))
                session.send(TransactionTests.insert, [.int32(1), .text("a")])
            }
            try await TransactionTests.expectItems(pool, 0)
        }
    }

    @Test("a session's queued failure is told at its end when nobody waited for it")
    func sessionFailure() async throws {
        try await withPool(script: TransactionTests.table) { _, _, pool in
            let error = try await postgresError {
                try await pool.inSession { session in
                    session.send(TransactionTests.insert, [.int32(1), .null])
                    return
                }
            }
            #expect(error.columnName == "word")
            try await TransactionTests.expectItems(pool, 0)
        }
    }
}
