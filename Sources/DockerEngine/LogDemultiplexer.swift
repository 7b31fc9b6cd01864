/// One of a container's two outputs.
public enum LogSource: Equatable, Sendable {
    /// Standard output.
    case output
    /// Standard error.
    case error
}

/// A piece of a container's output: one line as it was written, its end included, or a part of one
/// that is longer than 16 KiB.
public struct LogRecord: Equatable, Sendable {
    /// Which output.
    public let source: LogSource
    /// When (RFC 3339, nanoseconds), if timestamps were asked for.
    public let timestamp: String?
    /// What the program wrote; any bytes.
    public let bytes: [UInt8]
}

/// Parts Docker's two outputs in one stream: before each piece 8 bytes, the first of which says
/// whose it is and the last four, highest first, how long.
struct LogDemultiplexer {
    /// A record that is longer is handed on in pieces of this size.
    static let recordBytesMax = 64 * 1024
    private static let headerBytes = 8

    private let hasTimestamps: Bool
    private var bytes: [UInt8] = []
    private var start = 0
    /// What is left of a record of which pieces were handed on.
    private var open: (source: LogSource, timestamp: String?, left: Int)?

    init(hasTimestamps: Bool) { self.hasTimestamps = hasTimestamps }

    /// Whether the stream may end here.
    var isBetweenRecords: Bool { open == nil && start == bytes.count }

    /// Bytes that wait.
    var bufferedBytes: Int { bytes.count - start }

    /// Takes bytes, however they were cut.
    mutating func append(_ more: [UInt8]) {
        bytes.removeFirst(start)
        start = 0
        bytes += more
    }

    /// The next record; nil when more bytes are needed.
    /// - Throws: ``MalformedAnswer`` for bytes that are no such header.
    mutating func next() throws(MalformedAnswer) -> LogRecord? {
        if let (source, timestamp, left) = open {
            let piece = min(left, LogDemultiplexer.recordBytesMax)
            guard bytes.count - start >= piece else { return nil }
            open = left == piece ? nil : (source, timestamp, left - piece)
            return LogRecord(source: source, timestamp: timestamp, bytes: take(piece))
        }
        guard bytes.count - start >= LogDemultiplexer.headerBytes else { return nil }
        let header = bytes[start..<start + LogDemultiplexer.headerBytes]
        guard header.dropFirst().prefix(3).allSatisfy({ $0 == 0 }) else {
            throw MalformedAnswer(field: "log header")
        }
        let source = try LogDemultiplexer.source(bytes[start])
        let length = header.suffix(4).reduce(0) { $0 << 8 | Int($1) }
        let piece = min(length, LogDemultiplexer.recordBytesMax)
        guard bytes.count - start >= LogDemultiplexer.headerBytes + piece else { return nil }
        start += LogDemultiplexer.headerBytes
        var content = take(piece)
        var timestamp: String?
        if hasTimestamps, let space = content.prefix(64).firstIndex(of: UInt8(ascii: " ")) {
            timestamp = String(decoding: content[..<space], as: UTF8.self)
            content.removeFirst(space + 1)
        }
        if piece < length { open = (source, timestamp, length - piece) }
        return LogRecord(source: source, timestamp: timestamp, bytes: content)
    }

    private mutating func take(_ count: Int) -> [UInt8] {
        defer { start += count }
        return Array(bytes[start..<start + count])
    }

    private static func source(_ byte: UInt8) throws(MalformedAnswer) -> LogSource {
        switch byte {
        // 0 is standard input, which the engine writes to standard output.
        case 0, 1: .output
        // 3 is what the engine itself has to say.
        case 2, 3: .error
        default: throw MalformedAnswer(field: "log header")
        }
    }
}
