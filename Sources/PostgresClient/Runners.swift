/// Runs a use case's statements in one PostgreSQL transaction.
public protocol TransactionRunner {
    /// Opens a transaction, runs `body`, commits.
    ///
    /// Returns only after PostgreSQL has answered COMMIT with COMMIT. When `body` throws, nothing of
    /// it is committed and its error is thrown on. Begin and commit travel with the statements: a
    /// body that waits for no result costs one round trip.
    /// - Throws: What `body` throws, or ``PostgresError``; only `.outcomeUnknown` leaves open whether
    ///   the transaction was committed.
    @discardableResult
    func inTransaction<R>(_ body: (Transaction) async throws -> R) async throws -> R
}

/// Runs statements that need no explicit transaction: reads.
public protocol SessionRunner {
    /// Runs `body` with a connection of its own, then sends what it queued and did not wait for.
    /// - Throws: What `body` throws, or ``PostgresError``.
    @discardableResult
    func inSession<R>(_ body: (Session) async throws -> R) async throws -> R
}
