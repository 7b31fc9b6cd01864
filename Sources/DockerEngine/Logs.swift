import EventLoops

/// Which part of a container's output to read.
public struct LogSelection: Equatable, Sendable {
    /// How many lines from the end; nil for all that is kept.
    public var tail: Int?
    /// Nanoseconds since 1970 from which on.
    public var sinceNanoseconds: Int64?
    /// Whether to stay for what comes, until the container ends.
    public var follows: Bool
    /// Whether each record tells when it was written.
    public var hasTimestamps: Bool

    /// Selects both outputs.
    public init(
        tail: Int? = nil, sinceNanoseconds: Int64? = nil, follows: Bool = false,
        hasTimestamps: Bool = false
    ) {
        self.tail = tail
        self.sinceNanoseconds = sinceNanoseconds
        self.follows = follows
        self.hasTimestamps = hasTimestamps
    }
}

/// A container's output as a stream. Whoever reads slowly makes the engine wait: no more than
/// ``DockerLimits/bufferedBytesMax`` is kept here.
///
/// Ends with the object.
public final class LogStream {
    private let transfer: Transfer
    private var records: LogDemultiplexer

    init(_ transfer: Transfer, hasTimestamps: Bool) {
        self.transfer = transfer
        records = LogDemultiplexer(hasTimestamps: hasTimestamps)
    }

    deinit { transfer.abandon() }

    /// Waits for the next record; nil at the end.
    ///
    /// - Parameter deadline: How long to wait; nil waits until the task is cancelled.
    /// - Throws: `.timedOut` or `.cancelled`, after which the stream goes on; what ended it.
    public func next(within deadline: Duration?) async throws(DockerError) -> LogRecord? {
        let instant = deadline.map { Instant.now().advanced(by: $0) }
        while true {
            do throws(MalformedAnswer) {
                if let record = try records.next() { return record }
            } catch {
                transfer.abandon()
                throw malformed(error.field)
            }
            guard let bytes = try await transfer.nextBytes(until: instant) else {
                guard records.isBetweenRecords else { throw malformed("end inside a record") }
                return nil
            }
            records.append(bytes)
        }
    }

    /// Bytes that have arrived and were not read; libcurl's own aside.
    var bufferedBytes: Int { transfer.bufferedBytes + records.bufferedBytes }

    private func malformed(_ what: String) -> DockerError {
        DockerError(.malformed, operation: transfer.operation, message: "the answer's \(what)")
    }

    /// Ends the stream.
    public func close() { transfer.abandon() }
}

extension DockerRequest {
    static func logs(of id: String, _ selection: LogSelection) -> DockerRequest {
        var query = [
            QueryItem("stdout", "true"), QueryItem("stderr", "true"),
            QueryItem("follow", "\(selection.follows)"),
            QueryItem("timestamps", "\(selection.hasTimestamps)"),
            QueryItem("tail", selection.tail.map { "\($0)" } ?? "all"),
        ]
        if let since = selection.sinceNanoseconds {
            query.append(QueryItem("since", unixTime(nanoseconds: since)))
        }
        return container("read logs", .get, id, "/logs", query: query)
    }
}

extension DockerClient {
    /// Opens a container's output (`GET /containers/{id}/logs`).
    ///
    /// For containers without a terminal, as all are that ``createContainer(_:deadline:)`` makes.
    /// - Parameter deadline: For the beginning of the stream.
    /// - Throws: ``DockerError``: not found.
    public func logs(
        of id: String, _ selection: LogSelection = LogSelection(),
        deadline: Duration = DockerLimits.shortDeadline
    ) async throws(DockerError) -> LogStream {
        let transfer = try await open(
            .logs(of: id, selection), until: Instant.now().advanced(by: deadline))
        return LogStream(transfer, hasTimestamps: selection.hasTimestamps)
    }
}
