/// Makes one line for people of text that came from outside.
enum PlainLine {
    /// Control characters become spaces, the ends are trimmed, and what is too long is cut between
    /// two characters.
    static func of(_ text: String, lengthMax: Int) -> String {
        var line = ""
        var length = 0
        for character in text {
            let plain =
                character.unicodeScalars.contains { $0.properties.generalCategory == .control }
                ? " " : character
            length += plain.utf8.count
            guard length <= lengthMax else { break }
            line.append(plain)
        }
        return trimmed(line)
    }

    /// A word for programs: upper-case letters, digits and underscores; `UNKNOWN` when it is none.
    static func reason(_ text: String) -> String {
        let isWord = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
        }
        let isShort = (1...EngineLimits.reasonLengthMax).contains(text.utf8.count)
        return isWord && isShort ? text : "UNKNOWN"
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0 == " " }
        guard let last = start.lastIndex(where: { $0 != " " }) else { return "" }
        return String(start[...last])
    }
}
