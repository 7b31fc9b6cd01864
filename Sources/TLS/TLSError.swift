import COpenSSL
public import EventLoops

/// Why TLS could not be set up or a stream over it broke; carries no key.
public enum TLSError: Error, Equatable, CustomStringConvertible {
    /// OpenSSL refused: its function, and what it left in its error queue, oldest first.
    case library(function: String, reasons: [String])
    /// A file could not be opened or read.
    case unreadable(path: String, SystemError)
    /// A private key's file may be read by others than its owner.
    case readableByOthers(path: String)
    /// A file is longer than ``PEMFile/lengthMax``.
    case tooLong(path: String)
    /// There is no certificate where one was expected.
    case noCertificate
    /// There is no private key, or only one that is locked by a passphrase.
    case noPrivateKey
    /// The private key is not that of the first certificate.
    case keyMismatch
    /// The socket failed.
    case system(SystemError)
    /// The peer ended the connection without saying so in TLS (close_notify).
    case truncated
    /// The server does not speak HTTP/2 over TLS (clients only; servers send an alert).
    case noHTTP2

    /// The failure in one line, fit for a log.
    public var description: String {
        switch self {
        case .library(let function, let reasons):
            "\(function): \(reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; "))"
        case .unreadable(let path, let error): "\(path): \(error)"
        case .readableByOthers(let path):
            "the private key \(path) can be read by others; run: chmod 600 \(path)"
        case .tooLong(let path): "\(path) is longer than \(PEMFile.lengthMax) bytes"
        case .noCertificate: "there is no certificate in PEM form"
        case .noPrivateKey:
            "there is no private key in PEM form, or it is locked by a passphrase"
        case .keyMismatch: "the private key does not belong to the first certificate"
        case .system(let error): error.description
        case .truncated: "the peer ended the connection without a close_notify"
        case .noHTTP2: "the server does not speak HTTP/2 over TLS"
        }
    }

    /// How many reasons are kept of one failure; OpenSSL's own queue holds 16.
    private static let reasonsMax = 16

    /// Takes every entry from this thread's error queue.
    ///
    /// - Parameter reason: What to say beside.
    static func drained(_ function: String, and reason: String? = nil) -> TLSError {
        var reasons = reason.map { [$0] } ?? []
        while reasons.count < reasonsMax {
            let code = ERR_get_error()
            if code == 0 { break }
            var text = [CChar](repeating: 0, count: 256)
            // Safe: writes at most `count` bytes into a live local array, its NUL included.
            unsafe ERR_error_string_n(code, &text, text.count)
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            reasons.append(String(decoding: bytes, as: UTF8.self))
        }
        ERR_clear_error()
        return .library(function: function, reasons: reasons)
    }
}

/// Runs one call into OpenSSL with this thread's error queue emptied first, and throws what the
/// call left there when `succeeded` is false.
func callTLS(_ function: String, _ succeeded: () -> Bool) throws(TLSError) {
    ERR_clear_error()
    guard succeeded() else { throw .drained(function) }
}
