/// The statements of one transaction or session: queued without waiting, sent together when someone
/// waits.
///
/// Nothing reaches libpq before that: a body that throws before it waits has cost no round trip.
package final class StatementQueue {
    enum Mode {
        case transaction
        case session
    }

    let mode: Mode
    let connection: PipelinedConnection?
    /// Sends to the server that were waited for.
    private(set) var roundTrips = 0
    /// The first failure that nobody was told of (session), or the failure that ends it
    /// (transaction).
    private(set) var failure: (any Error)?
    private var firstFailed: PendingStatement?
    var isEnded = false
    private var unsent: [PendingStatement] = []

    init(_ connection: PipelinedConnection?, mode: Mode) {
        self.connection = connection
        self.mode = mode
    }

    var hasUnsent: Bool { !unsent.isEmpty }
    /// Whether anything reached the server.
    var hasSent: Bool { roundTrips > 0 }

    /// Queues a statement.
    ///
    /// - Parameter tail: What comes behind a shared beginning; see ``PreparedStatement``.
    /// - Parameter types: The arguments' types (`pg_type.oid`), zero for text and NULL.
    /// - Parameter encode: Appends the arguments in the order of the types it is given; a value
    ///   whose type differs goes in text format, which PostgreSQL converts.
    package func append(
        _ name: StaticString, _ head: StaticString, _ tail: StaticString = "",
        types: [UInt32] = [],
        onFailure: ((PostgresError) -> any Error)? = nil,
        encode: (inout ParameterBuffer, [UInt32]) -> Void = { _, _ in }
    ) -> PendingStatement {
        guard let connection, !isEnded else {
            return StatementQueue.refused(connection == nil ? "disconnected" : "used after its end")
        }
        let prepared = connection.prepared.find(name, head, tail, types: types)
        let start = connection.parameters.count
        encode(&connection.parameters, prepared.typeOIDs)
        let statement = PendingStatement(
            prepared, arguments: start..<connection.parameters.count, onFailure: onFailure)
        unsent.append(statement)
        return statement
    }

    private static func refused(_ why: String) -> PendingStatement {
        let prepared = PreparedStatement(serverName: "", sql: "", typeOIDs: [])
        let statement = PendingStatement(prepared, arguments: 0..<0)
        statement.state = .failed(
            PostgresError(.closed, function: "send", message: "the transaction is \(why)"))
        return statement
    }

    /// Waits for a statement's result; everything queued is sent first.
    /// - Throws: The error of the first statement that failed before it or of itself.
    package func result(of statement: PendingStatement) async throws -> ResultSet {
        if !statement.isSettled {
            if let failure, mode == .transaction { throw failure }
            try checkCancellation()
            await roundTrip()
        }
        switch statement.state {
        case .done(let result):
            return result
        case .failed(let error):
            throw report(statement.failure ?? error)
        case .skipped:
            throw report(failure ?? StatementQueue.skippedError)
        case .unsent, .sent:
            throw StatementQueue.skippedError
        }
    }

    /// A session's failure is told once; a transaction's stays, for it ends the transaction.
    private func report(_ error: any Error) -> any Error {
        if mode == .session { failure = nil }
        return error
    }

    func checkCancellation() throws(PostgresError) {
        guard Task.isCancelled else { return }
        throw PostgresError(.cancelled, function: "wait", message: "the task was cancelled")
    }

    /// Sends what is queued and waits for all its answers.
    func roundTrip() async {
        guard let connection else { return }
        let segment = unsent
        unsent.removeAll(keepingCapacity: true)
        let sync = connection.send(segment)
        roundTrips += 1
        await connection.wait(for: sync)
        guard failure == nil || mode == .session else { return }
        guard let failed = segment.first(where: \.isFailed) else { return }
        firstFailed = failed
        failure = failed.failure
    }

    /// Sends ROLLBACK and waits for it, cancelled or not.
    func rollBack(_ rollback: PendingStatement) async {
        guard let connection else { return }
        unsent.removeAll()
        let sync = connection.send([rollback])
        roundTrips += 1
        await connection.waitUninterrupted(for: sync)
    }

    /// Whether the server answered a statement before `statement` with an error of its own, rather
    /// than by silence.
    func serverReportedFailure(before statement: PendingStatement) -> Bool {
        guard let firstFailed, firstFailed !== statement else { return false }
        guard case .failed(let error) = firstFailed.state else { return false }
        return error.sqlState != nil
    }

    /// Runs a script after what is queued.
    package func runScript(_ sql: String) async throws {
        guard let connection, !isEnded else {
            throw PostgresError(.closed, function: "send", message: "the transaction is over")
        }
        if hasUnsent { await roundTrip() }
        if let failure { throw report(failure) }
        try checkCancellation()
        roundTrips += 1
        do throws(PostgresError) {
            try await connection.runScript(sql)
        } catch {
            if mode == .transaction { failure = error }
            throw error
        }
    }

    /// Forgets what was queued and not sent.
    func dropUnsent() {
        unsent.removeAll()
        connection?.parameters.removeAll()
    }

    private static var skippedError: PostgresError {
        PostgresError(
            .connectionLost, function: "PQgetResult", message: "skipped after an earlier failure")
    }
}
