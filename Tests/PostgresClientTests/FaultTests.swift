import EventLoops
import Glibc
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct FaultTests {
    static let terminate = Statement("terminate", "SELECT pg_terminate_backend($1)")

    static func pid(_ session: Session) async throws -> Int32 {
        try await session.query(CancellationTests.pid)[0].int32("pid")
    }

    @Test("a backend killed in the middle of a transaction: nothing is committed, and that is said")
    func killedInTheMiddle() async throws {
        try await withPool(script: CancellationTests.table) { _, _, pool in
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    let pid = try await transaction.query(CancellationTests.pid)[0].int32("pid")
                    transaction.send(CancellationTests.insert, [.int32(2)])
                    try await pool.inSession {
                        _ = try await $0.query(Self.terminate, [.int32(pid)])
                    }
                    _ = try await transaction.query(CancellationTests.count)
                }
            }
            #expect(error.kind == .connectionLost)
            let found = try await CancellationTests.count(pool)
            #expect(found == 1)
        }
    }

    @Test("a backend killed before COMMIT was sent is not an unknown outcome")
    func killedBeforeCommit() async throws {
        try await withPool(script: CancellationTests.table) { _, reactor, pool in
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    let pid = try await transaction.query(CancellationTests.pid)[0].int32("pid")
                    try await pool.inSession {
                        _ = try await $0.query(Self.terminate, [.int32(pid)])
                    }
                    // Gone, and a few turns of the loop in which to hear of it.
                    try await eventually(reactor) { kill(pid, 0) != 0 }
                    try await reactor.sleep(for: .milliseconds(50))
                    transaction.send(CancellationTests.insert, [.int32(2)])
                }
            }
            #expect(error.kind == .connectionLost)
        }
    }

    @Test("a backend killed during COMMIT is an unknown outcome")
    func killedDuringCommit() async throws {
        let script = """
            CREATE TABLE items (n integer PRIMARY KEY);
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(10); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON items
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();
            """
        try await withPool(script: script) { loop, reactor, pool in
            var backend: Int32 = 0
            let caller = begin(on: loop) {
                try await pool.inTransaction { transaction in
                    backend = try await transaction.query(CancellationTests.pid)[0].int32("pid")
                    transaction.send(CancellationTests.insert, [.int32(2)])
                }
            }
            try await eventually(reactor, waitFor: "PgSleep", in: pool)
            try await pool.inSession { [backend] in
                _ = try await $0.query(Self.terminate, [.int32(backend)])
            }
            let error = try await postgresError { _ = try await caller.value }
            #expect(error.kind == .outcomeUnknown)
            #expect(error.sqlState == "57P01")
            #expect(pool.statistics.commits == 0)
            #expect(pool.statistics.unknownOutcomes == 1)
            #expect(pool.statistics.rollbacks == 0)
        }
    }

    @Test("a connection that dies at rest is replaced without anyone noticing")
    func killedAtRest() async throws {
        try await withPool(configure: { $0.connectionsMax = 2 }) { _, reactor, pool in
            let first = try await pool.inSession { try await Self.pid($0) }
            try await pool.inSession { held in
                _ = try await Self.pid(held)
                try await pool.inSession { _ = try await $0.query(Self.terminate, [.int32(first)]) }
            }
            try await eventually(reactor) { pool.statistics.idle == 1 }
            for _ in 0..<3 { try await pool.ping() }
        }
    }

    @Test("PostgreSQL stopped: unavailable at once; back: served again by the same pool")
    func stoppedAndBack() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await withPool(uri) { _, reactor, pool in
            var reports: [Bool] = []
            pool.availabilityChanged = { reports.append($0) }
            try await pool.ping()
            try server.stop()
            try await eventually(reactor) { !pool.isAvailable }
            let began = Instant.now()
            for _ in 0..<100 {
                let error = try await postgresError { try await pool.ping() }
                #expect(error.kind == .unavailable)
            }
            // Were each told only after another attempt, it would take minutes.
            #expect(began.duration(to: .now()) < .seconds(10))
            try server.start()
            try await eventually(reactor) { pool.isAvailable }
            try await pool.ping()
            #expect(reports == [true, false, true])
        }
    }

    @Test("PostgreSQL stopped in the middle of a transaction")
    func stoppedInTheMiddle() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await withPool(uri, script: CancellationTests.table) { _, reactor, pool in
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    _ = try await transaction.send(CancellationTests.insert, [.int32(2)]).rows()
                    try server.stop("immediate")
                    _ = try await transaction.query(CancellationTests.count)
                }
            }
            #expect(error.kind == .connectionLost)
            try await eventually(reactor) { !pool.isAvailable }
            try server.start()
            try await eventually(reactor) { pool.isAvailable }
            let found = try await CancellationTests.count(pool)
            #expect(found == 1)
        }
    }

    @Test("PostgreSQL away from the start: unavailable, then served")
    func awayFromTheStart() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try server.stop()
        try await withPool(uri) { _, reactor, pool in
            let error = try await postgresError { try await pool.ping() }
            #expect(error.kind == .unavailable)
            try server.start()
            try await eventually(reactor) { pool.isAvailable }
            try await pool.ping()
        }
    }

    @Test("a primary that turned read-only is left, and taken again when it writes")
    func readOnly() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await withPool(uri, script: CancellationTests.table) { _, reactor, pool in
            try await pool.ping()
            try server.run(
                sql: "ALTER SYSTEM SET default_transaction_read_only = on", in: "postgres")
            try server.run(sql: "SELECT pg_reload_conf()", in: "postgres")
            try await eventually(reactor) {
                do {
                    try await pool.inTransaction { transaction in
                        transaction.send(CancellationTests.insert, [.int32(2)])
                    }
                    return false
                } catch {
                    return !pool.isAvailable
                }
            }
            let error = try await postgresError { try await pool.ping() }
            #expect(error.kind == .unavailable)
            #expect(error.message.contains("read-only"))
            try server.run(
                sql: "ALTER SYSTEM RESET ALL", in: "postgres")
            try server.run(sql: "SELECT pg_reload_conf()", in: "postgres")
            try await eventually(reactor) { pool.isAvailable }
            try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(3)]) }
        }
    }

    private static func setReadOnly(_ server: TestPostgres, _ value: String) throws {
        try server.run(
            sql: "ALTER SYSTEM SET default_transaction_read_only = \(value)", in: "postgres")
        try server.run(sql: "SELECT pg_reload_conf()", in: "postgres")
        // Who is connected from now on sees it, and who was has been told before.
        while try server.run(sql: "SHOW default_transaction_read_only", in: "postgres") != value {
            usleep(1000)
        }
    }

    @Test("of several hosts a read-only one is passed over, also when it was the primary before")
    func severalHosts() async throws {
        let (first, second) = (try TestPostgres(), try TestPostgres())
        for server in [first, second] {
            try server.run(sql: "CREATE DATABASE twin", in: "postgres")
            try server.run(sql: CancellationTests.table, in: "twin")
        }
        try Self.setReadOnly(first, "on")
        let hosts = "\(first.socketFolder),\(second.socketFolder)"
        try await withPool("postgresql:///twin?host=\(hosts)&port=5432&user=berth") {
            _, reactor, pool in
            try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(2)]) }
            #expect(try second.run(sql: "SELECT count(*) FROM items", in: "twin") == "2")
            // They change places.
            try Self.setReadOnly(first, "off")
            try Self.setReadOnly(second, "on")
            try await eventually(reactor) {
                do {
                    try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(3)]) }
                    return true
                } catch {
                    return false
                }
            }
            #expect(try first.run(sql: "SELECT max(n) FROM items", in: "twin") == "3")
        }
    }

    @Test("a primary that became a standby is left, and taken again when it is promoted")
    func standby() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await withPool(uri, script: CancellationTests.table) { _, reactor, pool in
            try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(2)]) }
            try server.demote()
            try await eventually(reactor) {
                let error = try? await postgresError { try await pool.ping() }
                return error?.message.contains("read-only") == true
            }
            #expect(!pool.isAvailable)
            let error = try await postgresError { try await pool.ping() }
            #expect(error.kind == .unavailable)
            try server.promote()
            try await eventually(reactor) { pool.isAvailable }
            try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(3)]) }
            let found = try await CancellationTests.count(pool)
            #expect(found == 3)
        }
    }

    @Test("a statement refused as read-only closes its connection")
    func refusedAsReadOnly() async throws {
        try await withPool(script: CancellationTests.table, configure: { $0.connectionsMax = 1 }) {
            _,
            _,
            pool in
            try await pool.ping()
            let connects = pool.statistics.connects
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(Statement("read_only", "SET TRANSACTION READ ONLY"))
                    transaction.send(CancellationTests.insert, [.int32(2)])
                }
            }
            #expect(error.sqlState == "25006")
            try await pool.ping()
            #expect(pool.statistics.connects == connects + 1)
        }
    }
}
