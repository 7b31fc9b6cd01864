import Cryptography
import Domain

/// A piece of an answer to a log request, on its way from the loop that has the agent's stream to the
/// loop that has the reader.
enum LogChunk: Hashable, Sendable {
    /// The agent was asked.
    case begun
    /// Lines, oldest first.
    case lines([LogLine])
    /// Nothing comes any more; why, or nothing at the logs' end.
    case end(error: String)

    /// The pieces that carry it, numbered from `sequence`.
    func notices(tailID: String, from sequence: Int) -> [LogChunkNotice] {
        let letters = Array(Base64URL.encode(Array(text.utf8)).utf8)
        let starts = stride(
            from: 0, to: max(letters.count, 1), by: LogChunkNotice.pieceLengthMax)
        return starts.enumerated().map { index, start in
            let end = min(start + LogChunkNotice.pieceLengthMax, letters.count)
            return LogChunkNotice(
                tailID: tailID, sequence: sequence + index, hasMore: end < letters.count,
                piece: String(decoding: letters[start..<end], as: UTF8.self))
        }
    }

    /// Puts pieces together again; nil when they are not what ``notices(tailID:from:)`` makes.
    init?(pieces: [String]) {
        guard let bytes = Base64URL.decode(pieces.joined()),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        self.init(text: text)
    }

    /// A letter for the kind, then the rest: a line of text for each line.
    private var text: String {
        switch self {
        case .begun: "b"
        case .end(let error): "e" + error
        case .lines(let lines):
            "l"
                + lines.map { line in
                    "\(line.time.microsecondsSince1970) \(line.isStandardError ? "e" : "o")"
                        + LogChunk.escaped(line.text)
                }.joined(separator: "\n")
        }
    }

    private init?(text: String) {
        guard let kind = text.unicodeScalars.first else { return nil }
        let rest = String(text.unicodeScalars.dropFirst())
        switch kind {
        case "b": self = .begun
        case "e": self = .end(error: rest)
        case "l":
            var lines: [LogLine] = []
            for part in rest.utf8.split(separator: UInt8(ascii: "\n")) {
                guard let line = LogChunk.line(Substring(part)) else { return nil }
                lines.append(line)
            }
            self = .lines(lines)
        default: return nil
        }
    }

    private static func line(_ text: Substring) -> LogLine? {
        let parts = text.utf8.split(
            separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(Substring(parts[0])),
            let stream = parts[1].first,
            stream == UInt8(ascii: "e") || stream == UInt8(ascii: "o")
        else { return nil }
        return LogLine(
            time: Timestamp(microsecondsSince1970: time),
            text: unescaped(parts[1].dropFirst()), isStandardError: stream == UInt8(ascii: "e"))
    }

    /// No line feed is left in it: one in a line's text must not begin a line.
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func unescaped(_ text: some Sequence<UInt8>) -> String {
        var bytes: [UInt8] = []
        var isEscape = false
        for byte in text {
            if isEscape {
                bytes.append(byte == UInt8(ascii: "n") ? UInt8(ascii: "\n") : byte)
                isEscape = false
            } else if byte == UInt8(ascii: "\\") {
                isEscape = true
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
