import PostgresClient

/// One SQL statement of the program, prepared once on each connection that uses it.
///
/// Constant: arguments are parameters (`$1`, …), never text.
public struct Statement: Sendable {
    /// What PostgreSQL's logs and `pg_prepared_statements` call it; unique in the program.
    public let name: StaticString
    /// The text, or where it begins.
    let head: StaticString
    /// What comes behind ``head``; empty when that is all.
    let tail: StaticString

    /// Names a statement.
    ///
    /// - Parameters:
    ///   - head: The text, or a beginning that several statements share, such as the columns that
    ///     they read.
    ///   - tail: The rest of the text, put behind a space.
    public init(_ name: StaticString, _ head: StaticString, _ tail: StaticString = "") {
        self.name = name
        self.head = head
        self.tail = tail
    }

    /// The text, one statement.
    public var sql: String { PreparedStatement.sql(head, tail) }
}
