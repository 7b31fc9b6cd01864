public import Domain
public import PostgresClient

/// Keeps config entries.
public protocol ConfigStore {
    /// Queues the insert of one entry on the transaction.
    func insertWithinTx(_ tx: Transaction, _ entry: ConfigEntry) async throws

    /// Asks for the entries of an environment, overlaid by those of one of its services, by key,
    /// without waiting.
    func effective(
        serviceID: ServiceID, environmentID: EnvironmentID, in session: Session
    ) -> Pending<[ConfigEntry]>

    /// Queues the removal of a service's own secrets.
    func deleteSecretsWithinTx(_ tx: Transaction, of serviceID: ServiceID) async throws

    /// Every entry of a scope, by key.
    func list(_ scope: ConfigEntry.Scope, in session: Session) async throws -> [ConfigEntry]
}

/// Seals and opens secrets; what is sealed for one place cannot be opened for another.
public protocol SecretSealer {
    /// Seals a secret with the current key.
    func seal(_ secret: SecretText, for place: SecretPlace) throws -> SealedSecret

    /// Opens a secret.
    /// - Throws: ``Problem`` of kind `internalFault` when the key is unknown or the bytes were
    ///   changed or sealed for another place.
    func open(_ sealed: SealedSecret, for place: SecretPlace) throws -> SecretText
}

/// Where a secret belongs: the data that its seal is bound to.
public struct SecretPlace: Hashable, Sendable {
    /// The service or environment that the entry is scoped to.
    public let scope: ConfigEntry.Scope
    /// The entry's key.
    public let key: String

    /// Names a place.
    public init(scope: ConfigEntry.Scope, key: String) {
        self.scope = scope
        self.key = key
    }
}
