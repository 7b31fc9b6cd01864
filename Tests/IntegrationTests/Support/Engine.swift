import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// A control plane whose agents are this test: what an agent would say is said to the module.
struct Engine {
    let database: MigratedDatabase
    let modules: Modules
    let caller: CallerContext

    init(
        _ database: MigratedDatabase, _ pool: ConnectionPool,
        changes: any ChangeFeed = SteppedFeed(), logs: any LogTails = FakeLogs()
    ) throws {
        self.database = database
        modules = try Modules(pool, changes: changes, logs: logs)
        caller = try database.tenancy[.member].caller()
    }

    var serverID: ServerID { database.tenancy.home.serverID }

    /// A database service that waits for its first deployment.
    func create(_ name: String = "main") async throws -> (ServiceID, DeploymentID) {
        let created = try await modules.services.createDatabase(
            .sample(database.tenancy, name: name), caller: caller)
        return (created.status.service.id, try #require(created.deploymentID))
    }

    /// A service whose first deployment runs, by the agent.
    func createRunning(_ name: String = "main", _ agent: WorkingAgent) async throws -> (
        ServiceID, DeploymentID
    ) {
        let (service, deployment) = try await create(name)
        let job = try #require(try await agent.claim().first { $0.serviceID == service })
        let isRecorded = try await agent.tell(job, .succeeded, outcome: .sample)
        #expect(isRecorded)
        return (service, deployment)
    }

    func state(_ id: DeploymentID) async throws -> DeploymentState {
        try await history(id).deployment.state
    }

    func status(_ id: ServiceID) async throws -> ServiceStatus {
        try await modules.services.getService(id: id.description, caller: caller)
    }
}

/// One stream of a server's agent, as the modules below the wire see it.
struct WorkingAgent {
    let engine: Engine
    let session: AgentSessionID

    /// One that began elsewhere, or never did.
    init(engine: Engine, session: AgentSessionID) {
        self.engine = engine
        self.session = session
    }

    /// Begins a stream, which is the server's newest from then on.
    init(_ engine: Engine, _ number: UInt8 = 1) throws {
        self.engine = engine
        session = AgentSessionID(bytes: [UInt8](repeating: number, count: 16))
        try engine.database.beginSession(session, of: engine.serverID)
    }

    func claim(_ limit: Int = 4) async throws -> [AgentJob] { try await claimWork(limit).jobs }

    func claimWork(_ limit: Int = 4) async throws -> ClaimedWork {
        try await engine.modules.deployments.claim(
            server: engine.serverID, session: session, limit: limit)
    }

    /// Reports of a job; true when it was recorded.
    func tell(
        _ job: AgentJob, _ state: JobProgress.State, _ message: String = "",
        failure: JobFailure? = nil, outcome: JobOutcome? = nil
    ) async throws -> Bool {
        try await engine.modules.deployments.record(
            server: engine.serverID, session: session,
            progress: JobProgress(
                reference: job.reference, serviceID: job.serviceID, state: state,
                message: message, failure: failure, outcome: outcome))
    }

    func renew(_ jobs: [AgentJob]) async throws -> [JobReference] {
        try await engine.modules.deployments.renew(
            server: engine.serverID, session: session, jobs: jobs.map(\.reference))
    }

    func observe(_ containers: [ObservedContainer], age: Duration = .zero) async throws {
        try await engine.modules.deployments.observe(
            server: engine.serverID, session: session, containers: containers, surveyAge: age)
    }

    func refuse(_ job: AgentJob, _ reason: String) async throws {
        try await engine.modules.deployments.refused(
            server: engine.serverID, session: session, job: job.reference, reason: reason)
    }

    func adopt(_ jobs: [AgentJob]) async throws -> [JobReference] {
        try await engine.modules.deployments.adopt(
            server: engine.serverID, session: session, jobs: jobs.map(\.reference))
    }
}

extension MigratedDatabase {
    /// Notes a stream as the newest of a server whose agent is there.
    func beginSession(_ session: AgentSessionID, of serverID: ServerID) throws {
        try run(MigratedDatabase.sessionScript(session, of: serverID))
    }

    /// The SQL text that does so. No test takes so long that the agent counts as away.
    static func sessionScript(_ session: AgentSessionID, of serverID: ServerID) -> String {
        let id = serverID.description.filter { $0 != "-" }
        return """
            INSERT INTO agents (server_id, credential_hash, public_key, registered_at, session_id,
                last_seen_at)
            VALUES ('\(serverID)', decode('\(id)\(id)', 'hex'), decode('\(id)\(id)', 'hex'), now(),
                decode('\(Hexadecimal.text(session.bytes))', 'hex'), now() + interval '1 hour')
            ON CONFLICT (server_id) DO UPDATE SET session_id = excluded.session_id,
                session_ended_at = NULL, last_seen_at = excluded.last_seen_at
            """
    }

    /// Has the leases of everything run out.
    func expireLeases() throws {
        try run(
            """
            UPDATE deployments SET lease_until = now() - interval '1 second' WHERE id IN (
                SELECT id FROM deployments WHERE lease_holder IS NOT NULL
                FOR NO KEY UPDATE SKIP LOCKED
            );
            UPDATE service_jobs SET lease_until = now() - interval '1 second' WHERE id IN (
                SELECT id FROM service_jobs WHERE lease_holder IS NOT NULL
                FOR NO KEY UPDATE SKIP LOCKED
            )
            """)
    }
}

extension JobOutcome {
    /// What a first deployment makes.
    static var sample: JobOutcome {
        JobOutcome(
            pinnedImage: "sha256:abc", volumeName: "", initialized: true,
            systemIdentifier: "7318954532512345678")
    }
}

extension Engine {
    func history(_ id: DeploymentID) async throws -> DeploymentHistory {
        try await modules.deployments.getDeployment(id: id.description, caller: caller)
    }
}

extension Engine {
    /// Has the service deployed again.
    func redeploy(_ service: ServiceID) async throws -> DeploymentID {
        try await modules.deployments.redeployService(id: service.description, caller: caller).id
    }

    func cancel(_ deployment: DeploymentID) async throws -> Deployment {
        try await modules.deployments.cancelDeployment(id: deployment.description, caller: caller)
    }

    func restart(_ service: ServiceID) async throws {
        try await modules.deployments.restartService(id: service.description, caller: caller)
    }

    func delete(_ service: ServiceID) async throws -> ServiceStatus {
        try await modules.services.deleteService(id: service.description, caller: caller)
    }

    func undelete(
        _ service: ServiceID
    ) async throws -> (status: ServiceStatus, deploymentID: DeploymentID?) {
        try await modules.services.undeleteService(id: service.description, caller: caller)
    }
}

extension WorkingAgent {
    /// Claims the one job that there is.
    func claimOne() async throws -> AgentJob {
        let jobs = try await claim()
        #expect(jobs.count == 1, "\(jobs)")
        return try #require(jobs.first)
    }

    /// The container of a service's deployment, as an inventory has it.
    func container(
        _ service: ServiceID, _ deployment: DeploymentID, _ state: ObservedContainer.State,
        _ message: String = "", restarts: Int32 = 0
    ) -> ObservedContainer {
        ObservedContainer(
            serviceID: service, deploymentID: deployment, fencingToken: 1, state: state,
            message: message, restartCount: restarts)
    }
}

extension AgentJob {
    /// The kind's name, without what it holds.
    var kindName: String {
        switch kind {
        case .deploy: "deploy"
        case .restart: "restart"
        case .teardown: "teardown"
        case .purge: "purge"
        case .cancel: "cancel"
        }
    }
}
