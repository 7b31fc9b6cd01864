import CLibPQ

/// What libpq says one result is.
enum ResultStatus {
    case rows
    case command
    case failed
    case skipped
    case synchronized
    /// COPY and anything else that we never ask for.
    case unexpected
}

/// Owns one PGresult: the rows of one statement, in PostgreSQL's binary format.
@safe package final class ResultSet {
    // Safe: libpq's accessors check row and column bounds themselves; no pointer leaves a method.
    private let result: OpaquePointer
    /// Where to look first for the next column.
    private var likelyColumn: Int32 = 0

    init(adopting result: OpaquePointer) { unsafe self.result = result }

    deinit { unsafe PQclear(result) }

    var status: ResultStatus {
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK: .rows
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .command
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR: .failed
        case PGRES_PIPELINE_ABORTED: .skipped
        case PGRES_PIPELINE_SYNC: .synchronized
        default: .unexpected
        }
    }

    /// The number of rows.
    package var rowCount: Int { Int(unsafe PQntuples(result)) }

    /// The command tag, such as `COMMIT` or `INSERT 0 1`.
    package var commandTag: String { unsafe String(cString: PQcmdStatus(result)) }

    /// Whether the command tag is exactly `tag`.
    func commandTagIs(_ tag: StaticString) -> Bool {
        tag.withUTF8Buffer { expected in
            unsafe equals(PQcmdStatus(result), expected)
        }
    }

    /// The number of rows that an INSERT, UPDATE, DELETE or SELECT affected; zero for others.
    package var affectedRowCount: Int { unsafe Int(String(cString: PQcmdTuples(result))) ?? 0 }

    /// The column of that name, any of them if there are several.
    package func columnIndex(_ name: StaticString) -> Int32? {
        name.withUTF8Buffer { expected in
            let count = unsafe PQnfields(result)
            // Columns tend to be asked for in their order.
            for offset in 0..<count {
                var column = likelyColumn + offset
                if column >= count { column -= count }
                if unsafe equals(PQfname(result, column), expected) {
                    likelyColumn = column + 1
                    return column
                }
            }
            return nil
        }
    }

    /// The type of a column, as in `pg_type.oid`.
    package func typeOID(_ column: Int32) -> UInt32 { unsafe PQftype(result, column) }

    /// Whether a value is SQL NULL.
    package func isNull(_ row: Int, _ column: Int32) -> Bool {
        unsafe PQgetisnull(result, Int32(clamping: row), column) != 0
    }

    /// A copy of a value's bytes.
    package func bytes(_ row: Int, _ column: Int32) -> [UInt8] {
        unsafe withValue(row, column) { unsafe Array($0) }
    }

    /// A value as text; nil when it is not UTF-8.
    package func text(_ row: Int, _ column: Int32) -> String? {
        unsafe withValue(row, column) { value in
            // Safe: the bytes are copied before the closure returns.
            let bytes = unsafe Span(_unsafeElements: value)
            guard let text = try? UTF8Span(validating: bytes) else { return nil }
            return String(copying: text)
        }
    }

    /// A value of 1, 2, 4 or 8 bytes as a signed big-endian integer; nil for other lengths.
    package func integer(_ row: Int, _ column: Int32) -> Int64? {
        unsafe withValue(row, column) { value in
            let bits = unsafe value.reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
            switch value.count {
            case 1: return Int64(Int8(truncatingIfNeeded: bits))
            case 2: return Int64(Int16(truncatingIfNeeded: bits))
            case 4: return Int64(Int32(truncatingIfNeeded: bits))
            case 8: return Int64(bitPattern: bits)
            default: return nil
            }
        }
    }

    /// A value of 16 bytes as two big-endian halves; nil for other lengths.
    package func halves(_ row: Int, _ column: Int32) -> (high: UInt64, low: UInt64)? {
        unsafe withValue(row, column) { value in
            guard value.count == 16 else { return nil }
            return unsafe (
                value.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                value.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
            )
        }
    }

    /// Whether a statement failed because it is not prepared any more, or because its tables changed
    /// since. The SQLSTATE of the latter, 0A000, stands for much else too; the function of
    /// PostgreSQL's that says it is never translated.
    var isOfStaleStatement: Bool {
        field(BERTH_DIAG_SQLSTATE) == "26000"
            || field(BERTH_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery"
    }

    /// The error of a failed result: names and codes; DETAIL, HINT and CONTEXT are never read.
    func error(function: String) -> PostgresError {
        let sqlState = field(BERTH_DIAG_SQLSTATE)
        let message = field(BERTH_DIAG_MESSAGE_PRIMARY)
        guard let sqlState, let message else {
            // Without a SQLSTATE the text is libpq's own, about the connection.
            let text = unsafe String(cString: PQresultErrorMessage(result))
            return PostgresError(.connectionLost, function: function, message: text.firstLine)
        }
        var error = PostgresError(
            .serverError, function: function,
            message: PostgresError.safeMessage(message, sqlState: sqlState), sqlState: sqlState,
            severity: field(BERTH_DIAG_SEVERITY), constraintName: field(BERTH_DIAG_CONSTRAINT_NAME),
            tableName: field(BERTH_DIAG_TABLE_NAME), columnName: field(BERTH_DIAG_COLUMN_NAME))
        if error.isFatal { error.kind = .connectionLost }
        return error
    }

    private func field(_ code: Int) -> String? {
        guard let text = unsafe PQresultErrorField(result, Int32(code)) else { return nil }
        return unsafe String(cString: text)
    }

    private func withValue<Result>(
        _ row: Int, _ column: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        let row = Int32(clamping: row)
        let length = unsafe Int(PQgetlength(result, row, column))
        guard let start = unsafe PQgetvalue(result, row, column) else {
            return unsafe body(UnsafeBufferPointer(start: nil, count: 0))
        }
        // Safe: libpq keeps `length` bytes there as long as the result lives, which is past `body`.
        return unsafe start.withMemoryRebound(to: UInt8.self, capacity: length) {
            unsafe body(UnsafeBufferPointer(start: $0, count: length))
        }
    }

    private func equals(
        _ text: UnsafePointer<CChar>?, _ expected: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard let text = unsafe text else { return false }
        // Safe: both are read up to the first difference, at most up to `text`'s NUL.
        for index in expected.indices {
            if unsafe UInt8(bitPattern: text[index]) != expected[index] { return false }
        }
        return unsafe text[expected.count] == 0
    }
}

extension String {
    /// The text up to the first line break.
    var firstLine: String { String(prefix { !$0.isNewline }) }
}
