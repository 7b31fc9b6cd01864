public import Domain
public import PostgresClient

/// The trail of who did what.
public struct AuditModule {
    private let store: any AuditStore

    /// Assembles the module.
    public init(store: any AuditStore = PostgresAuditStore()) {
        self.store = store
    }

    /// Records an event in the caller's transaction: no event, no commit, and the other way round.
    public func recordWithinTx(_ tx: Transaction, _ entry: AuditEntry) async throws {
        try await store.insertWithinTx(tx, id: AuditEventID.new(at: entry.at), entry)
    }
}
