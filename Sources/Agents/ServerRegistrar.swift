public import Domain
public import PostgresClient

/// Adds servers and mints their registration tokens, for whoever has decided that this may be.
public struct ServerRegistrar {
    private let store: any ServerStore

    /// Makes a registrar.
    public init(store: any ServerStore = PostgresServerStore()) { self.store = store }

    /// Adds a server to a workspace, in the caller's transaction.
    public func addServerWithinTx(
        _ tx: Transaction, name: String, to workspaceID: WorkspaceID, at time: Timestamp
    ) async throws -> ServerID {
        let id = ServerID.new(at: time)
        try await store.insertWithinTx(
            tx,
            Server(id: id, workspaceID: workspaceID, name: name, createdAt: time, agent: nil))
        return id
    }

    /// Mints a server's token, in the caller's transaction; one that was minted before and not used
    /// is worth nothing then. This is the only time that its text exists.
    public func mintTokenWithinTx(
        _ tx: Transaction, for serverID: ServerID, at time: Timestamp
    ) async throws -> RegistrationToken {
        let token = RegistrationToken(
            secret: try AgentSecret.generate(prefix: AgentSecret.registrationPrefix),
            expiresAt: time.advanced(by: RegistrationToken.validity))
        try await store.putTokenWithinTx(
            tx, of: serverID, hash: try token.secret.hash(), expiresAt: token.expiresAt, at: time)
        return token
    }
}
