import COpenSSL

/// SHA-256 (FIPS 180-4).
public enum SHA256Digest {
    /// The length of a digest in bytes.
    public static let byteCount = 32

    /// The digest of `message`: `byteCount` bytes.
    ///
    /// - Throws: `library` when OpenSSL cannot load its default provider or has no memory.
    public static func of(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: byteCount)
        // Safe: reads `message.count` bytes and writes 32, both arrays alive during the call.
        try callOpenSSL("EVP_Digest") {
            unsafe EVP_Digest(message, message.count, &digest, nil, algorithm, nil) == 1
        }
        return digest
    }

    // Fetched once: to look it up by name takes OpenSSL longer than a short digest itself.
    // Safe: never freed, and immutable, so any thread may use it (EVP_MD_fetch's manual page).
    private nonisolated(unsafe) static let algorithm =
        unsafe EVP_MD_fetch(nil, "SHA256", nil) ?? EVP_sha256()
}
