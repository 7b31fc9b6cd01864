public import Domain
public import PostgresClient

/// Keeps deployments.
public protocol DeploymentStore {
    /// Queues the insert of a deployment in state `queued` on the transaction.
    func insertWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws

    /// Refuses the transaction when `max` deployments wait for the server already.
    ///
    /// Queued; surfaces at the next awaited result or at commit as a ``Problem`` of kind
    /// `resourceExhausted`.
    func requireQuotaWithinTx(_ tx: Transaction, serverID: ServerID, max: Int32) async throws

    /// Queues the cancelling of a service's deployments in state `queued`.
    func cancelWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID, reason: String, at: Timestamp
    ) async throws

    /// The deployment of that id, or `nil`.
    func find(_ id: DeploymentID, in session: Session) async throws -> Deployment?

    /// At most `limit` deployments of a service, newest first, from the one after `after`.
    func list(
        of serviceID: ServiceID, after: DeploymentID?, limit: Int, in session: Session
    ) async throws -> [Deployment]

    /// Asks for the state of each service's latest deployment, without waiting; services without
    /// one are absent.
    func latestStates(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: DeploymentState]>
}
