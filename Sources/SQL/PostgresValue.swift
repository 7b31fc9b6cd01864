/// An argument of a statement.
///
/// Fixed types travel in binary format with their type named; text goes untyped, so that PostgreSQL
/// infers the type where it stands: an enum, jsonb or inet parameter takes `.text` too.
public enum PostgresValue: Sendable {
    /// SQL NULL of whatever type is expected.
    case null
    /// Text, or the text form of any other type. A NUL in it is refused by PostgreSQL.
    case text(String)
    /// `uuid`.
    case uuid(UUIDBytes)
    /// `integer`.
    case int32(Int32)
    /// `bigint`.
    case int64(Int64)
    /// `boolean`.
    case bool(Bool)
    /// `bytea`.
    case bytes([UInt8])
    /// `timestamptz`, in microseconds since 1970-01-01 00:00:00 UTC.
    case timestamp(microsecondsSince1970: Int64)
    /// `text[]` without NULLs.
    case textArray([String])

    /// `.null` for nil, else what `make` makes of the value.
    public static func optional<Value>(
        _ value: Value?, _ make: (Value) -> PostgresValue
    ) -> PostgresValue {
        value.map(make) ?? .null
    }
}
