public import Domain
public import PostgresClient
import SQL

/// Audit events in PostgreSQL.
public struct PostgresAuditStore: AuditStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Queues the insert; its failure is the transaction's.
    public func insertWithinTx(
        _ tx: Transaction, id: AuditEventID, _ entry: AuditEntry
    ) async throws {
        let (kind, target): (String, PostgresValue) =
            switch entry.target {
            case .service(let id): ("service", .id(id))
            case .server(let id): ("server", .id(id))
            case .workspace(let id): ("workspace", .id(id))
            }
        let (user, token, server): (PostgresValue, PostgresValue, PostgresValue) =
            switch entry.actor {
            case .user(let principal): (.id(principal.userID), .id(principal.tokenID), .null)
            case .server(let id): (.null, .null, .id(id))
            }
        tx.send(
            PostgresAuditStore.insert,
            [
                .id(id), .id(entry.workspaceID), .text(entry.action), user, token, server,
                .text(kind), target, .text(entry.requestID), .text(entry.callID),
                .text(entry.detail), .time(entry.at),
            ])
    }

    private static let insert = Statement(
        "audit_insert",
        """
        INSERT INTO audit_events (id, workspace_id, action, actor_user_id, actor_token_id,
            actor_server_id, target_kind, target_id, request_id, call_id, detail, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """)
}
