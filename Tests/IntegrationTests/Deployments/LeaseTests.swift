import Deployments
import Domain
import PostgresClient
import SQL
import Services
import Testing

/// Who may work on what, and for how long.
@Suite struct LeaseTests {
    @Test("a lost lease is claimed again with a higher token; the old one is worth nothing")
    func lostLease() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let first = try await agent.claimOne()
            #expect(try await agent.tell(first, .starting))
            #expect(try await agent.renew([first]).isEmpty)
            #expect(try await agent.claim().isEmpty)

            try database.expireLeases()
            let second = try await agent.claimOne()
            #expect(second.reference.jobID == first.reference.jobID)
            #expect(second.reference.fencingToken > first.reference.fencingToken)
            let history = try await engine.history(deployment)
            #expect(history.deployment.state == .claimed)
            #expect(history.deployment.attempt == 2)
            for state in [JobProgress.State.accepted, .verifying, .succeeded, .failed, .cancelled] {
                #expect(try await !agent.tell(first, state, "late", outcome: .sample))
            }
            #expect(try await engine.history(deployment) == history)
            #expect(try await agent.renew([first, second]) == [first.reference])
            #expect(try await agent.tell(second, .succeeded, outcome: .sample))
            #expect(try await !agent.tell(first, .succeeded, outcome: .sample))
        }
    }

    @Test("a lease that is renewed holds, one that has run out and nobody took can be renewed")
    func renewal() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            _ = try await engine.create()
            let job = try await agent.claimOne()
            try database.expireLeases()
            #expect(try await agent.renew([job]).isEmpty)
            #expect(try await agent.claim().isEmpty)
            let left = try database.run(
                """
                SELECT lease_until - now() BETWEEN interval '20 s' AND interval '60 s'
                FROM deployments
                """)
            #expect(left == "t")
            #expect(try await agent.renew([]).isEmpty)
        }
    }

    @Test("a newer stream of the server has the work at once, the older one no rights at all")
    func newerStream() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let old = try WorkingAgent(engine, 1)
            let (service, deployment) = try await engine.create()
            let first = try await old.claimOne()
            let new = try WorkingAgent(engine, 2)
            #expect(try await old.claim().isEmpty)
            #expect(try await old.renew([first]) == [first.reference])
            #expect(try await !old.tell(first, .succeeded, outcome: .sample))
            try await old.observe([])
            #expect(try await new.renew([first]) == [first.reference])

            let second = try await new.claimOne()
            #expect(second.reference.fencingToken > first.reference.fencingToken)
            #expect(try await new.tell(second, .succeeded, outcome: .sample))
            // Said again over a stream of later: it is recorded already.
            let newest = try WorkingAgent(engine, 3)
            #expect(try await newest.tell(second, .succeeded, outcome: .sample))
            #expect(try await engine.state(deployment) == .running)
            #expect(try await engine.status(service).state == .running)
        }
    }

    @Test("another server's agent gets none of the work and may not tell of it")
    func otherServer() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            _ = try await engine.create()
            let foreign = database.tenancy.foreign.serverID
            let session = AgentSessionID(bytes: [UInt8](repeating: 9, count: 16))
            try database.beginSession(session, of: foreign)
            let deployments = engine.modules.deployments
            #expect(
                try await deployments.claim(server: foreign, session: session, limit: 4).jobs
                    .isEmpty)
            let job = try await agent.claimOne()
            let progress = JobProgress(
                reference: job.reference, serviceID: job.serviceID, state: .failed, message: "")
            #expect(
                try await !deployments.record(
                    server: foreign, session: session, progress: progress))
            let lost = try await deployments.renew(
                server: foreign, session: session, jobs: [job.reference])
            #expect(lost == [job.reference])
            // A job under another service's name is no job either.
            #expect(
                try await !deployments.record(
                    server: engine.serverID, session: agent.session,
                    progress: JobProgress(
                        reference: job.reference, serviceID: ServiceID(high: 1, low: 1),
                        state: .failed, message: "")))
        }
    }

    @Test("after ten claims that were lost the deployment fails, and says so")
    func attempts() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            var tokens: [Int64] = []
            for _ in 0..<10 {
                tokens.append(try await agent.claimOne().reference.fencingToken)
                try database.expireLeases()
            }
            #expect(tokens == tokens.sorted())
            #expect(Set(tokens).count == 10)
            #expect(try await agent.claimOne().kindName == "cancel")
            let failed = try await engine.history(deployment).deployment
            #expect(failed.state == .failed)
            #expect(failed.failure?.reason == "AGENT_LOST")
            #expect(failed.failure?.hint.isEmpty == false)
            #expect(failed.attempt == 10)
            #expect(try await engine.status(service).state == .failed)
        }
    }

    @Test("what takes longer than the deadline is given up, whoever works on it")
    func deadline() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            #expect(try await engine.modules.deployments.sweepOverdue() == 0)
            try database.run(
                "UPDATE deployments SET claimed_at = now() - interval '30 minutes 1 second'")
            #expect(try await engine.modules.deployments.sweepOverdue() == 1)
            let failed = try await engine.history(deployment).deployment
            #expect(failed.state == .failed)
            #expect(failed.failure?.reason == "DEADLINE_EXCEEDED")
            #expect(failed.message == "not running within 30 minutes")
            #expect(try await agent.renew([job]) == [job.reference])
            #expect(try await !agent.tell(job, .succeeded, outcome: .sample))
            #expect(try await agent.claimOne().kindName == "cancel")
        }
    }

    @Test("an agent that stops by itself gives the job back")
    func givenBack() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let first = try await agent.claimOne()
            #expect(try await agent.tell(first, .cancelled, "shutting down"))
            #expect(try await engine.state(deployment) == .claimed)
            let second = try await agent.claimOne()
            #expect(second.reference.fencingToken > first.reference.fencingToken)
        }
    }

    @Test("an agent has four jobs at most, oldest first, and fewer when it wants fewer")
    func atMost() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            var made: [DeploymentID] = []
            for number in 0..<7 { made.append(try await engine.create("s\(number)").1) }
            #expect(try await agent.claim(0).isEmpty)
            var jobs = try await agent.claim(1)
            jobs += try await agent.claim(9)
            #expect(
                Set(jobs.map(\.reference.jobID.description))
                    == Set(made[..<4].map(\.description)))
            #expect(try await agent.claim(9).isEmpty)
            #expect(try await agent.tell(jobs[0], .succeeded, outcome: .sample))
            #expect(try await agent.claim(9).count == 1)
        }
    }

    @Test(
        "claims and renewals of several jobs in whatever order never wait for each other in a ring")
    func noRing() async throws {
        let database = try await MigratedDatabase.make()
        let jobs = try await withPool(database.uri) { loop, pool in
            _ = loop
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            for number in 0..<4 { _ = try await engine.create("s\(number)") }
            return try await agent.claim(4)
        }
        #expect(jobs.count == 4)
        let counter = Counter()
        // A deadlock is thrown by whoever PostgreSQL chooses.
        _ = try await atOnce(3, database) { pool in
            let engine = try Engine(database, pool)
            let agent = WorkingAgent(engine: engine, session: AgentSessionID.first)
            let number = counter.next()
            for round in 0..<150 {
                switch number {
                case 0:
                    #expect(try await agent.claim(0).allSatisfy { $0.kindName == "cancel" })
                case 1:
                    #expect(try await agent.renew(jobs.reversed()).isEmpty)
                default:
                    // Each at its own time, so that the rows lie in another order each round.
                    let id = jobs[round % 4].reference.jobID
                    try await pool.inSession { session in
                        _ = try await session.query(Self.callOff, [.id(id)])
                    }
                }
            }
        }
    }

    private static let callOff = Statement(
        "test_call_off",
        """
        UPDATE deployments SET cancel_requested_at = now(), cancel_sent_token = NULL WHERE id = $1
        """)

    @Test("of many that claim at once, no two ever get the same job or two jobs of one service")
    func race() async throws {
        let database = try await MigratedDatabase.make()
        let rounds = 12
        let services = try await withPool(database.uri) { loop, pool in
            _ = loop
            let engine = try Engine(database, pool)
            _ = try WorkingAgent(engine)
            var services: [ServiceID] = []
            for number in 0..<4 { services.append(try await engine.create("s\(number)").0) }
            return services
        }
        for _ in 0..<rounds {
            let claimed = try await atOnce(4, database) { pool in
                let engine = try Engine(database, pool)
                let agent = WorkingAgent(engine: engine, session: AgentSessionID.first)
                var jobs: [AgentJob] = []
                for _ in 0..<3 { jobs += try await agent.claim(4) }
                return jobs
            }.flatMap { $0 }
            #expect(Set(claimed.map(\.serviceID)) == Set(services))
            #expect(claimed.count == services.count)
            // Half of it ends, the other half is lost; all of it is asked for again.
            try await withPool(database.uri) { loop, pool in
                _ = loop
                let engine = try Engine(database, pool)
                let agent = WorkingAgent(engine: engine, session: AgentSessionID.first)
                for (index, job) in claimed.enumerated() where index.isMultiple(of: 2) {
                    #expect(try await agent.tell(job, .succeeded, outcome: .sample))
                    _ = try await engine.redeploy(job.serviceID)
                }
                // Five lost claims would end it.
                try database.expireLeases()
                try database.run("UPDATE deployments SET attempt = 1 WHERE attempt > 1")
            }
        }
        let tokens = try database.run("SELECT min(fencing_token) >= \(rounds) FROM instances")
        #expect(tokens == "t")
    }
}

extension AgentSessionID {
    /// That of the first stream which a test begins.
    static var first: AgentSessionID { AgentSessionID(bytes: [UInt8](repeating: 1, count: 16)) }
}
