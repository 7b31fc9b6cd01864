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
            result[entry.key] = try opened(entry)
        }
        return result
    }

    /// Asks for what a service's container gets, without waiting: the entries of its environment,
    /// overlaid by its own, secrets opened, in the order of keys.
    public func effectiveEntries(
        serviceID: ServiceID, environmentID: EnvironmentID, in session: Session
    ) -> Pending<[ConfigEntryDraft]> {
        let entries = store.effective(
            serviceID: serviceID, environmentID: environmentID, in: session)
        return Pending {
            try await entries.value().map { entry in
                ConfigEntryDraft(key: entry.key, value: try opened(entry))
            }
        }
    }

    /// Queues the removal of a service's own secrets in the caller's transaction.
    public func eraseSecretsWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws {
        try await store.deleteSecretsWithinTx(tx, of: serviceID)
    }

    private func opened(_ entry: ConfigEntry) throws -> ConfigEntryDraft.Value {
        switch entry.content {
        case .variable(let text): .variable(text)
        case .secret(let sealed):
            .secret(
                try sealer.open(sealed, for: SecretPlace(scope: entry.scope, key: entry.key)))
        }
    }
}
