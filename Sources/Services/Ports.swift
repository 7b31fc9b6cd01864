public import Domain
public import PostgresClient

/// Keeps services.
public protocol ServiceStore {
    /// Inserts a service.
    ///
    /// Queued on the transaction; a taken slug surfaces at its next awaited result or at commit as a
    /// ``Problem`` of kind `alreadyExists` that names the field `name`.
    func insertWithinTx(_ tx: Transaction, _ service: Service) async throws

    /// Refuses the transaction when the workspace has `max` undeleted services already.
    ///
    /// Queued; surfaces at the next awaited result or at commit as a ``Problem`` of kind
    /// `resourceExhausted`.
    func requireQuotaWithinTx(
        _ tx: Transaction, workspaceID: WorkspaceID, max: Int32
    ) async throws

    /// Asks for the service of that id, deleted or not, without waiting; `nil` when there is none.
    func find(_ id: ServiceID, in session: Session) -> Pending<Service?>

    /// Asks for at most `limit` undeleted services, newest first, from the one after `after`,
    /// without waiting.
    func list(
        _ list: ServiceList, after: ServiceID?, limit: Int, in session: Session
    ) -> Pending<[Service]>

    /// Asks for an environment's undeleted services and the deleted ones of those ids, newest first,
    /// at most `limit`, without waiting.
    func list(
        of environmentID: EnvironmentID, alsoDeleted ids: [ServiceID], limit: Int,
        in session: Session
    ) -> Pending<[Service]>

    /// Marks a service deleted; without effect when it is already.
    ///
    /// - Parameter purgeAt: Until when its data is kept.
    /// - Returns: The service as it is afterwards, and whether this call deleted it; `nil` when
    ///   there is none.
    func markDeletedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at: Timestamp, purgeAt: Timestamp
    ) async throws -> (service: Service, deletedNow: Bool)?

    /// Takes a service's deletion back.
    ///
    /// Queued; a taken slug surfaces as for ``insertWithinTx(_:_:)``.
    func markUndeletedWithinTx(_ tx: Transaction, _ service: Service, at: Timestamp) async throws

    /// Reads a service and keeps others from changing it until the transaction ends.
    func lockWithinTx(_ tx: Transaction, _ id: ServiceID) async throws -> Service?

    /// Queues the note that a service runs on a server; without effect when it says so already.
    func chooseServerWithinTx(
        _ tx: Transaction, _ id: ServiceID, serverID: ServerID, at: Timestamp
    ) async throws

    /// Queues the note that nothing of a deleted service runs; without effect on others.
    func markTornDownWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws

    /// Queues the note that the removal of a deleted service's data was asked for.
    func markPurgeQueuedWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws

    /// Queues the note that a deleted service's data is gone; without effect on others.
    func markPurgedWithinTx(_ tx: Transaction, _ id: ServiceID, at: Timestamp) async throws

    /// Locks at most `limit` deleted services whose data is kept no longer, passing over those that
    /// others have locked.
    func dueForPurgeWithinTx(
        _ tx: Transaction, at: Timestamp, limit: Int
    ) async throws -> [Service]
}

/// Remembers create requests, so that a repeated one makes nothing twice.
public protocol CreateRequestStore {
    /// Inserts a request.
    ///
    /// Queued; when the key is taken, ``CreateRequestRepeated`` surfaces at the next awaited result
    /// or at commit.
    func insertWithinTx(
        _ tx: Transaction, _ key: CreateRequestKey, serviceID: ServiceID,
        deploymentID: DeploymentID?, at: Timestamp
    ) async throws

    /// The request of that workspace, user and id, whatever its fingerprint, or `nil`.
    func find(_ key: CreateRequestKey, in session: Session) async throws -> StoredCreateRequest?

    /// Queues the removal of a request that is older than `expiry`.
    func forgetWithinTx(
        _ tx: Transaction, _ key: CreateRequestKey, olderThan expiry: Timestamp
    ) async throws

