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

    /// Marks a service deleted; without effect when it is already.
    ///
    /// - Returns: The service as it is afterwards, and whether this call deleted it; `nil` when
    ///   there is none.
    func markDeletedWithinTx(
        _ tx: Transaction, _ id: ServiceID, at: Timestamp
    ) async throws -> (service: Service, deletedNow: Bool)?
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

    /// Forgets a request if it is older than `expiry`.
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

/// Calls off deployments inside the caller's transaction.
public protocol DeploymentCanceller {
    /// Cancels the service's deployments that still wait for an agent, with a reason for people.
    func cancelWaitingWithinTx(
        _ tx: Transaction, of serviceID: ServiceID, reason: String, at: Timestamp
    ) async throws
}

/// Tells where services' latest deployments stand.
public protocol DeploymentStates {
    /// Asks for the state of each service's latest deployment, without waiting; services without
    /// one are absent.
    func latestStates(
        of services: [ServiceID], in session: Session
    ) -> Pending<[ServiceID: DeploymentState]>
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
