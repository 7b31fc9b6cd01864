/// Why a cryptographic operation did not happen; carries no key, plaintext or password.
public enum CryptographyError: Error, Equatable, CustomStringConvertible {
    /// OpenSSL refused: its function, and what it left in its error queue, oldest first.
    case library(function: String, reasons: [String])
    /// A key was not as long as the algorithm needs; both lengths in bytes.
    case keyLength(expected: Int, actual: Int)
    /// An input or output is longer than the named limit; both in bytes.
    case tooLong(limit: Int, actual: Int)
    /// Sealed bytes did not authenticate: cut, altered, or sealed under another key or other data.
    case notAuthentic

    /// The failure in one line, fit for a log.
    public var description: String {
        switch self {
        case .library(let function, let reasons):
            let text = reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
            return "\(function): \(text)"
        case .keyLength(let expected, let actual):
            return "the key has \(actual) bytes instead of \(expected)"
        case .tooLong(let limit, let actual):
            return "\(actual) bytes are more than the limit of \(limit)"
        case .notAuthentic:
            return "the sealed bytes are not authentic"
        }
    }
}
