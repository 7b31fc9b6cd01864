public import Domain
public import PostgresClient

// What the module needs from elsewhere.

/// Tells of services what their deployments must know, and is told what became of them.
public protocol DeployableServices {
    /// Asks for a service, deleted or not, without waiting; `nil` when there is none.
    func find(_ id: ServiceID, in session: Session) -> Pending<DeployableService?>

    /// Reads a service and keeps others from deploying, deleting or restoring it until the
    /// transaction ends; `nil` when there is none.
    func lockWithinTx(_ tx: Transaction, _ id: ServiceID) async throws -> DeployableService?

    /// Queues the note that a service runs on a server, unless it says so already.
    func chooseServerWithinTx(
        _ tx: Transaction, _ id: ServiceID, serverID: ServerID, at: Timestamp
    ) async throws

    /// Queues the note that nothing of a deleted service runs any more; without effect on one that
    /// is not deleted.
    func markTornDownWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws

    /// Queues the note that a deleted service's data is gone, and erases its secrets; without effect
    /// on one that is not deleted.
    func markPurgedWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws
}

/// Reads the config entries that a service's container gets.
public protocol DeploymentConfig {
    /// Asks for the entries of the environment, overlaid by the service's own, without waiting:
    /// secrets opened, each key once, in the order of keys.
    func effectiveEntries(
        serviceID: ServiceID, environmentID: EnvironmentID, in session: Session
    ) -> Pending<[ConfigEntryDraft]>
}

/// Records an audit event inside the caller's transaction.
public protocol AuditRecorder {
    /// Inserts the event; when that fails, the transaction does.
    func recordWithinTx(_ tx: Transaction, _ entry: AuditEntry) async throws
}

/// Reads the output of services' containers, wherever their agents' streams are.
public protocol LogTails {
    /// Begins to read the output of a service's container.
    ///
    /// - Parameters:
    ///   - secrets: What is replaced in every line before anyone sees it.
    ///   - tailLines: How many lines from the end to begin with.
    ///   - follow: Whether to go on with what is written from then on.
    /// - Throws: `Problem`: `unavailable` when the server's agent is away, `failedPrecondition` when
    ///   there is no container.
    func tail(
        serviceID: ServiceID, serverID: ServerID, secrets: [SecretText], tailLines: Int32,
        follow: Bool
    ) async throws -> any LogTail
}
