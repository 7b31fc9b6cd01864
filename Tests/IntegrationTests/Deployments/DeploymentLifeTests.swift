import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// The life of a deployment, from the call that asks for it to the container that runs.
@Suite struct DeploymentLifeTests {
    @Test("a queued deployment is claimed, worked on and running, each move noted")
    func wholeLife() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            #expect(try await engine.status(service).state == .queued)

            let jobs = try await agent.claim()
            let job = try #require(jobs.first)
            #expect(jobs.count == 1)
            #expect(job.reference.jobID.description == deployment.description)
            #expect(job.reference.fencingToken == 1)
            #expect(try await agent.claim().isEmpty)

            for (state, expected) in [
                (JobProgress.State.accepted, DeploymentState.claimed), (.pulling, .pulling),
                (.starting, .starting), (.verifying, .verifying),
            ] {
                #expect(try await agent.tell(job, state, "now \(state)"))
                #expect(try await engine.state(deployment) == expected)
                #expect(try await engine.status(service).state == .deploying)
                #expect(try await engine.status(service).message == "now \(state)")
            }
            #expect(try await agent.tell(job, .succeeded, "ready", outcome: .sample))
            let history = try await engine.history(deployment)
            #expect(history.deployment.state == .running)
            #expect(history.deployment.attempt == 1)
            #expect(history.deployment.pinnedImage == "sha256:abc")
            #expect(
                history.events.map(\.state) == [
                    .queued, .claimed, .claimed, .pulling, .starting, .verifying, .running,
                ])
            #expect(history.events.last?.message == "ready")
            #expect(try await engine.status(service).state == .running)
            // Said twice, recorded once.
            #expect(try await agent.tell(job, .succeeded, "ready", outcome: .sample))
            #expect(try await engine.history(deployment) == history)
        }
    }

    @Test("the order holds everything that the container needs, secrets opened")
    func order() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create("Main DB")
            try database.run(
                """
                INSERT INTO config_entries (id, environment_id, key, kind, value, created_at,
                    updated_at)
                SELECT gen_random_uuid(), '\(database.tenancy.home.environmentID)', key, 'variable',
                    'of the environment', now(), now()
                FROM unnest(ARRAY['LANG', 'PGDATA', 'POSTGRES_USER']) AS key
                """)
            let parts = try await engine.modules.services.revealConnection(
                id: service.description, caller: engine.caller)
            guard case .deploy(let order) = try await agent.claim().first?.kind else {
                Issue.record("no deploy order")
                return
            }
            #expect(order.deploymentID == deployment)
            #expect(order.environmentID == database.tenancy.home.environmentID)
            #expect(order.slug == "main-db")
            #expect(order.image == "postgres:16-alpine")
            #expect(order.pinnedImage == nil)
            #expect(order.port == 5432)
            #expect(
                order.environment == [
                    ConfigEntryDraft(key: "LANG", value: .variable("of the environment")),
                    ConfigEntryDraft(
                        key: "PGDATA", value: .variable("/var/lib/postgresql/data/pgdata")),
                    ConfigEntryDraft(key: "POSTGRES_DB", value: .variable("app")),
                    ConfigEntryDraft(key: "POSTGRES_PASSWORD", value: .secret(parts.password)),
                    ConfigEntryDraft(key: "POSTGRES_USER", value: .variable("berth")),
                ])
            #expect(
                order.volume
                    == VolumeOrder(
                        name: "berth-data-\(service)", mountPath: "/var/lib/postgresql/data",
                        dataPath: "/var/lib/postgresql/data/pgdata", initialized: false,
                        systemIdentifier: nil))
            #expect(order.limits.memoryBytes == 1 << 30)
            #expect(order.limits.logFilesMax == 3)
            #expect(
                order.probe
                    == LoginProbe(
                        databaseName: "app", username: "berth", password: parts.password))
        }
    }

    @Test("what was made is remembered from the moment it is told, and travels in the next job")
    func outcome() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.create()
            let first = try #require(try await agent.claim().first)
            #expect(
                try await agent.tell(
                    first, .verifying,
                    outcome: JobOutcome(
                        pinnedImage: "sha256:abc", volumeName: "berth-warm-1", initialized: true,
                        systemIdentifier: "42")))
            #expect(
                try await agent.tell(
                    first, .failed, "the disk is full",
                    failure: JobFailure(reason: "DISK_FULL", hint: "Make room."),
                    outcome: JobOutcome(
                        pinnedImage: "", volumeName: "", initialized: false, systemIdentifier: "")))
            _ = try await engine.modules.deployments.redeployService(
                id: service.description, caller: engine.caller)
            guard case .deploy(let order) = try await agent.claim().first?.kind else {
                Issue.record("no deploy order")
                return
            }
            #expect(order.volume.initialized)
            #expect(order.volume.name == "berth-warm-1")
            #expect(order.volume.systemIdentifier == "42")
            // What failed pins nothing.
            #expect(order.pinnedImage == nil)
        }
    }

    @Test("a success over another PostgreSQL's data is a failure")
    func dataChanged() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            let second = try await engine.modules.deployments.redeployService(
                id: service.description, caller: engine.caller)
            let job = try #require(try await agent.claim().first)
            guard case .deploy(let order) = job.kind else {
                Issue.record("no deploy order")
                return
            }
            #expect(order.pinnedImage == "sha256:abc")
            var other = JobOutcome.sample
            other.systemIdentifier = "1"
            #expect(try await agent.tell(job, .succeeded, outcome: other))
            let deployment = try await engine.history(second.id).deployment
            #expect(deployment.state == .failed)
            #expect(deployment.failure?.reason == "DATA_CHANGED")
            #expect(try await engine.state(first) == .running)
            let stored = try database.run("SELECT system_identifier FROM instances")
            #expect(stored == JobOutcome.sample.systemIdentifier)
        }
    }

    @Test("a newer deployment that runs takes the place of the one before")
    func supersedes() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            var asked: [DeploymentID] = []
            for _ in 0..<3 {
                asked.append(
                    try await engine.modules.deployments.redeployService(
                        id: service.description, caller: engine.caller
                    ).id)
            }
            #expect(try await engine.state(asked[0]) == .superseded)
            #expect(try await engine.state(asked[1]) == .superseded)
            #expect(try await engine.status(service).state == .deploying)
            let jobs = try await agent.claim()
            #expect(jobs.map(\.reference.jobID.description) == [asked[2].description])
            #expect(jobs.first?.reference.fencingToken == 2)
            #expect(try await agent.tell(try #require(jobs.first), .succeeded, outcome: .sample))
            #expect(try await engine.state(first) == .superseded)
            #expect(try await engine.state(asked[2]) == .running)
            let desired = try await engine.modules.deployments.desired(server: engine.serverID)
            #expect(desired.map(\.deployment) == [asked[2]])
        }
    }

    @Test("a failed one says why; what ran before runs on")
    func fails() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            let second = try await engine.modules.deployments.redeployService(
                id: service.description, caller: engine.caller
            ).id
            let job = try #require(try await agent.claim().first)
            #expect(
                try await agent.tell(
                    job, .failed, "no such image\n",
                    failure: JobFailure(reason: "IMAGE_NOT_FOUND", hint: "Name another image.")))
            let deployment = try await engine.history(second).deployment
            #expect(deployment.message == "no such image")
            #expect(
                deployment.failure
                    == JobFailure(reason: "IMAGE_NOT_FOUND", hint: "Name another image."))
            #expect(try await engine.state(first) == .running)
            let status = try await engine.status(service)
            #expect(status.state == .running)
            #expect(status.message.contains("failed"))
        }
    }
}
