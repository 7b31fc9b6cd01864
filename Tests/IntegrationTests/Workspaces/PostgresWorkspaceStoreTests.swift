import Domain
import PostgresClient
import Testing
import Workspaces

@Suite struct PostgresWorkspaceStoreTests {
    static var module: WorkspacesModule { WorkspacesModule() }

    @Test("a workspace's project, environment and member are written as given")
    func writes() async throws {
        try await withDatabase { database, pool in
            let owner = try database.tenancy[.owner].userID
            let ids = try await pool.inTransaction { tx in
                let workspace = try await Self.module.addWorkspaceWithinTx(
                    tx, name: "Ünï", at: Tenancy.time)
                let project = try await Self.module.addProjectWithinTx(
                    tx, name: "p", to: workspace, at: Tenancy.time)
                let environment = try await Self.module.addEnvironmentWithinTx(
                    tx, name: "e", to: project, of: workspace, at: Tenancy.time)
                try await Self.module.addMemberWithinTx(
                    tx, userID: owner, role: .admin, to: workspace, at: Tenancy.time)
                return [workspace.description, project.description, environment.description]
            }
            let rows = try database.run(
                """
                SELECT w.name, p.id, e.id, m.role
                FROM workspaces w
                JOIN projects p ON p.workspace_id = w.id
                JOIN environments e ON e.workspace_id = w.id AND e.project_id = p.id
                JOIN workspace_members m ON m.workspace_id = w.id
                WHERE w.id = '\(ids[0])'
                """)
            #expect(rows == "Ünï|\(ids[1])|\(ids[2])|admin")
        }
    }

    @Test("a user has one role in a workspace")
    func oneRole() async throws {
        try await withDatabase { database, pool in
            let owner = try database.tenancy[.owner].userID
            let error = try await postgresError {
                try await pool.inTransaction { tx in
                    try await Self.module.addMemberWithinTx(
                        tx, userID: owner, role: .viewer, to: database.tenancy.home.workspaceID,
                        at: Tenancy.time)
                }
            }
            #expect(error.constraintName == "workspace_members_pkey")
        }
    }

    @Test("an environment cannot join a project of another workspace")
    func foreignProject() async throws {
        try await withDatabase { database, pool in
            let error = try await postgresError {
                try await pool.inTransaction { tx in
                    _ = try await Self.module.addEnvironmentWithinTx(
                        tx, name: "e", to: database.tenancy.foreign.projectID,
                        of: database.tenancy.home.workspaceID, at: Tenancy.time)
                }
            }
            #expect(error.constraintName == "environments_project_id_workspace_id_fkey")
        }
    }
}
