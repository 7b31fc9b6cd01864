import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// What agents say of a failure can quote a container's last lines, and those can hold a secret: who may
/// not read logs does not read them there either.
@Suite struct ViewerTests {
    /// What the container wrote.
    static let line = "password of alice is hunter2"

    /// All that a caller gets to see of a service and a deployment, by the six calls that show them.
    private static func seen(
        _ engine: Engine, _ role: Role, _ service: ServiceID, _ deployment: DeploymentID
    ) async throws -> [String: String] {
        let caller = try engine.database.tenancy[role].caller()
        let modules = engine.modules
        let environment = engine.database.tenancy.home.environmentID.description
        var seen: [String: String] = [:]
        seen["GetDeployment"] = String(
            describing: try await modules.deployments.getDeployment(
                id: deployment.description, caller: caller))
        seen["ListDeployments"] = String(
            describing: try await modules.deployments.listDeployments(
                serviceID: service.description, pageSize: 9, pageToken: "", caller: caller))
        try await modules.deployments.watchDeployment(
            id: deployment.description, caller: caller
        ) { seen["WatchDeployment", default: ""] += "\($0)" }
        seen["GetService"] = String(
            describing: try await modules.services.getService(
                id: service.description, caller: caller))
        seen["ListServices"] = String(
            describing: try await modules.services.listServices(
                of: .environment(environment), pageSize: 9, pageToken: "", caller: caller))
        await #expect(throws: CancellationError.self) {
            try await modules.services.watchServices(environmentID: environment, caller: caller) {
                seen["WatchServices", default: ""] += "\($0)"
            }
        }
        return seen
    }

    @Test(
        "of a deployment that failed a viewer sees the state and the reason, a member the text too")
    func failed() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            #expect(try await agent.tell(job, .verifying, "not yet: \(Self.line)"))
            #expect(try await agent.tell(job, .verifying, "still not: \(Self.line)"))
            #expect(
                try await agent.tell(
                    job, .failed, "it ended: \(Self.line)",
                    failure: JobFailure(reason: "CONTAINER_ENDED", hint: "see \(Self.line)")))
            let viewer = try await Self.seen(engine, .viewer, service, deployment)
            for role in [Role.member, .owner] {
                let all = try await Self.seen(engine, role, service, deployment)
                #expect(all.count == 6)
                for (call, text) in all { #expect(text.contains(Self.line), "\(role): \(call)") }
                #expect(all["GetDeployment"]?.contains("see \(Self.line)") == true)
            }
            #expect(viewer.count == 6)
            for (call, text) in viewer {
                #expect(!text.contains("hunter2"), "\(call): \(text)")
                #expect(text.contains("CONTAINER_ENDED"), "\(call): \(text)")
                #expect(text.contains("failed"), "\(call): \(text)")
            }
            let history = try await engine.modules.deployments.getDeployment(
                id: deployment.description, caller: try database.tenancy[.viewer].caller())
            #expect(history.events.map(\.state) == [.queued, .claimed, .verifying, .failed])
        }
    }

    @Test(
        "so it is with what an agent saw of a container, and with what hindered a restart or removal"
    )
    func running() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.createRunning("main", agent)
            let viewer = try database.tenancy[.viewer].caller()
            func messages() async throws -> (member: String, viewer: String) {
                (
                    try await engine.status(service).message,
                    try await engine.modules.services.getService(
                        id: service.description, caller: viewer
                    ).message
                )
            }
            try await agent.observe([
                agent.container(service, deployment, .exited, "code 1, \(Self.line)")
            ])
            var told = try await messages()
            #expect(told.member.contains(Self.line))
            #expect(told.viewer == "")
            try await engine.restart(service)
            #expect(
                try await agent.tell(
                    try await agent.claimOne(), .failed, "ended: \(Self.line)",
                    failure: JobFailure(reason: "CONTAINER_ENDED", hint: "")))
            told = try await messages()
            #expect(told.member.contains("the last restart failed (CONTAINER_ENDED): ended"))
            #expect(told.viewer == "the last restart failed (CONTAINER_ENDED)")
            _ = try await engine.delete(service)
            #expect(
                try await agent.tell(
                    try await agent.claimOne(), .failed, "stuck: \(Self.line)",
                    failure: JobFailure(reason: "DOCKER_FAILED", hint: "")))
            told = try await messages()
            #expect(told.member.contains(Self.line))
            #expect(told.viewer.hasPrefix("its container could not be removed"))
            #expect(!told.viewer.contains("hunter2"))
        }
    }
}
