public import Domain
public import PostgresClient

/// Keeps workspaces, projects and environments.
public protocol WorkspaceStore {
    /// Queues the insert of a workspace.
    func insertWorkspaceWithinTx(
        _ tx: Transaction, id: WorkspaceID, name: String, at: Timestamp
    ) async throws

    /// Queues the insert of a membership.
    func insertMemberWithinTx(
        _ tx: Transaction, workspaceID: WorkspaceID, userID: UserID, role: Role, at: Timestamp
    ) async throws

    /// Queues the insert of a project.
    func insertProjectWithinTx(
        _ tx: Transaction, id: ProjectID, workspaceID: WorkspaceID, name: String, at: Timestamp
    ) async throws

    /// Queues the insert of an environment.
    func insertEnvironmentWithinTx(
        _ tx: Transaction, _ environment: NewEnvironment
    ) async throws
}

/// An environment about to be written.
public struct NewEnvironment: Hashable, Sendable {
    /// Names the environment.
    public let id: EnvironmentID
    /// The project it lies in.
    public let projectID: ProjectID
    /// The workspace it lies in.
    public let workspaceID: WorkspaceID
    /// Its name.
    public let name: String
    /// When it is made.
    public let at: Timestamp
}
