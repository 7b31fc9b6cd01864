public import Domain
public import PostgresClient

/// Deployments: rows that are the queue.
public struct DeploymentsModule {
    private let store: any DeploymentStore
    /// Reads one; for the handler.
    public let getDeployment: GetDeployment
    /// Reads a page; for the handler.
    public let listDeployments: ListDeployments

    /// Assembles the module.
    public init(
        authorizer: any Authorizer, sessions: any SessionRunner,
        store: any DeploymentStore = PostgresDeploymentStore()
    ) {
        self.store = store
        getDeployment = GetDeployment(authorizer: authorizer, sessions: sessions, store: store)
        listDeployments = ListDeployments(authorizer: authorizer, sessions: sessions, store: store)
    }

    /// Queues a deployment in the caller's transaction.
    public func enqueueWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws {
        try await store.insertWithinTx(tx, deployment)
    }

    /// The state of each service's latest deployment; services without one are absent.
    public func latestStates(
        of services: [ServiceID], in session: Session
    ) async throws -> [ServiceID: DeploymentState] {
        try await store.latestStates(of: services, in: session)
    }
}
