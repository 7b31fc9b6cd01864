/// Replaces known secrets in text that people will read.
///
/// Finds a secret as it is and in each of the ``SecretForms``.
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
                SecretForms.all(of: secret.revealed).map { Array($0.utf8) }
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
}
