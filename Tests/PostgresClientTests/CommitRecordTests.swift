import EventLoops
import Glibc
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct CommitRecordTests {
    /// Whether a record says that something was committed after `body`.
    static func isNoted(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
    ) async -> Bool {
        let record = CommitRecord()
        await CommitRecord.$current.withValue(record) {
            _ = isolation
            _ = try? await body()
        }
        return record.mayHaveCommitted
    }

    @Test("a commit is noted; a rollback and a read are not")
    func notes() async throws {
        try await withPool(script: CancellationTests.table) { _, _, pool in
            let committed = await Self.isNoted {
                _ = try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(2)]) }
            }
            #expect(committed)
            let refused = await Self.isNoted {
                _ = try await pool.inTransaction { $0.send(CancellationTests.insert, [.int32(2)]) }
            }
            #expect(!refused)
            let read = await Self.isNoted { _ = try await CancellationTests.count(pool) }
            #expect(!read)
            #expect(CommitRecord.current == nil)
        }
    }

    @Test("a COMMIT without an answer is noted and counted")
    func unknown() async throws {
        try await withPool(
            script: CancellationTests.table,
            configure: { $0.answerDurationMax = .seconds(2) }
        ) { _, _, pool in
            var backend: Int32 = 0
            let noted = await Self.isNoted {
                try await pool.inTransaction { transaction in
                    backend = try await transaction.query(CancellationTests.pid)[0].int32("pid")
                    transaction.send(CancellationTests.insert, [.int32(2)])
                    kill(backend, SIGSTOP)
                }
            }
            kill(backend, SIGCONT)
            #expect(noted)
            #expect(pool.statistics.unknownOutcomes == 1)
            #expect(pool.statistics.rollbacks == 0)
        }
    }

    @Test("what reads from a session may read within a transaction, and sees what it wrote")
    func reads() async throws {
        try await withPool(script: CancellationTests.table) { _, _, pool in
            let seen = try await pool.inTransaction { transaction in
                transaction.send(CancellationTests.insert, [.int32(2)])
                return try await transaction.reads.query(CancellationTests.count)[0].int64("n")
            }
            #expect(seen == 2)
            let error = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(CancellationTests.insert, [.int32(3)])
                    _ = try? await transaction.reads.query(Statement("no_such", "SELECT nothing"))
                }
            }
            #expect(error.sqlState == "42703")
            let found = try await CancellationTests.count(pool)
            #expect(found == 2)
        }
    }
}
