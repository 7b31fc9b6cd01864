public import Domain
public import PostgresClient
import SQL

/// Standings in PostgreSQL: the one place that reads across the modules' tables, because a decision
/// must cost one round trip.
public struct PostgresStandingStore: StandingStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Joins the token, the scope, the membership and the server.
    public func standing(
        of credential: Credential, in scope: Scope, session: Session
    ) -> Pending<Standing?> {
        let (statement, place): (Statement, [PostgresValue]) =
            switch scope {
            case .workspace(let id): (Statements.inWorkspace, [.id(id)])
            case .project(let id): (Statements.inProject, [.id(id)])
            case .environment(let id, let server):
                (Statements.inEnvironment, [.id(id), server.map { .id($0) } ?? .null])
            case .service(let id): (Statements.inService, [.id(id)])
            case .deployment(let id): (Statements.inDeployment, [.id(id)])
            case .server(let id): (Statements.inServer, [.id(id)])
            }
        let rows = session.send(statement, [.bytes(credential.tokenHash)] + place)
        return Pending { try await rows.rows().first.map(PostgresStandingStore.standing) }
    }

    /// Reads the token's owner.
    public func principal(
        of credential: Credential, session: Session
    ) async throws -> Principal? {
        try await session.query(Statements.token, [.bytes(credential.tokenHash)]).first
            .map(PostgresStandingStore.principal)
    }

    private static func principal(_ row: Row) throws -> Principal {
        Principal(userID: try row.id("user_id"), tokenID: try row.id("token_id"))
    }

    private static func standing(_ row: Row) throws -> Standing {
        let workspaceID: WorkspaceID? = try row.idIfPresent("workspace_id")
        let projectID: ProjectID? = try row.idIfPresent("project_id")
        let environmentID: EnvironmentID? = try row.idIfPresent("environment_id")
        return Standing(
            principal: try principal(row),
            place: workspaceID.map {
                Standing.Place(
                    workspaceID: $0, projectID: projectID, environmentID: environmentID)
            },
            role: try row.textIfPresent("role").flatMap(Role.init(rawValue:)),
            serverIsKnown: try row.bool("server_is_known"))
    }

    private enum Statements {
        static let token = Statement(
            "policy_token",
            """
            SELECT id AS token_id, user_id FROM access_tokens
            WHERE token_hash = $1 AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > now())
            """)
        // A statement for each kind of scope: over one for all, PostgreSQL plans anew at each call,
        // which takes it ten times as long as the rest.
        static let inWorkspace = Statement(
            "policy_in_workspace",
            """
            SELECT t.id AS token_id, t.user_id, p.id AS workspace_id, NULL::uuid AS project_id,
                NULL::uuid AS environment_id, m.role, true AS server_is_known
            FROM access_tokens t
            LEFT JOIN workspaces p ON p.id = $2
            LEFT JOIN workspace_members m ON m.workspace_id = p.id AND m.user_id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
        static let inProject = Statement(
            "policy_in_project",
            """
            SELECT t.id AS token_id, t.user_id, p.workspace_id, p.id AS project_id,
                NULL::uuid AS environment_id, m.role, true AS server_is_known
            FROM access_tokens t
            LEFT JOIN projects p ON p.id = $2
            LEFT JOIN workspace_members m
                ON m.workspace_id = p.workspace_id AND m.user_id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
        static let inEnvironment = Statement(
            "policy_in_environment",
            """
            SELECT t.id AS token_id, t.user_id, p.workspace_id, p.project_id,
                p.id AS environment_id, m.role,
                ($3::uuid IS NULL OR s.id IS NOT NULL) AS server_is_known
            FROM access_tokens t
            LEFT JOIN environments p ON p.id = $2
            LEFT JOIN workspace_members m
                ON m.workspace_id = p.workspace_id AND m.user_id = t.user_id
            LEFT JOIN servers s ON s.id = $3 AND s.workspace_id = p.workspace_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
        static let inService = Statement(
            "policy_in_service",
            """
            SELECT t.id AS token_id, t.user_id, p.workspace_id, p.project_id, p.environment_id,
                m.role, true AS server_is_known
            FROM access_tokens t
            LEFT JOIN services p ON p.id = $2
            LEFT JOIN workspace_members m
                ON m.workspace_id = p.workspace_id AND m.user_id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
        static let inDeployment = Statement(
            "policy_in_deployment",
            """
            SELECT t.id AS token_id, t.user_id, p.workspace_id, p.project_id, p.environment_id,
                m.role, true AS server_is_known
            FROM access_tokens t
            LEFT JOIN deployments d ON d.id = $2
            LEFT JOIN services p ON p.id = d.service_id
            LEFT JOIN workspace_members m
                ON m.workspace_id = p.workspace_id AND m.user_id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
        static let inServer = Statement(
            "policy_in_server",
            """
            SELECT t.id AS token_id, t.user_id, p.workspace_id, NULL::uuid AS project_id,
                NULL::uuid AS environment_id, m.role, true AS server_is_known
            FROM access_tokens t
            LEFT JOIN servers p ON p.id = $2
            LEFT JOIN workspace_members m
                ON m.workspace_id = p.workspace_id AND m.user_id = t.user_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
    }
}
