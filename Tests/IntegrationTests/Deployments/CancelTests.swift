import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// Calling deployments off.
@Suite struct CancelTests {
    @Test("what waits is called off at once, and again without effect; audited once")
    func waiting() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            for _ in 0..<2 { #expect(try await engine.cancel(deployment).state == .cancelled) }
            #expect(try await agent.claim().isEmpty)
            #expect(try await engine.status(service).state == .cancelled)
            let events = try database.run(
                "SELECT count(*) FROM audit_events WHERE action = 'service.cancel_deployment'")
            #expect(events == "1")
        }
    }

    @Test("an agent at work is told to stop, once; then the deployment is cancelled")
    func atWork() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            #expect(try await agent.tell(job, .pulling))
            #expect(try await engine.cancel(deployment).state == .pulling)
            // However busy the agent is.
            let told = try await agent.claim(0)
            #expect(told.map(\.kindName) == ["cancel"])
            #expect(told.map(\.reference) == [job.reference])
            #expect(try await agent.claim(0).isEmpty)
            #expect(try await engine.cancel(deployment).state == .pulling)
            #expect(try await agent.claim(0).isEmpty)
            #expect(try await agent.renew([job]).isEmpty)
            #expect(try await agent.tell(job, .cancelled, "stopped"))
            let history = try await engine.history(deployment)
            #expect(history.deployment.state == .cancelled)
            #expect(history.events.map(\.state) == [.queued, .claimed, .pulling, .cancelled])
            #expect(try await agent.tell(job, .cancelled, "stopped"))
        }
    }

    @Test("a success that comes before the agent could stop counts")
    func tooLate() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            _ = try await engine.cancel(deployment)
            #expect(try await agent.tell(job, .succeeded, outcome: .sample))
            #expect(try await engine.state(deployment) == .running)
            let refused = try await problem { _ = try await engine.cancel(deployment) }
            #expect(refused.kind == .failedPrecondition)
        }
    }

    @Test("one called off whose agent was lost is handed out to be undone")
    func lost() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            _ = try await agent.claimOne()
            _ = try await engine.cancel(deployment)
            #expect(try await agent.claim().map(\.kindName) == ["cancel"])
            try database.expireLeases()
            let jobs = try await agent.claim()
            #expect(jobs.map(\.kindName) == ["deploy", "cancel"])
            #expect(Set(jobs.map(\.reference)).count == 1)
            #expect(try await agent.tell(jobs[0], .cancelled))
            #expect(try await engine.state(deployment) == .cancelled)
        }
    }

    @Test("one called off whose agent stays away is cancelled at the deadline, and undone")
    func overdue() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            _ = try await agent.claimOne()
            _ = try await engine.cancel(deployment)
            try database.run(
                "UPDATE deployments SET claimed_at = now() - interval '30 minutes 1 second'")
            #expect(try await engine.modules.deployments.sweepOverdue() == 1)
            let ended = try await engine.history(deployment).deployment
            #expect(ended.state == .cancelled)
            #expect(ended.message == "called off")
            #expect(ended.failure == nil)
            let left = try database.run("SELECT failure_reason || failure_hint FROM deployments")
            #expect(left == "")
            #expect(try await engine.status(service).state == .cancelled)
            #expect(try await agent.claimOne().kindName == "cancel")
        }
    }

    @Test("what has ended cannot be called off")
    func ended() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let (_, deployment) = try await engine.create()
            for state in [DeploymentState.running, .failed, .superseded] {
                try database.force(state, deployment)
                let refused = try await problem { _ = try await engine.cancel(deployment) }
                #expect(refused.kind == .failedPrecondition)
                #expect(refused.message.contains(state.rawValue))
            }
            try database.force(.cancelled, deployment)
            #expect(try await engine.cancel(deployment).state == .cancelled)
            #expect(try database.count("audit_events") == 1)
            let unknown = try await problem {
                _ = try await engine.cancel(DeploymentID(high: 1, low: 1))
            }
            #expect(unknown.kind == .notFound)
        }
    }

    @Test("who may only view may call nothing off, deploy or restart nothing")
    func viewer() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let (service, deployment) = try await engine.create()
            let before = try database.rowsByTable()
            let deployments = engine.modules.deployments
            for (person, kind) in [
                (try database.tenancy[.viewer], Problem.Kind.permissionDenied),
                (database.tenancy.stranger, .notFound),
            ] {
                let caller = try person.caller()
                let id = service.description
                for call in [
                    {
                        _ = try await deployments.deployService(
                            id: id, serverID: "", caller: caller)
                    },
                    { _ = try await deployments.redeployService(id: id, caller: caller) },
                    { try await deployments.restartService(id: id, caller: caller) },
                    {
                        _ = try await deployments.cancelDeployment(
                            id: deployment.description, caller: caller)
                    },
                    {
                        try await deployments.tailLogs(
                            id: id, tailLines: 0, follow: false, caller: caller
                        ) { _ in }
                    },
                    {
                        _ = try await engine.modules.services.undeleteService(
                            id: id, caller: caller)
                    },
                ] {
                    let refused = try await problem(call)
                    #expect(refused.kind == kind)
                }
            }
            #expect(try database.rowsByTable() == before)
        }
    }
}
