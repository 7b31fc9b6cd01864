public import Domain
public import PostgresClient

/// Keeps audit events.
public protocol AuditStore {
    /// Queues the insert of one event on the transaction.
    func insertWithinTx(_ tx: Transaction, id: AuditEventID, _ entry: AuditEntry) async throws
}
