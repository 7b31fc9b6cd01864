/// One SQL statement of the program, prepared once on each connection that uses it.
///
/// Constant: arguments are parameters (`$1`, …), never text.
public struct Statement: Sendable {
    /// What PostgreSQL's logs and `pg_prepared_statements` call it; unique in the program.
    public let name: StaticString
    /// The text, one statement.
    public let sql: StaticString

    /// Names a statement.
    public init(_ name: StaticString, _ sql: StaticString) {
        self.name = name
        self.sql = sql
    }

    /// Names a statement.
    public init(name: StaticString, sql: StaticString) { self.init(name, sql) }
}
