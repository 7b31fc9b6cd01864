import BerthMessages
import Messages
import PostgresClient
import RPC
import Testing

@testable import ControlPlane

extension Scene {
    /// The create that has that number in this scene.
    func trial(_ number: Int) -> CreateTrial {
        CreateTrial(stage: stage, number: number, label: "create \(number)")
    }

    /// What the create of that number has left.
    func rows(_ number: Int) async throws -> CreatedRows { try await trial(number).countRows() }

    /// What the pool does at present.
    var pool: PoolStatistics { server.pool.statistics }

    /// Makes the pool open every connection that it may have.
    func fillPool() async throws {
        try await stage.eventually {
            let calls = try (0..<16).map { _ in try list() }
            for call in calls { #expect(try await call.end().code == .ok) }
            // A question of berthd's own may have one for a moment, or end one that answers it too late.
            return pool.idle == Scene.connectionsMax
        }
    }

    /// Begins a call that only reads, by the tenant's client and token unless told otherwise.
    func list(_ client: CallingClient? = nil, _ token: String? = nil) throws -> OutgoingCall {
        try (client ?? self.client).begin(
            BerthV1.ServiceServiceMethods.listDatabaseTemplates,
            BerthV1.ListDatabaseTemplatesRequest(), token: token ?? stage.tenant.token)
    }
}
