import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// What agents see of containers, and what follows from it.
@Suite struct ObservationTests {
    /// Makes inventories count at once, as after ``EngineLimits/settleDuration``.
    static func settle(_ database: MigratedDatabase) throws {
        try database.run(
            """
            UPDATE instances SET running_since = now() - interval '1 minute',
                worked_at = now() - interval '1 minute' WHERE service_id IN (
                SELECT service_id FROM instances FOR NO KEY UPDATE SKIP LOCKED
            )
            """)
    }

    @Test("a container that ended shows, and again when it runs")
    func ends() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.createRunning("main", agent)
            for (state, message, expected) in [
                (ObservedContainer.State.exited, "exited with code 137", ServiceState.crashed),
                (.restarting, "exited with code 1", .crashed), (.running, "", .running),
            ] {
                try await agent.observe([agent.container(service, deployment, state, message)])
                let status = try await engine.status(service)
                #expect(status.state == expected)
                #expect(status.message == message)
            }
            #expect(try database.count("deployments") == 1)
        }
    }

    @Test("a container that is started again and again is down, until it has run for a while")
    func loops() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.createRunning("main", agent)
            for (restarts, expected) in [(Int32(2), ServiceState.running), (3, .crashed)] {
                try await agent.observe([
                    agent.container(service, deployment, .running, restarts: restarts)
                ])
                #expect(try await engine.status(service).state == expected)
            }
            try database.run("UPDATE instances SET restarted_at = now() - interval '61 s'")
            #expect(try await engine.status(service).state == .running)
        }
    }

    @Test("without its agent it is not known what a service does")
    func offline() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            let (waiting, _) = try await engine.create("waiting")
            try database.run("UPDATE agents SET last_seen_at = now() - interval '31 s'")
            #expect(try await engine.status(service).state == .offline)
            let queued = try await engine.status(waiting)
            #expect(queued.state == .queued)
            #expect(queued.message.contains("away"))
        }
    }

    @Test("a container that is gone is deployed again, over its data")
    func recovers() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            // An inventory from before the deployment ran.
            try await agent.observe([])
            #expect(try await engine.status(service).state == .running)
            try Self.settle(database)
            try await agent.observe([])
            #expect(try await engine.status(service).state == .deploying)
            try await agent.observe([])
            #expect(try database.count("deployments") == 2)
            let job = try await agent.claimOne()
            guard case .deploy(let order) = job.kind else {
                Issue.record("no deploy order")
                return
            }
            let second = try await engine.history(order.deploymentID).deployment
            #expect(second.trigger == .recover)
            #expect(order.volume.initialized)
            #expect(order.pinnedImage == "sha256:abc")
            // While an agent works on it, what is missing is no news.
            try await agent.observe([])
            #expect(try await agent.tell(job, .succeeded, outcome: .sample))
            #expect(try await engine.state(first) == .superseded)
            #expect(try await engine.status(service).state == .running)
        }
    }

    @Test("an inventory from before the end of a service's job is no news of that service")
    func outdated() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            let (other, _) = try await engine.createRunning("other", agent)
            // The keeper began to look a minute ago, and has started other containers since.
            try await agent.observe([], age: .seconds(60))
            try await agent.observe(
                [agent.container(service, first, .exited, "stopped")], age: .seconds(60))
            #expect(try await engine.status(service).state == .running)
            #expect(try database.count("deployments") == 2)

            // Neither is one from before a deployment that failed, after which the old one runs again.
            try Self.settle(database)
            _ = try await engine.redeploy(service)
            let job = try await agent.claimOne()
            #expect(
                try await agent.tell(
                    job, .failed, "no", failure: JobFailure(reason: "NO", hint: "")))
            try await agent.observe([], age: .seconds(30))
            #expect(try await engine.status(service).state == .running)
            // Of a service without a job since, it is.
            #expect(try await engine.status(other).state == .deploying)

            // What is younger than that counts, and no age makes an agent deaf for ever.
            try Self.settle(database)
            try await agent.observe(
                [agent.container(service, first, .exited, "stopped")], age: .seconds(30))
            #expect(try await engine.status(service).state == .crashed)
            try database.run(
                "UPDATE instances SET running_since = now() - interval '11 min', worked_at = NULL")
            try await agent.observe(
                [agent.container(service, first, .running)], age: .seconds(1_000_000_000))
            #expect(try await engine.status(service).message.hasPrefix("the newest"))
        }
    }

    @Test("a restart that failed is told until one, or a deployment, succeeds")
    func restartFails() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            func fail() async throws {
                try await engine.restart(service)
                let job = try await agent.claimOne()
                let failure = JobFailure(reason: "CONTAINER_MISSING", hint: "")
                #expect(
                    try await agent.tell(job, .failed, "there is no container", failure: failure))
                let status = try await engine.status(service)
                #expect(status.state == .running)
                #expect(
                    status.message
                        == "the last restart failed (CONTAINER_MISSING): there is no container")
            }
            try await fail()
            try await engine.restart(service)
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            #expect(try await engine.status(service).message == "")
            try await fail()
            _ = try await engine.redeploy(service)
            #expect(
                try await agent.tell(try await agent.claimOne(), .succeeded, outcome: .sample))
            #expect(try await engine.status(service).message == "")
            // Nobody tells of one that was lost too often.
            try await engine.restart(service)
            for _ in 0..<10 {
                _ = try await agent.claimOne()
                try database.expireLeases()
            }
            #expect(try await agent.claim().isEmpty)
            #expect(try database.count("service_jobs") == 0)
            #expect(
                try await engine.status(service).message
                    .contains("the last restart failed (AGENT_LOST): the server's agent was lost"))
        }
    }

    @Test("a service is recovered at most once in 30 seconds and five times in an hour")
    func recoversNotTooOften() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            for round in 1...5 {
                try Self.settle(database)
                try await agent.observe([])
                #expect(try database.count("deployments") == round + 1)
                let job = try await agent.claimOne()
                #expect(
                    try await agent.tell(
                        job, .failed, "no", failure: JobFailure(reason: "NO", hint: "")))
                try await agent.observe([])
                #expect(try database.count("deployments") == round + 1)
                #expect(try await engine.status(service).state == .crashed)
                try database.run(
                    "UPDATE deployments SET created_at = created_at - interval '31 s'")
            }
            try await agent.observe([])
            #expect(try database.count("deployments") == 6)
            #expect(try await engine.status(service).state == .crashed)
            // A person may.
            _ = try await engine.redeploy(service)
            #expect(try await engine.status(service).state == .deploying)
        }
    }

    @Test("an inventory says nothing of deleted services, other deployments or old streams")
    func ignored() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            try Self.settle(database)
            let other = DeploymentID(high: 1, low: 1)
            let stale = WorkingAgent(
                engine: engine,
                session: AgentSessionID(bytes: [UInt8](repeating: 7, count: 16)))
            try await stale.observe([])
            #expect(try await engine.status(service).state == .running)
            _ = try await engine.delete(service)
            try await agent.observe([agent.container(service, other, .exited)])
            #expect(try database.count("deployments") == 1)
            #expect(try await engine.status(service).state == .deleting)
        }
    }

    @Test("a restart is one job; while it is at work the container may be down")
    func restarts() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            func restart() async throws {
                try await engine.modules.deployments.restartService(
                    id: service.description, caller: engine.caller)
            }
            let refused = try await problem { try await restart() }
            #expect(refused.kind == .failedPrecondition)
            #expect(
                try await agent.tell(try await agent.claimOne(), .succeeded, outcome: .sample))
            for _ in 0..<2 { try await restart() }
            let job = try await agent.claimOne()
            guard case .restart(let order) = job.kind else {
                Issue.record("no restart order")
                return
            }
            #expect(order.port == 5432)
            #expect(order.probe.username == "berth")
            #expect(order.systemIdentifier == JobOutcome.sample.systemIdentifier)
            try await agent.observe([agent.container(service, deployment, .exited)])
            #expect(try await engine.status(service).state == .running)
            #expect(try await agent.tell(job, .succeeded))
            #expect(try database.count("service_jobs") == 0)
            // A deployment does what a waiting restart would have done.
            try await restart()
            _ = try await engine.redeploy(service)
            #expect(try await agent.claimOne().kindName == "deploy")
            #expect(try database.count("service_jobs") == 0)
        }
    }
}
