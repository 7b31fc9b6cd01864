public import PostgresClient

/// One row of a result; columns are found by name.
///
/// Each accessor throws ``PostgresError`` `.decoding` when the column is missing, NULL or of another
/// type; those that end in `IfPresent` give nil for NULL. Values are copied when asked for.
public struct Row {
    let result: ResultSet
    let index: Int

    /// `text`, `varchar`, `name`, `json`, `jsonb` or an enum.
    public func text(_ column: StaticString) throws(PostgresError) -> String {
        try present(column, try textIfPresent(column))
    }

    /// Like ``text(_:)``, nil for NULL.
    public func textIfPresent(_ column: StaticString) throws(PostgresError) -> String? {
        guard let place = try place(column) else { return nil }
        let type = result.typeOID(place)
        guard TypeOID.isText(type) || type == TypeOID.jsonb else { throw mismatch(column, "text") }
        guard let text = result.text(index, place) else { throw mismatch(column, "UTF-8 text") }
        // The binary form of jsonb is a version byte and the text.
        return type == TypeOID.jsonb ? String(text.dropFirst()) : text
    }

    /// `uuid`.
    public func uuid(_ column: StaticString) throws(PostgresError) -> UUIDBytes {
        try present(column, try uuidIfPresent(column))
    }

    /// Like ``uuid(_:)``, nil for NULL.
    public func uuidIfPresent(_ column: StaticString) throws(PostgresError) -> UUIDBytes? {
        guard let place = try place(column) else { return nil }
        guard result.typeOID(place) == TypeOID.uuid, let halves = result.halves(index, place) else {
            throw mismatch(column, "uuid")
        }
        return UUIDBytes(high: halves.high, low: halves.low)
    }

    /// `smallint`, `integer` or `bigint`.
    public func int64(_ column: StaticString) throws(PostgresError) -> Int64 {
        try present(column, try int64IfPresent(column))
    }

    /// Like ``int64(_:)``, nil for NULL.
    public func int64IfPresent(_ column: StaticString) throws(PostgresError) -> Int64? {
        try integer(column, "bigint", [TypeOID.int8, TypeOID.int4, TypeOID.int2])
    }

    /// `smallint` or `integer`.
    public func int32(_ column: StaticString) throws(PostgresError) -> Int32 {
        try present(column, try int32IfPresent(column))
    }

    /// Like ``int32(_:)``, nil for NULL.
    public func int32IfPresent(_ column: StaticString) throws(PostgresError) -> Int32? {
        try integer(column, "integer", [TypeOID.int4, TypeOID.int2]).map(
            Int32.init(truncatingIfNeeded:))
    }

    /// `boolean`.
    public func bool(_ column: StaticString) throws(PostgresError) -> Bool {
        try present(column, try boolIfPresent(column))
    }

    /// Like ``bool(_:)``, nil for NULL.
    public func boolIfPresent(_ column: StaticString) throws(PostgresError) -> Bool? {
        try integer(column, "boolean", [TypeOID.bool]).map { $0 != 0 }
    }

    /// `bytea`.
    public func bytes(_ column: StaticString) throws(PostgresError) -> [UInt8] {
        try present(column, try bytesIfPresent(column))
    }

    /// Like ``bytes(_:)``, nil for NULL.
    public func bytesIfPresent(_ column: StaticString) throws(PostgresError) -> [UInt8]? {
        guard let place = try place(column) else { return nil }
        guard result.typeOID(place) == TypeOID.bytea else { throw mismatch(column, "bytea") }
        return result.bytes(index, place)
    }

    /// `timestamptz`, or `timestamp` taken as UTC, in microseconds since 1970-01-01 00:00:00 UTC;
    /// `infinity` is `Int64.max`, `-infinity` is `Int64.min`.
    public func timestamp(_ column: StaticString) throws(PostgresError) -> Int64 {
        try present(column, try timestampIfPresent(column))
    }

    /// Like ``timestamp(_:)``, nil for NULL.
    public func timestampIfPresent(_ column: StaticString) throws(PostgresError) -> Int64? {
        let types = [TypeOID.timestamptz, TypeOID.timestamp]
        guard let value = try integer(column, "timestamptz", types) else { return nil }
        guard value != .max, value != .min else { return value }
        let (sum, overflow) = value.addingReportingOverflow(TypeOID.microsecondsFrom1970To2000)
        return overflow ? .max : sum
    }

    /// `text[]` of one dimension, without NULLs.
    public func textArray(_ column: StaticString) throws(PostgresError) -> [String] {
        try present(column, try textArrayIfPresent(column))
    }

    /// Like ``textArray(_:)``, nil for NULL.
    public func textArrayIfPresent(_ column: StaticString) throws(PostgresError) -> [String]? {
        guard let place = try place(column) else { return nil }
        guard TypeOID.isTextArray(result.typeOID(place)),
            let elements = BinaryTextArray.decode(result.bytes(index, place))
        else { throw mismatch(column, "text[]") }
        return elements
    }

    // MARK: Finding the value

    /// The column's place, or nil when the value is NULL.
    private func place(_ column: StaticString) throws(PostgresError) -> Int32? {
        guard let place = result.columnIndex(column) else {
            throw decodingError(column, "the result has no such column")
        }
        return result.isNull(index, place) ? nil : place
    }

    private func integer(
        _ column: StaticString, _ wanted: String, _ types: [UInt32]
    ) throws(PostgresError) -> Int64? {
        guard let place = try place(column) else { return nil }
        guard types.contains(result.typeOID(place)), let value = result.integer(index, place) else {
            throw mismatch(column, wanted)
        }
        return value
    }

    private func present<Value>(
        _ column: StaticString, _ value: Value?
    ) throws(PostgresError) -> Value {
        guard let value else { throw decodingError(column, "the value is NULL") }
        return value
    }

    private func mismatch(_ column: StaticString, _ wanted: String) -> PostgresError {
        decodingError(column, "the column is not \(wanted)")
    }

    private func decodingError(_ column: StaticString, _ why: String) -> PostgresError {
        PostgresError(.decoding, function: "Row", message: why, columnName: "\(column)")
    }
}
