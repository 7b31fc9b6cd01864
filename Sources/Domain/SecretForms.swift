/// The ways in which a secret is written where programs write it down: logs hold statements, URIs and
/// JSON, each of which escapes some characters.
enum SecretForms {
    /// The secret itself, and as it stands
    ///
    /// - in a URI (RFC 3986 section 2.1), digits in upper or lower case,
    /// - between quotes of SQL: `'` doubled, and in an `E''` string also `\` doubled, or `'` after a `\`
    ///   (PostgreSQL manual, "Lexical Structure"); the last is libpq's own quoting of values too,
    /// - in a JSON string (RFC 8259 section 7), with what is not ASCII as it is or as `\uXXXX`.
    static func all(of secret: String) -> [String] {
        [
            secret,
            escaped(secret) { percentEncoded($0, uppercase: true) },
            escaped(secret) { percentEncoded($0, uppercase: false) },
            escaped(secret) { $0 == "'" ? "''" : nil },
            escaped(secret) { $0 == "'" ? "''" : $0 == "\\" ? "\\\\" : nil },
            escaped(secret) { $0 == "'" ? "\\'" : $0 == "\\" ? "\\\\" : nil },
            escaped(secret) { inJSON($0, isASCII: false) },
            escaped(secret) { inJSON($0, isASCII: true) },
            escaped(secret) { $0 == "/" ? "\\/" : inJSON($0, isASCII: false) },
            escaped(secret) { $0 == "/" ? "\\/" : inJSON($0, isASCII: true) },
        ]
    }

    /// The text with those characters replaced that `escape` writes otherwise. Scalar by scalar: a
    /// mark that combines with a quote must not hide it.
    private static func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String?) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let replacement = escape(scalar) {
                result.append(contentsOf: replacement.unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }

    /// Everything but the unreserved characters.
    private static func percentEncoded(_ scalar: Unicode.Scalar, uppercase: Bool) -> String? {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": nil
        default:
            String(scalar).utf8.map { "%" + hexadecimal($0, digits: 2, uppercase: uppercase) }
                .joined()
        }
    }

    private static func inJSON(_ scalar: Unicode.Scalar, isASCII: Bool) -> String? {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\u{8}": "\\b"
        case "\u{C}": "\\f"
        case _ where scalar.value < 0x20 || (isASCII && scalar.value > 0x7E):
            String(scalar).utf16.map { "\\u" + hexadecimal($0, digits: 4, uppercase: false) }
                .joined()
        default: nil
        }
    }

    private static func hexadecimal(
        _ number: some BinaryInteger, digits: Int, uppercase: Bool
    ) -> String {
        let text = String(number, radix: 16, uppercase: uppercase)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
