public import Domain
public import PostgresClient

/// Tells deployments of services, and takes note of what became of those that were deleted.
public struct DeployableServiceSource {
    private let store: any ServiceStore
    private let catalogue: DatabaseCatalogue
    private let secrets: any SecretEraser

    /// Makes a source.
    public init(
        catalogue: DatabaseCatalogue, secrets: any SecretEraser,
        store: any ServiceStore = PostgresServiceStore()
    ) {
        self.store = store
        self.catalogue = catalogue
        self.secrets = secrets
    }

    /// Asks for a service, deleted or not, without waiting; `nil` when there is none.
    public func find(_ id: ServiceID, in session: Session) -> Pending<DeployableService?> {
        let found = store.find(id, in: session)
        return Pending { try await found.value().map { $0.deployable(catalogue) } }
    }

    /// Reads a service and keeps others from changing it until the transaction ends.
    public func lockWithinTx(_ tx: Transaction, _ id: ServiceID) async throws -> DeployableService?
    {
        try await store.lockWithinTx(tx, id).map { $0.deployable(catalogue) }
    }

    /// Queues the note that a service runs on a server.
    public func chooseServerWithinTx(
        _ tx: Transaction, _ id: ServiceID, serverID: ServerID, at time: Timestamp
    ) async throws {
        try await store.chooseServerWithinTx(tx, id, serverID: serverID, at: time)
    }

    /// Queues the note that nothing of a deleted service runs any more.
    public func markTornDownWithinTx(
        _ tx: Transaction, _ id: ServiceID, at time: Timestamp
    ) async throws {
        try await store.markTornDownWithinTx(tx, id, at: time)
    }

    /// Queues the note that a deleted service's data is gone, and erases its secrets.
    public func markPurgedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at time: Timestamp
    ) async throws {
        guard let service = try await store.lockWithinTx(tx, id), service.deletedAt != nil else {
            return
        }
        try await store.markPurgedWithinTx(tx, id, at: time)
        try await secrets.eraseSecretsWithinTx(tx, of: id)
    }
}

extension Service {
    /// What a deployment must know of it.
    func deployable(_ catalogue: DatabaseCatalogue) -> DeployableService {
        var blueprint: ContainerBlueprint?
        if case .template(let id) = source { blueprint = catalogue.template(id)?.blueprint }
        return DeployableService(
            id: id, workspaceID: workspaceID, environmentID: environmentID, serverID: serverID,
            isDeleted: deletedAt != nil, slug: slug.description, image: image, port: port,
            blueprint: blueprint)
    }
}
