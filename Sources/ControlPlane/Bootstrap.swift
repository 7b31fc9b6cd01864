import Agents
import Auth
import Domain
import PostgresClient
import SQL
import Workspaces

/// Makes what a first user needs: a workspace, project, environment and server, an owner's token, and
/// a token for the server's agent to register with.
struct Bootstrap {
    let transactions: any TransactionRunner
    let auth: AuthModule
    let workspaces: WorkspacesModule
    let servers: ServerRegistrar
    let clock: any WallClock

    /// What a run made or found.
    struct Outcome: Sendable {
        let token: SecretText
        let workspaceID: WorkspaceID
        let projectID: ProjectID
        let environmentID: EnvironmentID
        let serverID: ServerID
        let registrationToken: SecretText
    }

    /// Makes everything once; every later run finds the same and exchanges the tokens for new ones.
    func run() async throws -> Outcome {
        let now = clock.now()
        return try await transactions.inTransaction { tx in
            // Two runs at once would both find nothing.
            _ = try await tx.query(Statements.lock)
            guard let row = try await tx.query(Statements.find).first else {
                return try await create(tx, now)
            }
            return try await exchangeToken(tx, row, now)
        }
    }

    private func create(_ tx: Transaction, _ now: Timestamp) async throws -> Outcome {
        let userID = try await auth.addUserWithinTx(tx, name: "owner", at: now)
        let workspaceID = try await workspaces.addWorkspaceWithinTx(tx, name: "default", at: now)
        try await workspaces.addMemberWithinTx(
            tx, userID: userID, role: .owner, to: workspaceID, at: now)
        let projectID = try await workspaces.addProjectWithinTx(
            tx, name: "default", to: workspaceID, at: now)
        let environmentID = try await workspaces.addEnvironmentWithinTx(
            tx, name: "production", to: projectID, of: workspaceID, at: now)
        let serverID = try await servers.addServerWithinTx(
            tx, name: "local", to: workspaceID, at: now)
        let (tokenID, token) = try await auth.issueTokenWithinTx(tx, userID: userID, at: now)
        let registration = try await servers.mintTokenWithinTx(tx, for: serverID, at: now)
        tx.send(
            Statements.insert,
            [
                .id(userID), .id(workspaceID), .id(projectID), .id(environmentID), .id(serverID),
                .id(tokenID),
            ])
        return Outcome(
            token: token.text, workspaceID: workspaceID, projectID: projectID,
            environmentID: environmentID, serverID: serverID,
            registrationToken: registration.secret.text)
    }

    private func exchangeToken(
        _ tx: Transaction, _ row: Row, _ now: Timestamp
    ) async throws -> Outcome {
        try await auth.revokeTokenWithinTx(tx, id: try row.id("token_id"), at: now)
        let (tokenID, token) = try await auth.issueTokenWithinTx(
            tx, userID: try row.id("user_id"), at: now)
        tx.send(Statements.setToken, [.id(tokenID)])
        let serverID: ServerID = try row.id("server_id")
        let registration = try await servers.mintTokenWithinTx(tx, for: serverID, at: now)
        return Outcome(
            token: token.text, workspaceID: try row.id("workspace_id"),
            projectID: try row.id("project_id"), environmentID: try row.id("environment_id"),
            serverID: serverID, registrationToken: registration.secret.text)
    }

    private enum Statements {
        static let lock = Statement(
            "bootstrap_lock", "LOCK TABLE bootstraps IN SHARE ROW EXCLUSIVE MODE")
        static let find = Statement(
            "bootstrap_find",
            """
            SELECT user_id, workspace_id, project_id, environment_id, server_id, token_id
            FROM bootstraps
            """)
        static let insert = Statement(
            "bootstrap_insert",
            """
            INSERT INTO bootstraps (user_id, workspace_id, project_id, environment_id, server_id,
                token_id)
            VALUES ($1, $2, $3, $4, $5, $6)
            """)
        static let setToken = Statement(
            "bootstrap_set_token", "UPDATE bootstraps SET token_id = $1")
    }
}
