import Domain
import PostgresClient

/// Queues a deployment for a service whose container is gone, not too often.
struct RecoverService {
    let transactions: any TransactionRunner
    let instances: any InstanceStore
    let services: any DeployableServices
    let queue: QueueDeployment
    let clock: any WallClock

    func callAsFunction(_ serviceID: ServiceID, missing: DeploymentID) async throws {
        do {
            try await transactions.inTransaction { tx in
                guard let service = try await services.lockWithinTx(tx, serviceID),
                    !service.isDeleted,
                    let serverID = try await instances.recoverableWithinTx(
                        tx, serviceID, missing: missing)
                else { return }
                _ = try await queue(tx, service, on: serverID, .recover, at: clock.now())
            }
        } catch let problem as Problem where problem.kind == .resourceExhausted {
            // The next inventory asks again.
        }
    }
}
