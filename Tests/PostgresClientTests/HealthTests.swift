import EventLoops
import PostgresClient
import SQL
import TestSupport
import Testing

/// Whether PostgreSQL is there, as health reports ask.
@Suite struct HealthTests {
    /// For a server that does not answer.
    static let limit = Duration.milliseconds(200)
    static let sleep = Statement("sleep_long", "SELECT pg_sleep(28)")

    @Test("a server that hangs counts as away within the limit, and as there once it goes on")
    func hangs() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await withPool(uri) { _, reactor, pool in
            await pool.assess(within: longest)
            #expect(pool.isAvailable)
            try await server.whileFrozen {
                let began = Instant.now()
                await pool.assess(within: Self.limit)
                #expect(!pool.isAvailable)
                #expect(began.duration(to: .now()) < .seconds(20))
            }
            try await eventually(reactor) {
                await pool.assess(within: Self.limit)
                return pool.isAvailable
            }
        }
    }

    @Test("a server that hangs while a connection is opened counts as away within the limit")
    func hangsFromTheStart() async throws {
        let server = try TestPostgres()
        let uri = try server.freshDatabase()
        try await withPool(uri, configure: { $0.waitDurationMax = .seconds(3) }) { _, _, pool in
            await pool.assess(within: longest)
            #expect(pool.isAvailable)
            try await pool.inSession { _ in
                try await server.whileFrozen {
                    let began = Instant.now()
                    // The one connection is taken: a second one is opened to ask.
                    await pool.assess(within: Self.limit)
                    #expect(!pool.isAvailable)
                    #expect(began.duration(to: .now()) < .seconds(20))
                }
            }
        }
    }

    @Test("when callers have every connection, nobody waits behind them: their silence tells")
    func everyConnectionTaken() async throws {
        try await withPool(configure: { $0.connectionsMax = 2 }) { loop, reactor, pool in
            await pool.assess(within: longest)
            let callers = (0..<2).map { _ in
                begin(on: loop) { try await pool.inSession { _ = try await $0.query(Self.sleep) } }
            }
            try await eventually(reactor, callers.count, waitFor: "PgSleep", in: pool)
            let waiter = begin(on: loop) { try await pool.ping() }
            try await eventually(reactor) { pool.statistics.waiting == 1 }
            let trips = pool.statistics.roundTrips
            // Heard a moment ago, as it was when they began.
            await pool.assess(within: longest)
            #expect(pool.isAvailable)
            try await eventually(reactor) {
                await pool.assess(within: Self.limit)
                #expect(pool.statistics.waiting == 1)
                return !pool.isAvailable
            }
            #expect(pool.statistics.roundTrips == trips)
            for caller in callers {
                caller.cancel()
                _ = await caller.result
            }
            try await waiter.value
            await pool.assess(within: longest)
            #expect(pool.isAvailable)
        }
    }

    @Test("callers that hold every connection and ask nothing say nothing against the server")
    func heldWithoutAsking() async throws {
        try await withPool(configure: { $0.connectionsMax = 1 }) { loop, reactor, pool in
            let gate = ConnectionPoolTests.Gate()
            let holder = begin(on: loop) { try await pool.inSession { _ in await gate.pass() } }
            try await eventually(reactor) { pool.statistics.inUse == 1 }
            try await reactor.sleep(for: .milliseconds(20))
            await pool.assess(within: .milliseconds(10))
            #expect(pool.isAvailable)
            gate.open()
            try await holder.value
        }
    }
}
