import COpenSSL

/// HMAC with SHA-256 (RFC 2104).
public enum HMACSHA256 {
    /// The length of a tag in bytes.
    public static let byteCount = 32

    /// The tag of `message` under `key`: `byteCount` bytes. A key may have any length.
    ///
    /// - Throws: `library` when OpenSSL cannot load its default provider or has no memory.
    public static func tag(
        _ message: [UInt8],
        key: SecretBytes
    ) throws(CryptographyError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: byteCount)
        var written = 0
        // Safe: reads the key and the message, writes at most 32 bytes; all live during the call.
        try callOpenSSL("EVP_Q_mac") {
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_Q_mac(
                    nil,
                    "HMAC",
                    nil,
                    "SHA256",
                    nil,
                    key.baseAddress,
                    key.count,
                    message,
                    message.count,
                    &tag,
                    byteCount,
                    &written
                ) != nil
            }
        }
        return tag
    }
}
