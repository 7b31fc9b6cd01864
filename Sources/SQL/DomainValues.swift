public import Domain
public import PostgresClient

// How the domain's values are bound to parameters and read from rows.

extension PostgresValue {
    /// An id as `uuid`.
    public static func id<Kind>(_ id: Identifier<Kind>) -> PostgresValue {
        .uuid(UUIDBytes(high: id.high, low: id.low))
    }

    /// A time as `timestamptz`.
    public static func time(_ time: Timestamp) -> PostgresValue {
        .timestamp(microsecondsSince1970: time.microsecondsSince1970)
    }
}

extension Row {
    /// The id in a `uuid` column that is not null.
    /// - Throws: `PostgresError` of kind `decoding`.
    public func id<Kind>(_ column: StaticString) throws(PostgresError) -> Identifier<Kind> {
        let value = try uuid(column)
        return Identifier(high: value.high, low: value.low)
    }

    /// The id in a `uuid` column, or `nil` when it is null.
    /// - Throws: `PostgresError` of kind `decoding`.
    public func idIfPresent<Kind>(
        _ column: StaticString
    ) throws(PostgresError) -> Identifier<Kind>? {
        try uuidIfPresent(column).map { Identifier(high: $0.high, low: $0.low) }
    }

    /// The time in a `timestamptz` column that is not null.
    /// - Throws: `PostgresError` of kind `decoding`.
    public func time(_ column: StaticString) throws(PostgresError) -> Timestamp {
        Timestamp(microsecondsSince1970: try timestamp(column))
    }

    /// The time in a `timestamptz` column, or `nil` when it is null.
    /// - Throws: `PostgresError` of kind `decoding`.
    public func timeIfPresent(_ column: StaticString) throws(PostgresError) -> Timestamp? {
        try timestampIfPresent(column).map { Timestamp(microsecondsSince1970: $0) }
    }
}
