import CLibPQ
import Glibc

/// What a connection that is being opened waits for next.
enum ConnectProgress {
    case waitsToRead
    case waitsToWrite
    case done
    case failed
}

/// Owns one PGconn and speaks libpq's non-blocking calls; finishes the connection in deinit.
///
/// Reports failures as `false` or nil; ``error(_:_:)`` then holds libpq's text.
@safe final class ConnectionHandle {
    // Safe: never nil, never copied out, used on one thread, finished exactly once, in deinit.
    private let connection: OpaquePointer
    private var arguments = LibPQArguments()

    /// Begins to connect (`PQconnectStartParams`); continue with ``connectPoll()``.
    /// - Throws: `.connectionFailed` when libpq cannot even begin.
    init(_ settings: ConnectionSettings) throws(PostgresError) {
        let pairs = settings.values.sorted { $0.key < $1.key }
        // Safe: the copies live until after the call, which copies them again.
        let keywords = unsafe pairs.map { unsafe UnsafePointer(strdup($0.key)) } + [nil]
        let texts = unsafe pairs.map { unsafe UnsafePointer(strdup($0.value)) } + [nil]
        defer {
            unsafe keywords.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) }
            unsafe texts.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) }
        }
        guard let connection = unsafe PQconnectStartParams(keywords, texts, 0) else {
            throw PostgresError(
                .connectionFailed, function: "PQconnectStartParams", message: "out of memory")
        }
        unsafe self.connection = connection
        guard unsafe PQstatus(connection) != CONNECTION_BAD else {
            throw error(.connectionFailed, "PQconnectStartParams")
        }
        // libpq tells why a connection was refused as text alone; this puts the SQLSTATE into it.
        _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        // By default libpq prints notices to stderr, and they can repeat arguments.
        unsafe PQsetNoticeReceiver(connection, { _, _ in }, nil)
    }

    deinit { unsafe PQfinish(connection) }

    /// The socket to watch; it may change with each ``connectPoll()``. Negative when there is none.
    var socket: Int32 { unsafe PQsocket(connection) }

    func connectPoll() -> ConnectProgress {
        switch unsafe PQconnectPoll(connection) {
        case PGRES_POLLING_READING: .waitsToRead
        case PGRES_POLLING_WRITING: .waitsToWrite
        case PGRES_POLLING_OK: .done
        default: .failed
        }
    }

    func setNonBlocking() -> Bool { unsafe PQsetnonblocking(connection, 1) == 0 }
    func enterPipelineMode() -> Bool { unsafe PQenterPipelineMode(connection) == 1 }
    func exitPipelineMode() -> Bool { unsafe PQexitPipelineMode(connection) == 1 }

    var isAlive: Bool { unsafe PQstatus(connection) == CONNECTION_OK }
    var isInPipelineMode: Bool { unsafe PQpipelineStatus(connection) == PQ_PIPELINE_ON }
    /// Whether the server let this connection in by a password.
    var usedPassword: Bool { unsafe PQconnectionUsedPassword(connection) == 1 }
    /// Whether the server is outside of any transaction and nothing is running.
    var isIdle: Bool { unsafe PQtransactionStatus(connection) == PQTRANS_IDLE }

    /// What PostgreSQL stores of a password: a salted SCRAM-SHA-256 verifier, worked out here. Takes
    /// milliseconds, as it shall.
    func scramVerifier(of password: String, for user: String) -> String? {
        // Safe: the texts are NUL-terminated copies that live for the call; the answer is ours to free.
        guard
            let text = unsafe PQencryptPasswordConn(connection, password, user, "scram-sha-256")
        else { return nil }
        defer { unsafe PQfreemem(text) }
        return unsafe String(cString: text)
    }

    /// Whether the server said that it refuses to write.
    var isReadOnly: Bool {
        reportsOn("in_hot_standby") || reportsOn("default_transaction_read_only")
    }

    /// Whether the server last reported a setting as on; it reports each change by itself.
    private func reportsOn(_ setting: StaticString) -> Bool {
        // Safe: a StaticString ends with a NUL; the value is read up to its own.
        let name = unsafe UnsafeRawPointer(setting.utf8Start).assumingMemoryBound(to: CChar.self)
        guard let value = unsafe PQparameterStatus(connection, name) else { return false }
        return unsafe strcmp(value, "on") == 0
    }

    /// Reads what has arrived (`PQconsumeInput`); false when the connection is broken.
    func consumeInput() -> Bool { unsafe PQconsumeInput(connection) == 1 }

    /// Whether ``nextResult()`` would block.
    var isBusy: Bool { unsafe PQisBusy(connection) == 1 }

    /// The next result, or nil at the end of one statement's results. Call only when not busy.
    func nextResult() -> ResultSet? {
        guard let result = unsafe PQgetResult(connection) else { return nil }
        return unsafe ResultSet(adopting: result)
    }

    /// The channel and payload of the next notification that has arrived.
    func nextNotification() -> (channel: String, payload: String)? {
        // Safe: ours to free after both strings are copied.
        guard let notify = unsafe PQnotifies(connection) else { return nil }
        defer { unsafe PQfreemem(notify) }
        return unsafe (
            String(cString: notify.pointee.relname), String(cString: notify.pointee.extra)
        )
    }

    enum FlushProgress {
        case done
        case pending
        case failed
    }

    func flush() -> FlushProgress {
        switch unsafe PQflush(connection) {
        case 0: .done
        case 1: .pending
        default: .failed
        }
    }

    /// Queues the preparation of a statement.
    func sendPrepare(_ statement: PreparedStatement) -> Bool {
        // Safe: the texts are NUL-terminated copies that live for the call; libpq copies all.
        unsafe PQsendPrepare(
            connection, statement.serverName, statement.sql,
            Int32(statement.typeOIDs.count), statement.typeOIDs) == 1
    }

    /// Queues the execution of a prepared statement, results in binary format.
    func sendExecute(
        _ statement: PreparedStatement, _ parameters: ParameterBuffer, _ range: Range<Int>
    ) -> Bool {
        // Safe: the pointers go into `parameters`, which outlives the call; libpq copies.
        unsafe parameters.bytes.withUnsafeBytes { bytes in
            unsafe arguments.lend(parameters.entries[range], in: bytes) {
                values, lengths, formats in
                unsafe PQsendQueryPrepared(
                    connection, statement.serverName, Int32(range.count), values, lengths, formats,
                    1) == 1
            }
        }
    }

    /// Queues a Sync and starts to write.
    func sendSync() -> Bool { unsafe PQpipelineSync(connection) == 1 }

    /// Sends SQL text by the simple protocol, outside of pipeline mode.
    func sendScript(_ sql: String) -> Bool { unsafe PQsendQuery(connection, sql) == 1 }

    /// What a worker needs to cancel the running statement.
    func cancelRequest() -> CancelRequest? {
        guard let cancel = unsafe PQgetCancel(connection) else { return nil }
        return unsafe CancelRequest(adopting: cancel)
    }

    /// libpq's own text, about the connection, never about arguments.
    func error(_ kind: PostgresError.Kind, _ function: String) -> PostgresError {
        let text = unsafe String(cString: PQerrorMessage(connection)).firstLine
        let (message, sqlState) = ConnectionHandle.parted(text)
        var error = PostgresError(
            kind, function: function, message: message.isEmpty ? "no reason given" : message,
            sqlState: sqlState)
        error.wantsPassword = unsafe PQconnectionNeedsPassword(connection) == 1
        return error
    }

    /// Takes the SQLSTATE out of a verbose message, where it follows the severity:
    /// `… FATAL:  28P01: password authentication failed`.
    static func parted(_ text: String) -> (message: String, sqlState: String?) {
        guard let gap = text.firstRange(of: ":  ") else { return (text, nil) }
        let rest = text[gap.upperBound...]
        let code = rest.prefix(5)
        let isCode =
            code.utf8.count == 5
            && code.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
            }
        let tail = rest.dropFirst(5)
        guard isCode, tail.hasPrefix(": ") else { return (text, nil) }
        return (String(text[..<gap.upperBound] + tail.dropFirst(2)), String(code))
    }
}
