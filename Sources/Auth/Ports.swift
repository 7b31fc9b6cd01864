public import Domain
public import PostgresClient

/// Keeps users and access tokens.
public protocol AccessTokenStore {
    /// Queues the insert of a user.
    func insertUserWithinTx(_ tx: Transaction, id: UserID, name: String, at: Timestamp)
        async throws

    /// Queues the insert of a token's hash.
    func insertTokenWithinTx(
        _ tx: Transaction, id: AccessTokenID, userID: UserID, credential: Credential, at: Timestamp
    ) async throws

    /// Queues the revocation of a token; without effect when it is revoked already.
    func revokeTokenWithinTx(_ tx: Transaction, id: AccessTokenID, at: Timestamp) async throws
}
