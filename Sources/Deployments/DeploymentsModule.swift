public import Domain
public import PostgresClient

/// Deployments: rows that are the queue.
public struct DeploymentsModule {
    private let store: any DeploymentStore
    private let waitingPerServerMax: Int32
    /// Reads one; for the handler.
    public let getDeployment: GetDeployment
    /// Reads a page; for the handler.
    public let listDeployments: ListDeployments

    /// The deployments that may wait for one server unless the configuration says otherwise.
    public static let waitingPerServerMaxDefault: Int32 = 200

    /// Assembles the module.
    ///
    /// - Parameter waitingPerServerMax: The deployments that may wait for one server.
    public init(
        authorizer: any Authorizer, sessions: any SessionRunner,
        waitingPerServerMax: Int32 = DeploymentsModule.waitingPerServerMaxDefault,
        store: any DeploymentStore = PostgresDeploymentStore()
    ) {
        self.store = store
        self.waitingPerServerMax = waitingPerServerMax
        getDeployment = GetDeployment(authorizer: authorizer, sessions: sessions, store: store)
        listDeployments = ListDeployments(authorizer: authorizer, sessions: sessions, store: store)
    }

    /// Queues a deployment in the caller's transaction, unless too many wait for its server.
    public func enqueueWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws {
        try await store.requireQuotaWithinTx(
            tx, serverID: deployment.serverID, max: waitingPerServerMax)
        try await store.insertWithinTx(tx, deployment)
    }

    /// Cancels a service's waiting deployments in the caller's transaction.
    public func cancelWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID, reason: String, at time: Timestamp
    ) async throws {
        try await store.cancelWaitingWithinTx(tx, of: serviceID, reason: reason, at: time)
    }

    /// Asks for the state of each service's latest deployment, without waiting; services without
    /// one are absent.
    public func latestStates(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: DeploymentState]> {
        store.latestStates(of: services, in: session)
    }
}
