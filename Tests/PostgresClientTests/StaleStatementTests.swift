import EventLoops
import PostgresClient
import SQL
import TestSupport
import Testing

/// Statements that were prepared before a migration changed their tables.
@Suite struct StaleStatementTests {
    static let all = Statement("all_items", "SELECT * FROM items")

    /// Fills a pool of three connections, each with the statement prepared.
    static func prepare(_ pool: ConnectionPool) async throws {
        try await pool.inSession { first in
            _ = try await first.query(all)
            try await pool.inSession { second in
                _ = try await second.query(all)
                try await pool.inSession { _ = try await $0.query(all) }
            }
        }
        #expect(pool.statistics.idle == 3)
    }

    @Test(
        "tables that changed under the connections cost one caller a retry, not each connection one"
    )
    func tablesChanged() async throws {
        let uri = try TestPostgres.freshDatabase()
        let name = String(uri.dropFirst("postgresql:///".count).prefix { $0 != "?" })
        try await withPool(
            uri, script: CancellationTests.table, configure: { $0.connectionsMax = 3 }
        ) { _, _, pool in
            try await Self.prepare(pool)
            try TestPostgres.shared().run(sql: "ALTER TABLE items ADD note text", in: name)
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(CancellationTests.insert, [.int32(2)])
                    _ = try await transaction.query(Self.all)
                }
            }
            #expect(error.kind == .statementStale)
            #expect(error.sqlState == "0A000")
            try await Self.prepare(pool)
            let found = try await CancellationTests.count(pool)
            #expect(found == 1)
        }
    }

    @Test("a statement that the server has forgotten is prepared again for the next caller")
    func forgotten() async throws {
        try await withPool(
            script: CancellationTests.table, configure: { $0.connectionsMax = 1 }
        ) { _, _, pool in
            try await pool.inSession { _ = try await $0.query(Self.all) }
            let error = try await postgresError {
                try await pool.inSession { session in
                    _ = try await session.query(Statement("forget", "DEALLOCATE ALL"))
                    _ = try await session.query(Self.all)
                }
            }
            #expect(error.kind == .statementStale)
            #expect(error.sqlState == "26000")
            try await pool.inSession { _ = try await $0.query(Self.all) }
        }
    }

    @Test("what PostgreSQL does not support stays a fault of ours")
    func notSupported() async throws {
        try await withPool(script: CancellationTests.table) { _, _, pool in
            let error = try await postgresError {
                try await pool.inSession {
                    _ = try await $0.query(
                        Statement(
                            "unsupported",
                            "SELECT count(*) FROM items GROUP BY n FOR UPDATE"))
                }
            }
            #expect(error.sqlState == "0A000")
            #expect(error.kind == .serverError)
        }
    }
}
