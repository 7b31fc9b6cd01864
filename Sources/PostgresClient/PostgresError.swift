/// A failed call into PostgreSQL or libpq.
///
/// Carries names and codes only: never a statement's arguments, and never PostgreSQL's DETAIL, HINT
/// or CONTEXT, which repeat them.
public struct PostgresError: Error, Equatable, CustomStringConvertible {
    /// What went wrong, and so what the caller may tell its own caller.
    public enum Kind: Equatable, Sendable {
        /// A new connection could not be made.
        case connectionFailed
        /// The connection died while in use; nothing of the transaction was committed.
        case connectionLost
        /// PostgreSQL cannot be reached at present; returned at once, without waiting.
        case unavailable
        /// Every connection is in use and no more callers may wait, or one waited too long.
        case poolExhausted
        /// The calling task was cancelled; nothing of the transaction was committed.
        case cancelled
        /// COMMIT was sent and its answer never came: all of the transaction happened, or nothing.
        case outcomeUnknown
        /// COMMIT answered ROLLBACK: nothing of the transaction was committed.
        case rolledBack
        /// A prepared statement is gone, or its tables changed under it; nothing of the transaction
        /// was committed. Another connection prepares it anew.
        case statementStale
        /// PostgreSQL refused a statement; `sqlState` says why.
        case serverError
        /// A value is not of the type that was asked for, or a column is missing.
        case decoding
        /// The pool was closed, or a transaction was used after its end.
        case closed
    }

    /// What went wrong.
    public var kind: Kind
    /// The libpq function that reported it, or the operation of ours.
    public var function: String
    /// The five characters of PostgreSQL's SQLSTATE (PostgreSQL manual, appendix A), if it sent any.
    public var sqlState: String?
    /// `ERROR`, `FATAL` or `PANIC`, never translated, if PostgreSQL sent one.
    public var severity: String?
    /// The primary message, for logs; without the values that data exceptions (class 22) quote.
    public var message: String
    /// The violated constraint.
    public var constraintName: String?
    /// The table that the error is about.
    public var tableName: String?
    /// The column that the error is about.
    public var columnName: String?
    /// Whether the server asked for a password, and there was none to send.
    public var wantsPassword = false

    /// Describes a failure of `function`.
    public init(
        _ kind: Kind, function: String, message: String, sqlState: String? = nil,
        severity: String? = nil, constraintName: String? = nil, tableName: String? = nil,
        columnName: String? = nil
    ) {
        self.kind = kind
        self.function = function
        self.message = message
        self.sqlState = sqlState
        self.severity = severity
        self.constraintName = constraintName
        self.tableName = tableName
        self.columnName = columnName
    }

    /// The function, the SQLSTATE and the primary message.
    public var description: String {
        let code = sqlState.map { " \($0)" } ?? ""
        return "\(function): \(kind)\(code): \(message)"
    }

    /// Whether the session that reported this is over.
    var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }

    /// Drops the values that PostgreSQL quotes in the primary message of a data exception, such as
    /// `invalid input syntax for type uuid: "…"`: they are arguments.
    static func safeMessage(_ message: String, sqlState: String?) -> String {
        guard let sqlState, sqlState.hasPrefix("22") else { return message }
        return String(message.prefix { $0 != "\"" && $0 != ":" })
    }
}
