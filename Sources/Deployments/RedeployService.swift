public import Domain
import PostgresClient

/// Deploys a service again.
public struct RedeployService {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any DeploymentStore
    let services: any DeployableServices
    let queue: QueueDeployment
    let audit: any AuditRecorder
    let clock: any WallClock

    /// Queues a deployment where the newest one was; those that still wait are superseded.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition`, `resourceExhausted`.
    public func callAsFunction(id text: String, caller: CallerContext) async throws -> Deployment {
        let (id, grant) = try await authorizeService(text, .writeServices, authorizer, caller)
        let now = clock.now()
        return try await transactions.inTransaction { tx in
            let service = try await services.liveWithinTx(tx, id)
            guard let serverID = try await store.newestServerWithinTx(tx, of: id) else {
                throw Problem(
                    .failedPrecondition, "the service was never deployed; deploy it first")
            }
            let deployment = try await queue(tx, service, on: serverID, .redeploy, at: now)
            try await audit.recordWithinTx(
                tx, AuditEntry("service.redeploy", grant, id, caller, at: now))
            return Deployment(deployment)
        }
    }
}
