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
    ) async throws -> Standing? {
        let (kind, id, server): (String, PostgresValue, ServerID?) =
            switch scope {
            case .workspace(let id): ("workspace", .id(id), nil)
            case .project(let id): ("project", .id(id), nil)
            case .environment(let id, let server): ("environment", .id(id), server)
            case .service(let id): ("service", .id(id), nil)
            case .deployment(let id): ("deployment", .id(id), nil)
            }
        let values = [
            .bytes(credential.tokenHash), .text(kind), id,
            server.map { PostgresValue.id($0) } ?? .null,
        ]
        guard let row = try await session.query(Statements.standing, values).first else {
            return nil
        }
        return try PostgresStandingStore.standing(row)
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
        static let standing = Statement(
            "policy_standing",
            """
            SELECT t.id AS token_id, t.user_id, p.workspace_id, p.project_id, p.environment_id,
                m.role, ($4::uuid IS NULL OR s.id IS NOT NULL) AS server_is_known
            FROM access_tokens t
            LEFT JOIN scopes p ON p.kind = $2 AND p.id = $3
            LEFT JOIN workspace_members m
                ON m.workspace_id = p.workspace_id AND m.user_id = t.user_id
            LEFT JOIN servers s ON s.id = $4 AND s.workspace_id = p.workspace_id
            WHERE t.token_hash = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > now())
            """)
    }
}
