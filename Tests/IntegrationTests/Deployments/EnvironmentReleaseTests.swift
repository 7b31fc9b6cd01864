import Deployments
import Domain
import PostgresClient
import SQL
import Services
import Testing

/// An environment of which nothing is left on its server may begin anew on another.
@Suite struct EnvironmentReleaseTests {
    /// Deletes a service, and has it torn down.
    private static func tearDown(
        _ service: ServiceID, _ engine: Engine, _ agent: WorkingAgent
    ) async throws {
        _ = try await engine.delete(service)
        #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
    }

    /// Has the removal of a torn down service's data begun.
    private static func beginPurge(_ engine: Engine, _ agent: WorkingAgent) async throws -> AgentJob
    {
        try engine.database.run("UPDATE services SET purge_at = now() WHERE deleted_at IS NOT NULL")
        #expect(try await engine.modules.services.sweepPurges() == 1)
        let job = try await agent.claimOne()
        #expect(job.kindName == "purge")
        return job
    }

    private static func pin(_ database: MigratedDatabase) throws -> String {
        try database.run(
            """
            SELECT server_id FROM environment_servers
            WHERE environment_id = '\(database.tenancy.home.environmentID)'
            """)
    }

    @Test("its server is taken back when the last service that was deployed is purged, no earlier")
    func last() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let other = try EnvironmentServerTests.addServer(database)
            var elsewhere = CreateDatabaseRequest.sample(database.tenancy, name: "elsewhere")
            elsewhere.serverID = other
            // One that was never deployed is nowhere.
            elsewhere.deployNow = false
            _ = try await engine.modules.services.createDatabase(elsewhere, caller: engine.caller)
            elsewhere.deployNow = true
            elsewhere.name = "there"
            let (first, _) = try await engine.createRunning("first", agent)
            let (second, _) = try await engine.createRunning("second", agent)

            try await Self.tearDown(first, engine, agent)
            let purge = try await Self.beginPurge(engine, agent)
            #expect(try await agent.tell(purge, .succeeded))
            #expect(try Self.pin(database) == "\(engine.serverID)")
            try await Self.tearDown(second, engine, agent)
            // Its data is kept: it may come back.
            let refused = try await problem {
                _ = try await engine.modules.services.createDatabase(
                    elsewhere, caller: engine.caller)
            }
            #expect(refused.kind == .failedPrecondition)
            let last = try await Self.beginPurge(engine, agent)
            #expect(try Self.pin(database) == "\(engine.serverID)")
            #expect(try await agent.tell(last, .succeeded))
            #expect(try Self.pin(database) == "")
            _ = try await engine.modules.services.createDatabase(elsewhere, caller: engine.caller)
            #expect(try Self.pin(database) == other)
        }
    }

    @Test("a deployment that waits keeps it, one that never began and is purged does not")
    func waiting() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (first, _) = try await engine.createRunning("first", agent)
            try await Self.tearDown(first, engine, agent)
            let purge = try await Self.beginPurge(engine, agent)
            let (second, _) = try await engine.create("second")
            #expect(try await agent.tell(purge, .succeeded))
            #expect(try Self.pin(database) == "\(engine.serverID)")
            #expect(try await engine.delete(second).state == .deleted)
            #expect(try Self.pin(database) == "\(engine.serverID)")
            try database.run("UPDATE services SET purge_at = now()")
            // No agent has anything to remove of it.
            #expect(try await engine.modules.services.sweepPurges() == 1)
            #expect(try await engine.status(second).state == .purged)
            #expect(try Self.pin(database) == "")
        }
    }

    @Test("a purge that ends while a deployment is being queued waits for it, and keeps the server")
    func deploymentFirst() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (first, _) = try await engine.createRunning("first", agent)
            try await Self.tearDown(first, engine, agent)
            let purge = try await Self.beginPurge(engine, agent)
            let request = CreateDatabaseRequest.sample(database.tenancy, name: "second")
            var undeployed = request
            undeployed.deployNow = false
            let second = try await engine.modules.services.createDatabase(
                undeployed, caller: engine.caller
            ).status.service
            let deployments = engine.modules.deployments
            let ended = try await pool.inTransaction { tx in
                try await deployments.enqueueWithinTx(tx, .sample(database.tenancy, of: second))
                _ = try await tx.query(Self.settle)
                let ended = Self.beside(database) { engine in
                    let agent = WorkingAgent(engine: engine, session: .first)
                    let isRecorded = try await agent.tell(purge, .succeeded)
                    #expect(isRecorded)
                }
                try Self.awaitWaiter(database)
                return ended
            }
            try await ended.value
            #expect(try await engine.status(first).state == .purged)
            #expect(try Self.pin(database) == "\(engine.serverID)")
        }
    }

    @Test("a deployment that is queued while the last purge ends waits for it, and goes elsewhere")
    func purgeFirst() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (first, _) = try await engine.createRunning("first", agent)
            try await Self.tearDown(first, engine, agent)
            let other = try EnvironmentServerTests.addServer(database)
            let modules = engine.modules
            let ended = try await pool.inTransaction { tx in
                try await PostgresServiceStore().markPurgedWithinTx(tx, first, at: Tenancy.time)
                try await modules.deployments.releaseEnvironmentWithinTx(
                    tx, database.tenancy.home.environmentID)
                _ = try await tx.query(Self.settle)
                let ended = Self.beside(database) { engine in
                    var request = CreateDatabaseRequest.sample(database.tenancy, name: "second")
                    request.serverID = other
                    _ = try await engine.modules.services.createDatabase(
                        request, caller: engine.caller)
                }
                try Self.awaitWaiter(database)
                return ended
            }
            try await ended.value
            #expect(try Self.pin(database) == other)
        }
    }

    @Test("of the last two purges at once, one takes the server back")
    func twoPurges() async throws {
        for _ in 0..<5 {
            let database = try await MigratedDatabase.make()
            let jobs = try await withPool(database.uri) { loop, pool in
                _ = loop
                let engine = try Engine(database, pool)
                let agent = try WorkingAgent(engine)
                for name in ["first", "second"] {
                    let (service, _) = try await engine.createRunning(name, agent)
                    try await Self.tearDown(service, engine, agent)
                }
                try database.run("UPDATE services SET purge_at = now()")
                #expect(try await engine.modules.services.sweepPurges() == 2)
                return try await agent.claim()
            }
            #expect(jobs.count == 2)
            let counter = Counter()
            let told = try await atOnce(2, database) { pool in
                let agent = WorkingAgent(engine: try Engine(database, pool), session: .first)
                return try await agent.tell(jobs[counter.next()], .succeeded)
            }
            #expect(told == [true, true])
            #expect(try Self.pin(database) == "")
        }
    }

    // MARK: Two at once

    /// What was queued before it is done once it has an answer.
    private static let settle = Statement("test_settle", "SELECT 1")

    /// Begins something on connections and a thread of its own: at once, for other tests may hold every
    /// thread that tasks share.
    private static func beside(
        _ database: MigratedDatabase, _ body: @escaping @Sendable (Engine) async throws -> Void
    ) -> Task<Void, any Error> {
        Task.immediateDetached {
            try await withPool(database.uri) { loop, pool in
                _ = loop
                try await body(Engine(database, pool))
            }
        }
    }

    /// Returns once somebody waits for a lock.
    private static func awaitWaiter(_ database: MigratedDatabase) throws {
        for _ in 0..<1000 {
            let waiting = try database.run(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """)
            if waiting != "0" { return }
        }
        Issue.record("nobody waits")
    }
}
