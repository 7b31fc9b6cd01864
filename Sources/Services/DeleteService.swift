public import Domain
import PostgresClient

/// Turns a service into a tombstone: its slug is free at once, what is done for it is called off, its
/// containers are removed, and its data is kept for a while.
public struct DeleteService {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let deployments: any DeploymentRetirer
    let audit: any AuditRecorder
    let clock: any WallClock
    /// How long the data of a deleted service is kept.
    let dataGrace: Duration

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
        return try await transactions.inTransaction { tx in
            guard
                let (found, deletedNow) = try await store.markDeletedWithinTx(
                    tx, id, at: now, purgeAt: now.advanced(by: dataGrace))
            else { throw Problem.serviceNotFound }
            var service = found
            if deletedNow {
                let isAnythingLeft = try await deployments.retireWithinTx(tx, id, at: now)
                if !isAnythingLeft {
                    try await store.markTornDownWithinTx(tx, id, at: now)
                    service.tornDownAt = now
                }
                try await audit.recordWithinTx(
                    tx,
                    AuditEntry(
                        action: "service.delete", actor: grant.principal, target: .service(id),
                        workspaceID: grant.workspaceID, requestID: "", callID: caller.callID,
                        at: now))
                tx.notify(of: service, hasWork: isAnythingLeft)
            }
            return ServiceStatus(of: service, [:])
        }
    }
}

extension Transaction {
    /// Tells of a change of the service once it is committed.
    func notify(of service: Service, hasWork: Bool = false) {
        notifyAfterCommit(
            ChangeNotice.channel,
            ChangeNotice(
                hasWork: hasWork, serverID: service.serverID,
                environmentID: service.environmentID, serviceID: service.id, deploymentID: nil
            ).payload)
    }
}
