/// One PostgreSQL transaction that is open while the body given to
/// ``TransactionRunner/inTransaction(_:)`` runs.
///
/// Opaque: modules pass it between each other; only stores, which import `SQL`, can use it. Using it
/// after the body has returned fails with `.closed`.
public final class Transaction {
    package let queue: StatementQueue
    private var notifications: [(channel: String, payload: String)] = []

    init(_ connection: PipelinedConnection?) {
        queue = StatementQueue(connection, mode: .transaction)
    }

    /// A transaction without a connection, for fakes: whatever is sent on it fails with `.closed`.
    public static func disconnected() -> Transaction { Transaction(nil) }

    /// How many times this transaction has waited for the server, COMMIT and ROLLBACK included.
    public var roundTrips: Int { queue.roundTrips }

    /// Sends `NOTIFY channel, payload` in the same round trip as COMMIT and after it, only if it
    /// succeeds.
    ///
    /// Best effort: its failure is not reported, and a crash may lose it. At most
    /// ``notificationsMax`` a transaction are sent.
    public func notifyAfterCommit(_ channel: String, _ payload: String = "") {
        guard notifications.count < Transaction.notificationsMax else { return }
        notifications.append((channel, payload))
    }

    /// What PostgreSQL stores of a password, as `ALTER ROLE … PASSWORD` takes it: so that the
    /// password itself is in no statement and in no log. A salted SCRAM-SHA-256 verifier (libpq's
    /// `PQencryptPasswordConn`).
    ///
    /// - Throws: ``PostgresError`` `.closed` without a connection; `.serverError` when libpq cannot.
    public func scramVerifier(
        of password: String, for user: String
    ) throws(PostgresError) -> String {
        guard let handle = queue.connection?.handle else {
            throw PostgresError(
                .closed, function: "PQencryptPasswordConn", message: "there is no connection")
        }
        guard let verifier = handle.scramVerifier(of: password, for: user) else {
            throw handle.error(.serverError, "PQencryptPasswordConn")
        }
        return verifier
    }

    /// Notifications that one transaction may send.
    public static let notificationsMax = 64

    /// Whatever the database's default is: the schema's functions (quotas, pins) look again behind
    /// their locks, and see what others committed meanwhile in READ COMMITTED alone.
    func begin() {
        _ = queue.append("berth_begin", "BEGIN ISOLATION LEVEL READ COMMITTED")
    }

    /// Sends COMMIT and what is queued, and waits.
    ///
    /// - Throws: The first statement's failure, `.cancelled`, `.rolledBack` or what made the
    ///   connection fail before COMMIT: nothing was committed. `.outcomeUnknown`: COMMIT was on its
    ///   way when the connection died or the task's time to drain ended.
    func commit() async throws {
        if let failure = queue.failure { throw failure }
        try queue.checkCancellation()
        if let connection = queue.connection, connection.handle == nil {
            throw connection.lossError
        }
        let commit = queue.append("berth_commit", "COMMIT")
        for notification in notifications { append(notification) }
        await queue.roundTrip()
        switch commit.state {
        case .done(let result) where result.commandTagIs("COMMIT"):
            return
        case .done:
            throw PostgresError(
                .rolledBack, function: "COMMIT", message: "the server answered ROLLBACK")
        case .failed(let error) where error.severity == "ERROR":
            // Such as a deferred constraint: COMMIT did not happen.
            throw queue.failure ?? error
        case .failed(let error):
            // What the server itself said of an earlier statement, it said before it saw COMMIT.
            if let failure = queue.failure, queue.serverReportedFailure(before: commit) {
                throw failure
            }
            throw unknownOutcome(error)
        case .skipped:
            throw queue.failure ?? unknownOutcome(nil)
        case .unsent, .sent:
            throw unknownOutcome(nil)
        }
    }

    private func unknownOutcome(_ cause: PostgresError?) -> PostgresError {
        PostgresError(
            .outcomeUnknown, function: "COMMIT", message: cause?.message ?? "no answer to COMMIT",
            sqlState: cause?.sqlState, severity: cause?.severity)
    }

    private func append(_ notification: (channel: String, payload: String)) {
        // Nobody waits for this transaction of its own to reach the disk.
        _ = queue.append(
            "berth_notify",
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
            types: [0, 0],
            encode: { parameters, _ in
                parameters.appendText(notification.channel)
                parameters.appendText(notification.payload)
            }
        )
    }
}
