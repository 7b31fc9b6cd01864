public import Domain
import PostgresClient

/// Takes a service's deletion back while its data is kept.
public struct UndeleteService {
    let authorizer: any Authorizer
    let transactions: any TransactionRunner
    let store: any ServiceStore
    let conditions: any ServiceConditions
    let deployments: any DeploymentRetirer
    let audit: any AuditRecorder
    let quotas: ServiceQuotas
    let catalogue: DatabaseCatalogue
    let clock: any WallClock

    /// The service that is there again, and the deployment that was queued for it.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition` when it is not deleted or its data is gone,
    ///   `alreadyExists` when its slug is taken, `resourceExhausted`.
    public func callAsFunction(
        id text: String, caller: CallerContext
    ) async throws -> (status: ServiceStatus, deploymentID: DeploymentID?) {
        let id = try await requireServiceID(text, authorizer, caller)
        let grant = try await authorizer.authorize(
            caller.credential, .writeServices, in: .service(id))
        let now = clock.now()
        return try await transactions.inTransaction { tx in
            let service = try await restorable(tx, id)
            try await store.requireQuotaWithinTx(
                tx, workspaceID: grant.workspaceID, max: quotas.servicesPerWorkspaceMax)
            try await store.markUndeletedWithinTx(tx, service, at: now)
            let deploymentID = try await deployments.reviveWithinTx(
                tx, service.deployable(catalogue), at: now)
            try await audit.recordWithinTx(
                tx,
                AuditEntry(
                    action: "service.undelete", actor: grant.principal, target: .service(id),
                    workspaceID: grant.workspaceID, requestID: "", callID: caller.callID, at: now))
            if deploymentID == nil { tx.notify(of: service) }
            return (try await status(tx, id), deploymentID)
        }
    }

    /// The service as it will be, read before COMMIT: a read afterwards could fail, and the caller
    /// would hear of a failure though the service is back.
    private func status(_ tx: Transaction, _ id: ServiceID) async throws -> ServiceStatus {
        let found = store.find(id, in: tx.reads)
        let conditions = conditions.conditions(of: [id], in: tx.reads)
        guard let service = try await found.value() else { throw Problem.serviceNotFound }
        return ServiceStatus(of: service, try await conditions.value())
    }

    private func restorable(_ tx: Transaction, _ id: ServiceID) async throws -> Service {
        guard let service = try await store.lockWithinTx(tx, id) else {
            throw Problem.serviceNotFound
        }
        guard service.deletedAt != nil else {
            throw Problem(.failedPrecondition, "the service is not deleted")
        }
        guard service.purgedAt == nil else {
            throw Problem(.failedPrecondition, "the service's data is gone")
        }
        return service
    }
}
