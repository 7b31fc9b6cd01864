import Domain
import PostgresClient

/// What the deletion of a service, its taking back and its end mean for agents; inside the
/// transactions of whoever keeps the service.
struct RetireService {
    let store: any DeploymentStore
    let jobs: any JobStore
    let instances: any InstanceStore
    let queue: QueueDeployment

    /// Calls off everything of a service, and queues its teardown.
    ///
    /// - Returns: Whether an agent has something to tear down.
    func retire(_ tx: Transaction, _ serviceID: ServiceID, at time: Timestamp) async throws -> Bool
    {
        // Before the rows that a claim or a report of the service changes under this lock too.
        try await instances.lockWithinTx(tx, serviceID)
        try await store.requestCancelWithinTx(tx, of: serviceID)
        let cancelled = try await store.cancelWaitingWithinTx(
            tx, of: serviceID, reason: "the service was deleted")
        for notice in cancelled { tx.notify(notice) }
        // Once more: what waited may have been claimed before it could be cancelled.
        try await store.requestCancelWithinTx(tx, of: serviceID)
        try await jobs.dropJobWithinTx(tx, .restart, of: serviceID)
        try await jobs.dropJobWithinTx(tx, .undo, of: serviceID)
        return try await jobs.queueJobWithinTx(
            tx, JobID.new(at: time), .teardown, of: serviceID)
    }

    /// Takes a retirement back: what nobody has begun is dropped, and what was deployed is deployed
    /// again.
    ///
    /// - Returns: The deployment; `nil` when the service was never deployed.
    /// - Throws: ``Problem`` of kind `failedPrecondition` once an agent was given the purge, even one
    ///   that failed: the data may be gone.
    func revive(
        _ tx: Transaction, _ service: DeployableService, at time: Timestamp
    ) async throws -> NewDeployment? {
        try await jobs.dropJobWithinTx(tx, .purge, of: service.id)
        guard try await !jobs.isJobBegunWithinTx(tx, .purge, of: service.id) else {
            throw Problem(
                .failedPrecondition,
                "the removal of the service's data has begun: it cannot be taken back any more")
        }
        try await jobs.dropJobWithinTx(tx, .teardown, of: service.id)
        guard let serverID = try await store.newestServerWithinTx(tx, of: service.id) else {
            return nil
        }
        return try await queue(tx, service, on: serverID, .undelete, at: time)
    }
}
