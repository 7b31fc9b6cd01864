import Domain

/// Makes lines of the pieces that Docker hands on: secrets replaced, long ones cut.
struct LogText {
    /// The longest line that is sent, in bytes.
    static let lineBytesMax = 8 * 1024
    /// How much of an unfinished line is kept, so that a secret at the cut is still recognised.
    static let keptBytesMax = 64 * 1024

    private let redactor: SecretRedactor
    /// The unfinished lines of standard output and standard error.
    private var open: [Bool: (timestamp: String, bytes: [UInt8])] = [:]

    init(redactor: SecretRedactor) { self.redactor = redactor }

    /// Takes a piece.
    /// - Returns: The line that it ends, if it does.
    mutating func take(_ piece: EngineLogPiece) -> LogLine? {
        var line = open.removeValue(forKey: piece.isStandardError) ?? (piece.timestamp, [])
        line.bytes += piece.bytes.prefix(max(0, LogText.keptBytesMax - line.bytes.count))
        guard piece.bytes.last == UInt8(ascii: "\n") else {
            open[piece.isStandardError] = line
            return nil
        }
        return finished(line, piece.isStandardError)
    }

    /// The lines that never ended, at the stream's end.
    mutating func rest() -> [LogLine] {
        let unfinished = open.sorted { !$0.key && $1.key }
        open = [:]
        return unfinished.map { finished($0.value, $0.key) }
    }

    private func finished(
        _ line: (timestamp: String, bytes: [UInt8]), _ isStandardError: Bool
    ) -> LogLine {
        let text = redactor.redact(LogText.line(line.bytes))
        return LogLine(
            time: RFC3339.time(line.timestamp) ?? Timestamp(microsecondsSince1970: 0),
            text: text.utf8.count <= LogText.lineBytesMax ? text : LogText.cut(text),
            isStandardError: isStandardError)
    }

    private static func cut(_ text: String) -> String {
        String(decoding: text.utf8.prefix(lineBytesMax - 3), as: UTF8.self) + "…"
    }

    /// A piece of output as text: without its line end, and without what a protobuf string or a
    /// terminal would choke on.
    static func line(_ bytes: [UInt8]) -> String {
        var bytes = bytes[...]
        while bytes.last == UInt8(ascii: "\n") || bytes.last == UInt8(ascii: "\r") {
            bytes.removeLast()
        }
        return String(
            decoding: bytes.map { $0 >= 0x20 || $0 == 0x09 ? $0 : 0x20 }, as: UTF8.self)
    }
}
