/// A reason of failure: a word for programs.
enum ReasonWord {
    /// The text when it is upper-case letters, digits and underscores; `UNKNOWN` when it is not.
    static func of(_ text: String) -> String {
        let isWord = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
        }
        let isShort = (1...EngineLimits.reasonLengthMax).contains(text.utf8.count)
        return isWord && isShort ? text : "UNKNOWN"
    }
}
