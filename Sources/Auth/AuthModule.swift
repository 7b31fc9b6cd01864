public import Domain
public import PostgresClient

/// Users and their access tokens.
public struct AuthModule {
    private let store: any AccessTokenStore

    /// Assembles the module.
    public init(store: any AccessTokenStore = PostgresAccessTokenStore()) {
        self.store = store
    }

    /// Adds a user in the caller's transaction.
    public func addUserWithinTx(
        _ tx: Transaction, name: String, at time: Timestamp
    ) async throws -> UserID {
        let id = UserID.new(at: time)
        try await store.insertUserWithinTx(tx, id: id, name: name, at: time)
        return id
    }

    /// Issues a token in the caller's transaction; this is the only time that its text exists.
    public func issueTokenWithinTx(
        _ tx: Transaction, userID: UserID, at time: Timestamp
    ) async throws -> (id: AccessTokenID, token: AccessToken) {
        let id = AccessTokenID.new(at: time)
        let token = try AccessToken.generate()
        try await store.insertTokenWithinTx(
            tx, id: id, userID: userID, credential: try token.credential(), at: time)
        return (id, token)
    }

    /// Revokes a token in the caller's transaction.
    public func revokeTokenWithinTx(
        _ tx: Transaction, id: AccessTokenID, at time: Timestamp
    ) async throws {
        try await store.revokeTokenWithinTx(tx, id: id, at: time)
    }
}
