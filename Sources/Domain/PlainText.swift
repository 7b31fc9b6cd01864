/// What text for people may hold where it stands in one line: a name, an id, a message.
///
/// Refused are control characters (C0, C1, DEL), the separators of lines and paragraphs (U+2028,
/// U+2029), and the marks that turn the direction of what follows (Unicode's `Bidi_Control`), by
/// which a line can read as another than it is.
public enum PlainText {
    /// The rule, fit for the caller.
    public static let rule =
        "must not hold control characters, line separators or marks of writing direction"

    /// Whether a scalar may stand there.
    public static func allows(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: !scalar.properties.isBidiControl
        }
    }

    /// Whether the whole text may stand there.
    public static func allows(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy(allows)
    }

    /// Makes one line of text that came from outside: what may not stand there becomes a space, the
    /// ends are trimmed, and what is too long is cut between two characters.
    ///
    /// - Parameter lengthMax: The bytes that the line may have.
    public static func line(of text: String, lengthMax: Int) -> String {
        var line = ""
        var length = 0
        for character in text {
            let plain = character.unicodeScalars.allSatisfy(allows) ? character : " "
            length += plain.utf8.count
            guard length <= lengthMax else { break }
            line.append(plain)
        }
        return trimmed(line)
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0 == " " }
        guard let last = start.lastIndex(where: { $0 != " " }) else { return "" }
        return String(start[...last])
    }
}
