public import Domain
public import PostgresClient
import SQL

/// Users and access tokens in PostgreSQL.
public struct PostgresAccessTokenStore: AccessTokenStore {
    /// Makes a store; it holds no state.
    public init() {}

    /// See ``AccessTokenStore``.
    public func insertUserWithinTx(
        _ tx: Transaction, id: UserID, name: String, at time: Timestamp
    ) async throws {
        tx.send(Statements.insertUser, [.id(id), .text(name), .time(time)])
    }

    /// See ``AccessTokenStore``.
    public func insertTokenWithinTx(
        _ tx: Transaction, id: AccessTokenID, userID: UserID, credential: Credential,
        at time: Timestamp
    ) async throws {
        tx.send(
            Statements.insertToken,
            [.id(id), .id(userID), .bytes(credential.tokenHash), .time(time)])
    }

    /// See ``AccessTokenStore``.
    public func revokeTokenWithinTx(
        _ tx: Transaction, id: AccessTokenID, at time: Timestamp
    ) async throws {
        tx.send(Statements.revokeToken, [.id(id), .time(time)])
    }

    private enum Statements {
        static let insertUser = Statement(
            "auth_insert_user", "INSERT INTO users (id, name, created_at) VALUES ($1, $2, $3)")
        static let insertToken = Statement(
            "auth_insert_token",
            """
            INSERT INTO access_tokens (id, user_id, token_hash, created_at)
            VALUES ($1, $2, $3, $4)
            """)
        static let revokeToken = Statement(
            "auth_revoke_token",
            "UPDATE access_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
    }
}
