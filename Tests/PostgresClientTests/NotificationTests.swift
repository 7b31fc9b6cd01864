import EventLoops
import PostgresClient
import SQL
import TestSupport
import Testing

@Suite struct NotificationTests {
    @Test("a notification arrives after a commit, in its round trip, and not after a rollback")
    func afterCommit() async throws {
        let uri = try TestPostgres.freshDatabase()
        try await withPool(uri, script: TransactionTests.table) { _, reactor, pool in
            var heard: [String] = []
            let listener = try NotificationListener(
                reactor: reactor, workers: try sharedWorkers(),
                configuration: PoolConfiguration(uri: uri), channels: ["work", "other"],
                events: .init(received: { heard.append("\($0):\($1)") }))
            listener.start()
            try await eventually(reactor) { listener.isListening }
            _ = try await postgresError {
                try await pool.inTransaction { transaction in
                    transaction.send(TransactionTests.insert, [.int32(1), .null])
                    transaction.notifyAfterCommit("work", "lost")
                }
            }
            let transaction = try await pool.inTransaction { transaction in
                transaction.send(TransactionTests.insert, [.int32(1), .text("a")])
                transaction.notifyAfterCommit("work", "one")
                transaction.notifyAfterCommit("other")
                return transaction
            }
            #expect(transaction.roundTrips == 1)
            try await eventually(reactor) { heard.count == 2 }
            #expect(heard == ["work:one", "other:"])
            listener.stop()
        }
    }

    @Test("a notification that PostgreSQL refuses does not fail the commit")
    func refused() async throws {
        try await withPool(script: TransactionTests.table) { _, _, pool in
            try await pool.inTransaction { transaction in
                transaction.send(TransactionTests.insert, [.int32(1), .text("a")])
                transaction.notifyAfterCommit(String(repeating: "long", count: 20), "x")
            }
            #expect(pool.statistics.commits == 1)
            try await TransactionTests.expectItems(pool, 1)
            #expect(pool.statistics.connects == 2)
        }
    }

    @Test("a listener whose connection dies listens again and says so")
    func reconnects() async throws {
        let uri = try TestPostgres.freshDatabase()
        try await withPool(uri) { _, reactor, pool in
            var connected = 0
            var heard: [String] = []
            var configuration = PoolConfiguration(uri: uri)
            configuration.applicationName = "listener"
            let listener = try NotificationListener(
                reactor: reactor, workers: try sharedWorkers(), configuration: configuration,
                channels: ["work"],
                events: .init(received: { heard.append($1) }, connected: { connected += 1 }))
            listener.start()
            try await eventually(reactor) { connected == 1 }
            let kill = Statement(
                "kill_listener",
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = 'listener' AND datname = current_database()
                """
            )
            try await pool.inSession { _ = try await $0.query(kill) }
            try await eventually(reactor) { connected == 2 }
            try await pool.inTransaction { $0.notifyAfterCommit("work", "again") }
            try await eventually(reactor) { heard == ["again"] }
            listener.stop()
        }
    }
}
