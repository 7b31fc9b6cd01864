public import Domain
public import PostgresClient

/// Workspaces, their members, projects and environments.
public struct WorkspacesModule {
    private let store: any WorkspaceStore

    /// Assembles the module.
    public init(store: any WorkspaceStore = PostgresWorkspaceStore()) {
        self.store = store
    }

    /// Adds a workspace in the caller's transaction.
    public func addWorkspaceWithinTx(
        _ tx: Transaction, name: String, at time: Timestamp
    ) async throws -> WorkspaceID {
        let id = WorkspaceID.new(at: time)
        try await store.insertWorkspaceWithinTx(tx, id: id, name: name, at: time)
        return id
    }

    /// Gives a user a role in a workspace, in the caller's transaction.
    public func addMemberWithinTx(
        _ tx: Transaction, userID: UserID, role: Role, to workspaceID: WorkspaceID,
        at time: Timestamp
    ) async throws {
        try await store.insertMemberWithinTx(
            tx, workspaceID: workspaceID, userID: userID, role: role, at: time)
    }

    /// Adds a project to a workspace, in the caller's transaction.
    public func addProjectWithinTx(
        _ tx: Transaction, name: String, to workspaceID: WorkspaceID, at time: Timestamp
    ) async throws -> ProjectID {
        let id = ProjectID.new(at: time)
        try await store.insertProjectWithinTx(
            tx, id: id, workspaceID: workspaceID, name: name, at: time)
        return id
    }

    /// Adds an environment to a project, in the caller's transaction.
    public func addEnvironmentWithinTx(
        _ tx: Transaction, name: String, to projectID: ProjectID, of workspaceID: WorkspaceID,
        at time: Timestamp
    ) async throws -> EnvironmentID {
        let id = EnvironmentID.new(at: time)
        try await store.insertEnvironmentWithinTx(
            tx,
            NewEnvironment(
                id: id, projectID: projectID, workspaceID: workspaceID, name: name, at: time))
        return id
    }
}
