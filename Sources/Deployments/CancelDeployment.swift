public import Domain
import PostgresClient

/// Calls a deployment off.
public struct CancelDeployment {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any DeploymentStore
    let audit: any AuditRecorder
    let clock: any WallClock

    /// Cancels what waits, and has an agent stop what it works on; what is cancelled stays as it is.
    ///
    /// - Returns: The deployment, `cancelled` or as it is while the agent still stops.
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition`.
    public func callAsFunction(id text: String, caller: CallerContext) async throws -> Deployment {
        let (id, grant) = try await authorizeDeployment(text, .writeServices, authorizer, caller)
        let now = clock.now()
        return try await transactions.inTransaction { tx in
            guard
                let (deployment, changed) = try await store.cancelWithinTx(
                    tx, id, reason: "called off before an agent took it")
            else { throw Problem.deploymentNotFound }
            switch deployment.state {
            case .running, .failed, .superseded:
                throw Problem(
                    .failedPrecondition,
                    "the deployment is \(deployment.state.rawValue): there is nothing to call off")
            case .queued, .claimed, .pulling, .starting, .verifying, .cancelled: break
            }
            guard changed else { return deployment }
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    "service.cancel_deployment", grant, deployment.serviceID, caller, at: now))
            tx.notify(
                ChangeNotice(
                    hasWork: deployment.state.isAtWork, serverID: deployment.serverID,
                    environmentID: deployment.environmentID, serviceID: deployment.serviceID,
                    deploymentID: id))
            return deployment
        }
    }
}
