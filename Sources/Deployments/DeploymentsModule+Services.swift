public import Domain
public import PostgresClient

// What the keeper of services may ask for.

extension DeploymentsModule {
    /// Queues a deployment in the caller's transaction, unless too many wait for its server or its
    /// environment lives on another one; tells of it after the commit.
    public func enqueueWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws {
        try await queue(tx, deployment)
    }

    /// Calls off everything of a deleted service in the caller's transaction, and queues the removal
    /// of its containers.
    ///
    /// - Returns: Whether an agent has something to remove.
    public func retireWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, at time: Timestamp
    ) async throws -> Bool {
        try await retirement.retire(tx, serviceID, at: time)
    }

    /// Takes that back in the caller's transaction, and queues a deployment of what was deployed.
    ///
    /// - Throws: `Problem` of kind `failedPrecondition` when the data is being removed.
    public func reviveWithinTx(
        _ tx: Transaction, _ service: DeployableService, at time: Timestamp
    ) async throws -> DeploymentID? {
        try await retirement.revive(tx, service, at: time)?.id
    }

    /// Queues the removal of a service's data in the caller's transaction.
    ///
    /// - Returns: Whether there is something to remove.
    public func purgeWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, at time: Timestamp
    ) async throws -> Bool {
        try await jobs.queueJobWithinTx(tx, JobID.new(at: time), .purge, of: serviceID)
    }

    /// Takes back in the caller's transaction where an environment lives, unless something of it is
    /// left on its server.
    public func releaseEnvironmentWithinTx(
        _ tx: Transaction, _ id: EnvironmentID
    ) async throws {
        try await store.releaseEnvironmentWithinTx(tx, id)
    }

    /// Asks for the condition of each service, without waiting; services that were never deployed
    /// are absent.
    public func conditions(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: ServiceCondition]> {
        store.conditions(of: services, in: session)
    }
}
