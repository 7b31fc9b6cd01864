import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// A call that is denied leaves every table as it was, to the last byte.
@Suite struct DeniedCallTests {
    /// A service that runs, one that was deleted, and what waits to be deployed.
    struct Scene {
        let running: String
        let deleted: String
        let waiting: String
        let deployment: String
        let server: String
    }

    typealias Call = (Modules, Scene, CallerContext) async throws -> Void

    /// Every call that changes something or shows a secret.
    static var calls: [(name: String, call: Call)] {
        [
            (
                "RevealConnection",
                { _ = try await $0.services.revealConnection(id: $1.running, caller: $2) }
            ),
            (
                "RevealConnection of what was deleted",
                { _ = try await $0.services.revealConnection(id: $1.deleted, caller: $2) }
            ),
            (
                "DeleteService",
                { _ = try await $0.services.deleteService(id: $1.running, caller: $2) }
            ),
            (
                "DeleteService again",
                { _ = try await $0.services.deleteService(id: $1.deleted, caller: $2) }
            ),
            (
                "UndeleteService",
                { _ = try await $0.services.undeleteService(id: $1.deleted, caller: $2) }
            ),
            (
                "DeployService",
                {
                    _ = try await $0.deployments.deployService(
                        id: $1.waiting, serverID: $1.server, caller: $2)
                }
            ),
            (
                "RedeployService",
                { _ = try await $0.deployments.redeployService(id: $1.running, caller: $2) }
            ),
            (
                "RestartService",
                { try await $0.deployments.restartService(id: $1.running, caller: $2) }
            ),
            (
                "CancelDeployment",
                { _ = try await $0.deployments.cancelDeployment(id: $1.deployment, caller: $2) }
            ),
        ]
    }

    @Test("a viewer, a stranger and nobody change nothing by any call, and reveal nothing")
    func denied() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (running, _) = try await engine.createRunning("running", agent)
            let (deleted, _) = try await engine.createRunning("deleted", agent)
            _ = try await engine.delete(deleted)
            let (waiting, deployment) = try await engine.create("waiting")
            let scene = Scene(
                running: "\(running)", deleted: "\(deleted)", waiting: "\(waiting)",
                deployment: "\(deployment)", server: "\(engine.serverID)")
            let nobody = CallerContext(
                credential: Credential(tokenHash: [UInt8](repeating: 1, count: 32)), callID: "")
            let callers: [(String, CallerContext, Problem.Kind)] = [
                ("a viewer", try database.tenancy[.viewer].caller(), .permissionDenied),
                ("a stranger", try database.tenancy.stranger.caller(), .notFound),
                ("nobody", nobody, .unauthenticated),
            ]
            let before = try database.contentsByTable()
            #expect(before.count > 10)
            for (who, caller, kind) in callers {
                for (name, call) in Self.calls {
                    let refused = try await problem {
                        try await call(engine.modules, scene, caller)
                    }
                    #expect(refused.kind == kind, "\(name) by \(who): \(refused)")
                }
            }
            let after = try database.contentsByTable()
            #expect(after == before)

            // What proves that the digests would show it.
            _ = try await engine.modules.services.revealConnection(
                id: scene.running, caller: engine.caller)
            let revealed = try database.contentsByTable()
            #expect(revealed.filter { $0.value != before[$0.key] }.map(\.key) == ["audit_events"])
        }
    }
}
