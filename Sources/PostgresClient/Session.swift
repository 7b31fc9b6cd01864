/// A connection of one's own for statements without an explicit transaction, while the body given
/// to ``SessionRunner/inSession(_:)`` runs.
///
/// What is sent between two waits is one implicit transaction: all of it happens, or nothing. After
/// `.connectionLost` or `.cancelled` a statement that writes may still have happened: writes whose
/// outcome matters belong in a ``Transaction``.
public final class Session {
    package let queue: StatementQueue

    init(_ connection: PipelinedConnection?) {
        queue = StatementQueue(connection, mode: .session)
    }

    fileprivate init(of queue: StatementQueue) { self.queue = queue }

    /// A session without a connection, for fakes: whatever is sent on it fails with `.closed`.
    public static func disconnected() -> Session { Session(nil) }

    /// Whether the server let this session's connection in by a password, and not by trust.
    public var usedPassword: Bool { queue.connection?.handle?.usedPassword ?? false }

    /// How many times this session has waited for the server.
    public var roundTrips: Int { queue.roundTrips }

    /// Sends what is still queued and waits.
    /// - Throws: The first failure that nobody was told of.
    func finish() async throws {
        if queue.hasUnsent {
            try queue.checkCancellation()
            await queue.roundTrip()
        }
        if let failure = queue.failure { throw failure }
    }
}

extension Transaction {
    /// The same connection for what reads from a session: it sees what the transaction has written,
    /// and what fails there ends the transaction.
    public var reads: Session { Session(of: queue) }
}
