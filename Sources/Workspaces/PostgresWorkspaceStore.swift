public import Domain
public import PostgresClient
import SQL

/// Workspaces and what lies in them in PostgreSQL.
public struct PostgresWorkspaceStore: WorkspaceStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// See ``WorkspaceStore``.
    public func insertWorkspaceWithinTx(
        _ tx: Transaction, id: WorkspaceID, name: String, at time: Timestamp
    ) async throws {
        tx.send(Statements.insertWorkspace, [.id(id), .text(name), .time(time)])
    }

    /// See ``WorkspaceStore``.
    public func insertMemberWithinTx(
        _ tx: Transaction, workspaceID: WorkspaceID, userID: UserID, role: Role, at time: Timestamp
    ) async throws {
        tx.send(
            Statements.insertMember,
            [.id(workspaceID), .id(userID), .text(role.rawValue), .time(time)])
    }

    /// See ``WorkspaceStore``.
    public func insertProjectWithinTx(
        _ tx: Transaction, id: ProjectID, workspaceID: WorkspaceID, name: String,
        at time: Timestamp
    ) async throws {
        tx.send(Statements.insertProject, [.id(id), .id(workspaceID), .text(name), .time(time)])
    }

    /// See ``WorkspaceStore``.
    public func insertEnvironmentWithinTx(
        _ tx: Transaction, _ environment: NewEnvironment
    ) async throws {
        tx.send(
            Statements.insertEnvironment,
            [
                .id(environment.id), .id(environment.projectID), .id(environment.workspaceID),
                .text(environment.name), .time(environment.at),
            ])
    }

    private enum Statements {
        static let insertWorkspace = Statement(
            "workspaces_insert",
            "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3)")
        static let insertMember = Statement(
            "workspaces_insert_member",
            """
            INSERT INTO workspace_members (workspace_id, user_id, role, created_at)
            VALUES ($1, $2, $3, $4)
            """)
        static let insertProject = Statement(
            "workspaces_insert_project",
            "INSERT INTO projects (id, workspace_id, name, created_at) VALUES ($1, $2, $3, $4)")
        static let insertEnvironment = Statement(
            "workspaces_insert_environment",
            """
            INSERT INTO environments (id, project_id, workspace_id, name, created_at)
            VALUES ($1, $2, $3, $4, $5)
            """)
    }
}
