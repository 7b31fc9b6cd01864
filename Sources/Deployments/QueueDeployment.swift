import Domain
import PostgresClient

/// Queues a deployment inside a transaction, and tells of it once that is committed.
struct QueueDeployment {
    let store: any DeploymentStore
    let waitingPerServerMax: Int32

    /// Queues one that was made elsewhere.
    func callAsFunction(_ tx: Transaction, _ deployment: NewDeployment) async throws {
        try await store.admitWithinTx(tx, deployment, max: waitingPerServerMax)
        try await store.insertWithinTx(tx, deployment)
        tx.notify(
            ChangeNotice(
                hasWork: true, serverID: deployment.serverID,
                environmentID: deployment.environmentID, serviceID: deployment.serviceID,
                deploymentID: deployment.id))
    }

    /// Queues one of a service that is locked; those that still wait are superseded.
    func callAsFunction(
        _ tx: Transaction, _ service: DeployableService, on serverID: ServerID,
        _ trigger: NewDeployment.Trigger, at time: Timestamp
    ) async throws -> NewDeployment {
        for notice in try await store.supersedeWaitingWithinTx(tx, of: service.id) {
            tx.notify(notice)
        }
        let deployment = NewDeployment(
            id: DeploymentID.new(at: time), serviceID: service.id,
            environmentID: service.environmentID, workspaceID: service.workspaceID,
            serverID: serverID, image: service.image, trigger: trigger, at: time)
        try await callAsFunction(tx, deployment)
        return deployment
    }
}

extension Deployment {
    /// A deployment as it is before anything happened to it.
    init(_ new: NewDeployment) {
        self.init(
            id: new.id, serviceID: new.serviceID, environmentID: new.environmentID,
            serverID: new.serverID, state: .queued, trigger: new.trigger, image: new.image,
            pinnedImage: "", message: "", failure: nil, attempt: 0, isCancelRequested: false,
            createdAt: new.at, updatedAt: new.at)
    }
}
