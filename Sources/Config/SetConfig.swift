import Domain
import PostgresClient

/// Writes entries inside another module's transaction.
struct SetConfig {
    let store: any ConfigStore
    let sealer: any SecretSealer
    let clock: any WallClock

    /// Seals first, so that no plain secret is ever bound to a statement.
    func callAsFunction(
        _ tx: Transaction, scope: ConfigEntry.Scope, entries: [ConfigEntryDraft]
    ) async throws {
        let now = clock.now()
        for draft in entries {
            let content: ConfigEntry.Content =
                switch draft.value {
                case .variable(let text): .variable(text)
                case .secret(let secret):
                    .secret(
                        try sealer.seal(secret, for: SecretPlace(scope: scope, key: draft.key)))
                }
            try await store.insertWithinTx(
                tx,
                ConfigEntry(
                    id: ConfigEntryID.new(at: now), scope: scope, key: draft.key, content: content,
                    createdAt: now, updatedAt: now))
        }
    }
}
