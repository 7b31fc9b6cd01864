import EventLoops
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct SmokeTests {
    @Test("a transaction commits what it queued in one round trip")
    func commits() async throws {
        let uri = try TestPostgres.freshDatabase()
        let found = try await onLoop { loop, reactor in
            let pool = try ConnectionPool(
                reactor: reactor,
                workers: WorkerPool(threads: 1),
                configuration: PoolConfiguration(uri: uri)
            )
            try await pool.inSession { try await $0.executeScript("CREATE TABLE t (n int)") }
            let transaction = try await pool.inTransaction { transaction in
                transaction.send(Statement("insert", "INSERT INTO t VALUES ($1)"), [.int64(7)])
                transaction.send(Statement("insert", "INSERT INTO t VALUES ($1)"), [.int64(8)])
                return transaction
            }
            #expect(transaction.roundTrips == 1)
            let rows = try await pool.inSession {
                try await $0.query(Statement("read", "SELECT n FROM t ORDER BY n"))
            }
            await pool.close()
            return try rows.map { try $0.int32("n") }
        }
        #expect(found == [7, 8])
    }
}
