/// One statement on its way: queued, sent, answered.
package final class PendingStatement {
    enum State {
        case unsent
        case sent
        case done(ResultSet)
        /// PostgreSQL or the connection failed it.
        case failed(PostgresError)
        /// A statement before it in the pipeline failed, so PostgreSQL did not run it.
        case skipped
    }

    let prepared: PreparedStatement
    /// Its arguments' places in the connection's parameter buffer, until it is sent.
    let arguments: Range<Int>
    private let onFailure: ((PostgresError) -> any Error)?
    var state = State.unsent

    init(
        _ prepared: PreparedStatement, arguments: Range<Int>,
        onFailure: ((PostgresError) -> any Error)? = nil
    ) {
        self.prepared = prepared
        self.arguments = arguments
        self.onFailure = onFailure
    }

    var isSettled: Bool {
        switch state {
        case .unsent, .sent: false
        case .done, .failed, .skipped: true
        }
    }

    var isFailed: Bool {
        if case .failed = state { return true }
        return false
    }

    /// The error to throw for it, in the words of whoever sent the statement; nil unless it failed.
    var failure: (any Error)? {
        guard case .failed(let error) = state else { return nil }
        guard error.kind == .serverError, let onFailure else { return error }
        return onFailure(error)
    }
}
