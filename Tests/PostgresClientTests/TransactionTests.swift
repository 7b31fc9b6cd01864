import EventLoops
import SQL
import TestSupport
import Testing

@testable import PostgresClient

@Suite struct TransactionTests {
    static let table = """
        CREATE TABLE items (
            n integer CONSTRAINT items_n_is_unique UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
            word text NOT NULL,
            CONSTRAINT word_is_short CHECK (length(word) < 10));
        """
    static let insert = Statement("insert_item", "INSERT INTO items (n, word) VALUES ($1, $2)")
    static let count = Statement("count_items", "SELECT count(*) AS n FROM items")
    static let deferAll = Statement("defer_all", "SET CONSTRAINTS ALL DEFERRED")

    static func items(_ pool: ConnectionPool) async throws -> Int64 {
        try await pool.inSession { try await $0.query(count)[0].int64("n") }
    }

    static func expectItems(
        _ pool: ConnectionPool, _ expected: Int64, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await items(pool)
        #expect(found == expected, sourceLocation: location)
    }

    static func items(_ transaction: Transaction) async throws -> Int64 {
        try await transaction.query(count)[0].int64("n")
    }

    struct Refused: Error, Equatable { let constraint: String? }
    struct Thrown: Error {}

    @Test("a body that waits for nothing costs one round trip")
    func oneRoundTrip() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let before = pool.statistics
            let transaction = try await pool.inTransaction { transaction in
                for n in 0..<5 { transaction.send(Self.insert, [.int32(Int32(n)), .text("a")]) }
                return transaction
            }
            #expect(transaction.roundTrips == 1)
            #expect(pool.statistics.roundTrips == before.roundTrips + 1)
            #expect(pool.statistics.commits == before.commits + 1)
            try await Self.expectItems(pool, 5)
        }
    }

    static let isolation = Statement(
        "show_isolation", "SELECT current_setting('transaction_isolation') AS level")

    @Test("it sees what others commit meanwhile, whatever the database's or the URI's default is")
    func readCommitted() async throws {
        let server = try TestPostgres.shared()
        let uri = try server.freshDatabase()
        let name = try #require(
            uri.dropFirst("postgresql:///".count).split(separator: "?").first)
        try server.run(
            sql: "ALTER DATABASE \(name) SET default_transaction_isolation = 'serializable'",
            in: "postgres")
        try await withPool(uri) { _, _, pool in
            let outside = try await pool.inSession {
                try await $0.query(Self.isolation)[0].text("level")
            }
            #expect(outside == "read committed")
        }
        let option = "-c%20default_transaction_isolation%3Dserializable"
        try await withPool("\(uri)&options=\(option)") { _, _, pool in
            let inside = try await pool.inTransaction {
                try await $0.query(Self.isolation)[0].text("level")
            }
            #expect(inside == "read committed")
        }
    }

    @Test("each wait in the body costs one round trip more")
    func moreRoundTrips() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let transaction = try await pool.inTransaction { transaction in
                transaction.send(Self.insert, [.int32(1), .text("a")])
                let first = try await Self.items(transaction)
                transaction.send(Self.insert, [.int32(2), .text("b")])
                let second = try await Self.items(transaction)
                #expect([first, second] == [1, 2])
                return transaction
            }
            #expect(transaction.roundTrips == 3)
        }
    }

    @Test("a body that throws before it waits sends nothing")
    func throwsEarly() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let before = pool.statistics
            await #expect(throws: Thrown.self) {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(1), .text("a")])
                    throw Thrown()
                }
            }
            #expect(pool.statistics.roundTrips == before.roundTrips)
            #expect(pool.statistics.rollbacks == 1)
            try await Self.expectItems(pool, 0)
            #expect(pool.statistics.connects == before.connects + 1)
        }
    }

    @Test("a body that throws after it waited leaves nothing, and the connection serves again")
    func throwsLate() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            await #expect(throws: Thrown.self) {
                try await pool.inTransaction { transaction in
                    _ = try await transaction.send(Self.insert, [.int32(1), .text("a")]).rows()
                    throw Thrown()
                }
            }
            let connects = pool.statistics.connects
            try await Self.expectItems(pool, 0)
            #expect(pool.statistics.connects == connects)
        }
    }

    @Test("a failure in the middle of the pipeline commits nothing and is told in its own words")
    func failsInTheMiddle() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let error = await #expect(throws: Refused.self) {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(1), .text("a")])
                    transaction.send(
                        Self.insert, [.int32(2), .text("far too long a word")],
                        onFailure: { Refused(constraint: $0.constraintName) })
                    transaction.send(
                        Self.insert, [.int32(3), .text("c")], onFailure: { _ in Thrown() })
                }
            }
            #expect(error == Refused(constraint: "word_is_short"))
            let connects = pool.statistics.connects
            try await Self.expectItems(pool, 0)
            try await pool.inTransaction { $0.send(Self.insert, [.int32(1), .text("a")]) }
            try await Self.expectItems(pool, 1)
            #expect(pool.statistics.connects == connects)
        }
    }

    @Test("a queued statement's failure surfaces at the next awaited result")
    func surfaces() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let error = await #expect(throws: Refused.self) {
                try await pool.inTransaction { transaction in
                    transaction.send(
                        Self.insert, [.int32(2), .null],
                        onFailure: { Refused(constraint: $0.columnName) })
                    _ = try await transaction.query(Self.count)
                    Issue.record("the wait had to throw")
                }
            }
            #expect(error == Refused(constraint: "word"))
        }
    }

    @Test("a body that swallows a failure cannot commit")
    func swallows() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(1), .text("a")])
                    _ = try? await transaction.query(Self.insert, [.int32(1), .text("again")])
                    transaction.send(Self.insert, [.int32(2), .text("b")])
                }
            }
            #expect(error.sqlState == "23505")
            #expect(error.constraintName == "items_n_is_unique")
            #expect(error.tableName == "items")
            #expect(error.severity == "ERROR")
            #expect(error.message.contains("items_n_is_unique"))
            try await Self.expectItems(pool, 0)
        }
    }

    @Test("a constraint that fails at COMMIT fails the transaction")
    func deferredConstraint() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.deferAll)
                    transaction.send(Self.insert, [.int32(1), .text("a")])
                    transaction.send(Self.insert, [.int32(1), .text("b")])
                }
            }
            #expect(error.kind == .serverError)
            #expect(error.sqlState == "23505")
            try await Self.expectItems(pool, 0)
        }
    }

    @Test("a COMMIT that answers ROLLBACK is a failure")
    func commitAnswersRollback() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let connection = try await pool.acquire(.transaction)
            let failed = Transaction(connection)
            failed.begin()
            _ = try? await failed.query(Self.insert, [.int32(1), .null])
            // A second transaction object on the same connection does not know of the failure.
            let unaware = Transaction(connection)
            let error = try await postgresError { try await unaware.commit() }
            pool.release(connection)
            #expect(error.kind == .rolledBack)
            try await Self.expectItems(pool, 0)
        }
    }

    @Test("a transaction used after its end is refused and disturbs nobody")
    func usedAfterEnd() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let escaped = try await pool.inTransaction { $0 }
            let error = try await postgresError {
                _ = try await escaped.query(Self.count)
            }
            #expect(error.kind == .closed)
            try await Self.expectItems(pool, 0)
        }
    }

    @Test("a disconnected transaction refuses every statement")
    func disconnected() async throws {
        try await onLoop { _, _ in
            let transaction = Transaction.disconnected()
            transaction.send(Self.insert, [.int32(1), .text("a")])
            let error = try await postgresError { _ = try await transaction.query(Self.count) }
            #expect(error.kind == .closed)
        }
    }

    @Test("a preparation that failed is not remembered")
    func failedPreparation() async throws {
        let read = Statement("read_late", "SELECT n FROM later")
        try await withPool(configure: { $0.connectionsMax = 1 }) { _, _, pool in
            let error = try await postgresError {
                try await pool.inTransaction { _ = try await $0.query(read) }
            }
            #expect(error.sqlState == "42P01")
            try await pool.inTransaction {
                $0.send(Statement("create_late", "CREATE TABLE later (n int)"))
            }
            #expect(try await pool.inSession { try await $0.query(read).isEmpty })
            #expect(pool.statistics.connects == 1)
        }
    }

    @Test("a statement whose preparation was skipped is prepared when it is sent again")
    func skippedPreparation() async throws {
        try await withPool(script: Self.table, configure: { $0.connectionsMax = 1 }) { _, _, pool in
            _ = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(1), .null])
                    _ = try await transaction.query(Self.count)
                }
            }
            let connects = pool.statistics.connects
            try await Self.expectItems(pool, 0)
            #expect(pool.statistics.connects == connects)
        }
    }

    @Test("two statements of one name do not meet")
    func sameName() async throws {
        try await withPool { _, _, pool in
            try await pool.inSession { session in
                let one = session.send(Statement("same", "SELECT 1 AS n"))
                let two = session.send(Statement("same", "SELECT 2 AS n"))
                let found = [
                    try await one.rows()[0].int32("n"), try await two.rows()[0].int32("n"),
                ]
                #expect(found == [1, 2])
            }
        }
    }

    @Test("an error keeps no argument, and of data exceptions not even what the message quotes")
    func keepsNoArgument() async throws {
        try await withPool(script: Self.table) { _, _, pool in
            let duplicate = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(Self.insert, [.int32(424_242), .text("a")])
                    transaction.send(Self.insert, [.int32(424_242), .text("a")])
                }
            }
            #expect(!String(reflecting: duplicate).contains("424242"))
            let syntax = try await postgresError {
                try await pool.inSession {
                    _ = try await $0.query(
                        Statement("cast_uuid", "SELECT $1::uuid AS id"), [.text("hunter2")])
                }
            }
            #expect(syntax.sqlState == "22P02")
            #expect(syntax.message == "invalid input syntax for type uuid")
            #expect(!String(reflecting: syntax).contains("hunter2"))
        }
    }
}
