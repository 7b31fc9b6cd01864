import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// What the control plane gives up while an agent may have begun it is undone.
@Suite struct UndoTests {
    /// Has the one deployment at work lost once too often; the next claim sees it.
    private static func loseForGood(_ database: MigratedDatabase) throws {
        try database.run(
            """
            UPDATE deployments SET attempt = 10, lease_until = now() - interval '1 second'
            WHERE lease_holder IS NOT NULL
            """)
    }

    /// A service that runs, and a newer deployment that an agent took and lost for good.
    private static func lost(
        _ engine: Engine, _ agent: WorkingAgent
    ) async throws -> (service: ServiceID, lost: AgentJob) {
        let (service, _) = try await engine.createRunning("main", agent)
        _ = try await engine.redeploy(service)
        let job = try await agent.claimOne()
        #expect(try await agent.tell(job, .starting))
        try loseForGood(engine.database)
        return (service, job)
    }

    @Test("what was lost too often is undone under a higher token, and then nothing is left to do")
    func agentLost() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, job) = try await Self.lost(engine, agent)
            // The agent is there again.
            let again = try WorkingAgent(engine, 2)
            let undo = try await again.claimOne()
            #expect(undo.kind == .cancel)
            #expect(undo.reference.jobID == job.reference.jobID)
            #expect(undo.reference.fencingToken > job.reference.fencingToken)
            let deployment = try #require(DeploymentID(job.reference.jobID.description))
            #expect(
                try await engine.history(deployment).deployment.failure?.reason == "AGENT_LOST")
            #expect(try await again.claim().isEmpty)
            #expect(try await again.tell(undo, .accepted))
            #expect(try await again.renew([undo]).isEmpty)
            #expect(try await !again.tell(job, .succeeded, outcome: .sample))
            #expect(try await again.tell(undo, .cancelled, "Cancelled."))
            #expect(try database.count("service_jobs") == 0)
            #expect(try await again.claim().isEmpty)
            let status = try await engine.status(service)
            #expect(status.state == .running)
            #expect(status.message.contains("lost 10 times"))
        }
    }

    @Test("so is what took too long, beside the run that its agent still has")
    func deadline() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            try database.run("UPDATE deployments SET claimed_at = now() - interval '31 minutes'")
            #expect(try await engine.modules.deployments.sweepOverdue() == 1)
            let undo = try await agent.claimOne()
            #expect(undo.kind == .cancel)
            #expect(undo.reference.jobID == job.reference.jobID)
            #expect(undo.reference.fencingToken > job.reference.fencingToken)
            #expect(try await agent.renew([job, undo]) == [job.reference])
            #expect(try await agent.tell(undo, .cancelled))
            #expect(try await engine.state(deployment) == .failed)
            #expect(try await agent.claim().isEmpty)
        }
    }

    @Test("and what was called off before it was lost for good")
    func calledOff() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            _ = try await agent.claimOne()
            _ = try await engine.cancel(deployment)
            try Self.loseForGood(database)
            let undo = try await agent.claimOne()
            #expect(undo.kindName == "cancel")
            #expect(try await engine.state(deployment) == .cancelled)
            #expect(try await agent.tell(undo, .cancelled))
            #expect(try database.count("service_jobs") == 0)
        }
    }

    @Test("an undo that is lost or fails is tried again, ten times in all")
    func bounded() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            _ = try await Self.lost(engine, agent)
            var tokens: [Int64] = []
            for number in 0..<10 {
                let undo = try await agent.claimOne()
                #expect(undo.kindName == "cancel")
                tokens.append(undo.reference.fencingToken)
                if number.isMultiple(of: 2) {
                    try database.expireLeases()
                } else {
                    #expect(try await agent.tell(undo, .failed, "the engine does not answer"))
                    try database.run(
                        "UPDATE service_jobs SET wake_at = wake_at + interval '1 hour'")
                    #expect(try await agent.claim().isEmpty)
                    try database.run("UPDATE service_jobs SET wake_at = now()")
                }
            }
            #expect(tokens == tokens.sorted() && Set(tokens).count == 10)
            #expect(try await agent.claim().isEmpty)
            #expect(try database.count("service_jobs") == 0)
        }
    }

    @Test("a newer deployment goes before it, and does its work when it succeeds")
    func newerSucceeds() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await Self.lost(engine, agent)
            _ = try await engine.redeploy(service)
            let newer = try await agent.claimOne()
            #expect(newer.kindName == "deploy")
            #expect(try database.count("service_jobs") == 1)
            #expect(try await agent.claim().isEmpty)
            #expect(try await agent.tell(newer, .succeeded, outcome: .sample))
            #expect(try database.count("service_jobs") == 0)
            #expect(try await engine.status(service).state == .running)
        }
    }

    @Test("after a newer deployment that fails or is lost it is done, each deployment's by itself")
    func newerFails() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await Self.lost(engine, agent)
            _ = try await engine.redeploy(service)
            let second = try await agent.claimOne()
            #expect(second.kindName == "deploy")
            try Self.loseForGood(database)
            var undone: [JobID] = []
            for _ in 0..<2 {
                let undo = try await agent.claimOne()
                #expect(undo.kindName == "cancel")
                undone.append(undo.reference.jobID)
                #expect(try await agent.tell(undo, .cancelled))
            }
            #expect(Set(undone) == [first.reference.jobID, second.reference.jobID])
            #expect(try await agent.claim().isEmpty)
        }
    }

    @Test("it goes before a restart, and a deletion makes it needless")
    func others() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await Self.lost(engine, agent)
            try await engine.modules.deployments.restartService(
                id: service.description, caller: engine.caller)
            let undo = try await agent.claimOne()
            #expect(undo.kindName == "cancel")
            #expect(try await agent.tell(undo, .cancelled))
            let restart = try await agent.claimOne()
            #expect(restart.kindName == "restart")
            #expect(try await agent.tell(restart, .succeeded))

            _ = try await engine.redeploy(service)
            _ = try await agent.claimOne()
            try Self.loseForGood(database)
            let second = try await agent.claimOne()
            #expect(try await agent.tell(second, .failed, "busy"))
            _ = try await engine.delete(service)
            #expect(try database.run("SELECT kind FROM service_jobs") == "teardown")
            let teardown = try await agent.claimOne()
            #expect(try await agent.tell(teardown, .succeeded))
            #expect(try database.count("service_jobs") == 0)
        }
    }

    @Test("what the agent sees of the service counts while an undo waits")
    func observed() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await Self.lost(engine, agent)
            let undo = try await agent.claimOne()
            #expect(try await agent.tell(undo, .failed, "busy"))
            try ObservationTests.settle(database)
            try await agent.observe([])
            // The container of what runs is gone: it is deployed again, undo or not.
            #expect(
                try database.run("SELECT trigger FROM deployments WHERE state = 'queued'")
                    == "recover")
            let job = try await agent.claimOne()
            #expect(job.serviceID == service)
            #expect(job.kindName == "deploy")
        }
    }

    @Test("data that is not the service's and an order that cannot be given are undone too")
    func controlPlaneFailures() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            _ = try await engine.redeploy(service)
            let job = try await agent.claimOne()
            var other = JobOutcome.sample
            other.systemIdentifier = "1"
            #expect(try await agent.tell(job, .succeeded, outcome: other))
            let undo = try await agent.claimOne()
            #expect(undo.kindName == "cancel")
            #expect(undo.reference.jobID == job.reference.jobID)
            #expect(try await agent.tell(undo, .cancelled))

            let second = try await engine.redeploy(service)
            _ = try await agent.claimOne()
            try database.expireLeases()
            try database.run(
                "UPDATE config_entries SET sealing_key_id = 'other' WHERE kind = 'secret'")
            #expect(try await agent.claim().isEmpty)
            #expect(
                try await engine.history(second).deployment.failure?.reason == "ORDER_IMPOSSIBLE")
            let last = try await agent.claimOne()
            #expect(last.kindName == "cancel")
            #expect(last.reference.jobID.description == second.description)
        }
    }
}
