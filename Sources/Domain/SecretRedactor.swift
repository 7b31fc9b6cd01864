/// Replaces known secrets in text that people will read.
///
/// Finds a secret as it is and percent-encoded, as it stands in a connection URI.
public struct SecretRedactor: Sendable {
    /// What stands in a secret's place.
    public static let replacement = "[redacted]"
    /// Shorter secrets are not looked for: they would be found everywhere.
    public static let secretLengthMin = 4

    /// Each of them at least ``secretLengthMin`` bytes; longer ones first, for one can hold another.
    private let needles: [[UInt8]]

    /// Remembers the secrets to look for.
    public init(_ secrets: [SecretText]) {
        let forms = Set(
            secrets.flatMap { secret in
                let bytes = Array(secret.revealed.utf8)
                return [bytes, SecretRedactor.percentEncoded(bytes)]
            })
        needles = forms.filter { $0.count >= SecretRedactor.secretLengthMin }
            .sorted { $0.count > $1.count }
    }

    /// The text with each secret replaced.
    public func redact(_ text: String) -> String {
        guard !needles.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let rest = bytes[position...]
            if let needle = needles.first(where: { rest.starts(with: $0) }) {
                result += Array(SecretRedactor.replacement.utf8)
                position += needle.count
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// RFC 3986 section 2.1: everything but the unreserved characters.
    private static func percentEncoded(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                return [byte]
            default:
                return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}
