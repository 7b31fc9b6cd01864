public import Domain
public import PostgresClient
import SQL

/// Config entries in PostgreSQL.
public struct PostgresConfigStore: ConfigStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// Queues the insert; see ``ConfigStore``.
    public func insertWithinTx(_ tx: Transaction, _ entry: ConfigEntry) async throws {
        let (service, environment): (PostgresValue, PostgresValue) =
            switch entry.scope {
            case .service(let id): (.id(id), .null)
            case .environment(let id): (.null, .id(id))
            }
        let (kind, value, sealed, keyID): (String, PostgresValue, PostgresValue, PostgresValue) =
            switch entry.content {
            case .variable(let text): ("variable", .text(text), .null, .null)
            case .secret(let secret): ("secret", .null, .bytes(secret.bytes), .text(secret.keyID))
            }
        tx.send(
            Statements.insert,
            [
                .id(entry.id), service, environment, .text(entry.key), .text(kind), value, sealed,
                keyID, .time(entry.createdAt), .time(entry.updatedAt),
            ])
    }

    /// Queues the read of both scopes; of two entries with one key the service's own counts.
    public func effective(
        serviceID: ServiceID, environmentID: EnvironmentID, in session: Session
    ) -> Pending<[ConfigEntry]> {
        let rows = session.send(Statements.effective, [.id(serviceID), .id(environmentID)])
        return Pending {
            try await rows.rows().map { row in
                let isOwn = try row.bool("is_own")
                return try entry(
                    row, isOwn ? .service(serviceID) : .environment(environmentID))
            }
        }
    }

    /// Queues the delete; see ``ConfigStore``.
    public func deleteSecretsWithinTx(
        _ tx: Transaction, of serviceID: ServiceID
    ) async throws {
        tx.send(Statements.deleteSecrets, [.id(serviceID)])
    }

    /// Reads a scope's entries in the order of their keys.
    public func list(
        _ scope: ConfigEntry.Scope, in session: Session
    ) async throws -> [ConfigEntry] {
        let (statement, key): (Statement, PostgresValue) =
            switch scope {
            case .service(let id): (Statements.listService, .id(id))
            case .environment(let id): (Statements.listEnvironment, .id(id))
            }
        return try await session.query(statement, [key]).map { try entry($0, scope) }
    }

    private func entry(_ row: Row, _ scope: ConfigEntry.Scope) throws -> ConfigEntry {
        ConfigEntry(
            id: try row.id("id"), scope: scope, key: try row.text("key"),
            content: try content(row), createdAt: try row.time("created_at"),
            updatedAt: try row.time("updated_at"))
    }

    /// The schema lets a row hold either a value or a seal with its key's id.
    private func content(_ row: Row) throws -> ConfigEntry.Content {
        if let value = try row.textIfPresent("value") { return .variable(value) }
        return .secret(
            SealedSecret(keyID: try row.text("sealing_key_id"), bytes: try row.bytes("sealed")))
    }

    private enum Statements {
        static let insert = Statement(
            "config_insert",
            """
            INSERT INTO config_entries (id, service_id, environment_id, key, kind, value, sealed,
                sealing_key_id, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """)
        static let effective = Statement(
            "config_effective",
            """
            SELECT DISTINCT ON (key) id, key, value, sealed, sealing_key_id, created_at,
                updated_at, is_own
            FROM (
                SELECT id, key, value, sealed, sealing_key_id, created_at, updated_at,
                    true AS is_own
                FROM config_entries WHERE service_id = $1
                UNION ALL
                SELECT id, key, value, sealed, sealing_key_id, created_at, updated_at, false
                FROM config_entries WHERE environment_id = $2
            ) AS entries
            ORDER BY key, is_own DESC
            """)
        static let deleteSecrets = Statement(
            "config_delete_secrets",
            "DELETE FROM config_entries WHERE service_id = $1 AND kind = 'secret'")
        static let listService = Statement(
            "config_list_service",
            """
            SELECT id, key, value, sealed, sealing_key_id, created_at, updated_at
            FROM config_entries WHERE service_id = $1 ORDER BY key
            """)
        static let listEnvironment = Statement(
            "config_list_environment",
            """
            SELECT id, key, value, sealed, sealing_key_id, created_at, updated_at
            FROM config_entries WHERE environment_id = $1 ORDER BY key
            """)
    }
}