    /// Forgets at most `limit` requests older than `expiry`.
    /// - Returns: How many.
    func sweepWithinTx(
        _ tx: Transaction, olderThan expiry: Timestamp, limit: Int
    ) async throws -> Int
}

/// Tells requests apart without keeping what was asked for.
public protocol RequestFingerprinter {
    /// A keyed digest of the bytes; 32 bytes.
    func fingerprint(_ bytes: [UInt8]) throws -> [UInt8]
}

/// Decides in a read's own session whether a caller may have its answer, so that both are one round
/// trip.
public protocol ReadAuthorizer {
    /// Asks whether the caller has the permission, without waiting.
    ///
    /// What the session is asked afterwards travels along. Whoever asks waits for the grant first,
    /// and looks at nothing else unless it is given.
    ///
    /// - Returns: The grant; throws as ``Domain/Authorizer/authorize(_:_:in:)``.
    func grant(
        _ credential: Credential, _ permission: Permission, in scope: Scope, session: Session
    ) -> Pending<Grant>
}

/// Which services a list holds.
public enum ServiceList: Hashable, Sendable {
    /// Those of an environment.
    case environment(EnvironmentID)
    /// Those of a project.
    case project(ProjectID)
    /// Those of a workspace.
    case workspace(WorkspaceID)
}

/// Writes a service's config entries inside the caller's transaction.
public protocol ConfigSetter {
    /// Inserts the entries, secrets sealed before they are bound to a statement.
    func setWithinTx(
        _ tx: Transaction, serviceID: ServiceID, entries: [ConfigEntryDraft]
    ) async throws
}

/// Reads a service's config entries, secrets opened.
public protocol ConfigRevealer {
    /// The service's own entries by key.
    func reveal(
        serviceID: ServiceID, in session: Session
    ) async throws -> [String: ConfigEntryDraft.Value]
}

/// Queues a deployment inside the caller's transaction.
public protocol DeploymentEnqueuer {
    /// Inserts a deployment in state `queued`.
    func enqueueWithinTx(_ tx: Transaction, _ deployment: NewDeployment) async throws
}

/// Ends and restores what agents do for services, inside the caller's transaction.
public protocol DeploymentRetirer {
    /// Calls off everything of a deleted service, and queues the removal of its containers.
    /// - Returns: Whether an agent has something to remove.
    func retireWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, at: Timestamp
    ) async throws -> Bool

    /// Takes that back, and queues a deployment of what was deployed.
    /// - Returns: The deployment; `nil` when there never was one.
    /// - Throws: ``Problem``: `failedPrecondition` when the data is being removed,
    ///   `resourceExhausted`.
    func reviveWithinTx(
        _ tx: Transaction, _ service: DeployableService, at: Timestamp
    ) async throws -> DeploymentID?

    /// Queues the removal of a deleted service's data.
    /// - Returns: Whether an agent has something to remove.
    func purgeWithinTx(
        _ tx: Transaction, _ serviceID: ServiceID, at: Timestamp
    ) async throws -> Bool

    /// Takes back where an environment lives, unless something of it is left on its server. Several
    /// in one transaction: in the order of their ids.
    func releaseEnvironmentWithinTx(_ tx: Transaction, _ id: EnvironmentID) async throws
}

/// Tells in what condition services are.
public protocol ServiceConditions {
    /// Asks for the condition of each service, without waiting; services that were never deployed
    /// are absent.
    func conditions(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: ServiceCondition]>
}

/// Erases a service's secrets inside the caller's transaction.
public protocol SecretEraser {
    /// Queues the removal of the service's own secrets; its variables stay.
    func eraseSecretsWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws
}

/// Records an audit event inside the caller's transaction.
public protocol AuditRecorder {
    /// Inserts the event; when that fails, the transaction does.
    func recordWithinTx(_ tx: Transaction, _ entry: AuditEntry) async throws
}

/// Makes passwords.
public protocol PasswordGenerator {
    /// A new password of at least 160 random bits, of unreserved URI characters alone.
    func generate() throws -> SecretText
}
