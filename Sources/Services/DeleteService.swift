public import Domain
import PostgresClient

/// Turns a service into a tombstone: its slug is free at once, and what waits to be deployed of it is
/// cancelled.
public struct DeleteService {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let deployments: any DeploymentCanceller
    let audit: any AuditRecorder
    let clock: any WallClock

    /// Marks the service deleted; deleting a tombstone returns it unchanged and is not audited again.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`.
    public func callAsFunction(
        id text: String, caller: CallerContext
    ) async throws -> ServiceStatus {
        let id = try await requireServiceID(text, authorizer, caller)
        let grant = try await authorizer.authorize(
            caller.credential, .writeServices, in: .service(id))
        let now = clock.now()
        let service = try await transactions.inTransaction { tx in
            guard let (service, deletedNow) = try await store.markDeletedWithinTx(tx, id, at: now)
            else { throw Problem.serviceNotFound }
            if deletedNow {
                try await deployments.cancelWaitingWithinTx(
                    tx, of: id, reason: "the service was deleted", at: now)
                try await audit.recordWithinTx(
                    tx,
                    AuditEntry(
                        action: "service.delete", actor: grant.principal, target: .service(id),
                        workspaceID: grant.workspaceID, requestID: "", callID: caller.callID,
                        at: now))
            }
            return service
        }
        return ServiceStatus(service: service, state: .deleted)
    }
}
