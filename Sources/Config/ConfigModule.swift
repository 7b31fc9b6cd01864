public import Domain
public import PostgresClient

/// Variables and sealed secrets of services and environments.
public struct ConfigModule {
    private let store: any ConfigStore
    private let sealer: any SecretSealer
    private let set: SetConfig
    /// Lists entries; for the handler.
    public let listConfig: ListConfig

    /// Assembles the module.
    public init(
        authorizer: any Authorizer, sessions: any SessionRunner, sealer: any SecretSealer,
        clock: any WallClock, store: any ConfigStore = PostgresConfigStore()
    ) {
        self.store = store
        self.sealer = sealer
        set = SetConfig(store: store, sealer: sealer, clock: clock)
        listConfig = ListConfig(authorizer: authorizer, sessions: sessions, store: store)
    }

    /// Writes a service's entries in the caller's transaction, secrets sealed.
    public func setWithinTx(
        _ tx: Transaction, serviceID: ServiceID, entries: [ConfigEntryDraft]
    ) async throws {
        try await set(tx, scope: .service(serviceID), entries: entries)
    }

    /// A service's own entries by key, secrets opened.
    public func reveal(
        serviceID: ServiceID, in session: Session
    ) async throws -> [String: ConfigEntryDraft.Value] {
        var result: [String: ConfigEntryDraft.Value] = [:]
        for entry in try await store.list(.service(serviceID), in: session) {
            switch entry.content {
            case .variable(let text): result[entry.key] = .variable(text)
            case .secret(let sealed):
                let place = SecretPlace(scope: entry.scope, key: entry.key)
                result[entry.key] = .secret(try sealer.open(sealed, for: place))
            }
        }
        return result
    }
}
