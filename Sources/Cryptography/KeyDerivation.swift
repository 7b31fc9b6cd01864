import COpenSSL

/// Keys made from one secret, each for one purpose.
public enum KeyDerivation {
    /// The most bytes HKDF with SHA-256 can give: 255 blocks (RFC 5869, section 2.3).
    public static let hkdfSHA256BytesMax = 255 * SHA256Digest.byteCount

    /// Derives `count` bytes from `secret` by HKDF with SHA-256 (RFC 5869).
    ///
    /// - Parameters:
    ///   - secret: the input keying material.
    ///   - salt: not secret; may be empty.
    ///   - info: says what the key is for; different `info` gives unrelated keys.
    ///   - count: 1 to `hkdfSHA256BytesMax`.
    /// - Throws: `tooLong` past the limit; `library` when OpenSSL refuses.
    public static func hkdfSHA256(
        secret: SecretBytes,
        salt: [UInt8],
        info: [UInt8],
        count: Int
    ) throws(CryptographyError) -> SecretBytes {
        guard count <= hkdfSHA256BytesMax else {
            throw CryptographyError.tooLong(limit: hkdfSHA256BytesMax, actual: count)
        }
        let context = try HKDFContext()
        try context.begin()
        try context.set(secret: secret, salt: salt, info: info)
        var derived = [UInt8](repeating: 0, count: count)
        defer { cleanse(&derived) }
        try context.derive(into: &derived)
        return SecretBytes(copying: derived)
    }
}

/// Owns one `EVP_PKEY_CTX` set up for HKDF; see EVP_PKEY_CTX_set_hkdf_md(3).
@safe
private struct HKDFContext: ~Copyable {
    private let context: OpaquePointer

    init() throws(CryptographyError) {
        unsafe context = try makeWithOpenSSL("EVP_PKEY_CTX_new_id") {
            unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil)
        }
    }

    deinit { unsafe EVP_PKEY_CTX_free(context) }

    func begin() throws(CryptographyError) {
        try callOpenSSL("EVP_PKEY_derive_init") { unsafe EVP_PKEY_derive_init(context) == 1 }
        try callOpenSSL("EVP_PKEY_CTX_set_hkdf_md") {
            unsafe EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1
        }
    }

    /// Copies all three inputs into the context.
    func set(secret: SecretBytes, salt: [UInt8], info: [UInt8]) throws(CryptographyError) {
        // Safe: each call copies what it is given before it returns. The counts fit an Int32,
        // since nothing here may be longer than `SecretBytes.countMax`.
        guard max(salt.count, info.count) <= SecretBytes.countMax else {
            throw CryptographyError.tooLong(
                limit: SecretBytes.countMax,
                actual: max(salt.count, info.count)
            )
        }
        try callOpenSSL("EVP_PKEY_CTX_set1_hkdf_salt") {
            unsafe EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1
        }
        try callOpenSSL("EVP_PKEY_CTX_set1_hkdf_key") {
            unsafe secret.withUnsafeBytes { bytes in
                unsafe EVP_PKEY_CTX_set1_hkdf_key(
                    context,
                    bytes.baseAddress,
                    Int32(bytes.count)
                ) == 1
            }
        }
        try callOpenSSL("EVP_PKEY_CTX_add1_hkdf_info") {
            unsafe EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) == 1
        }
    }

    func derive(into derived: inout [UInt8]) throws(CryptographyError) {
        var written = derived.count
        // Safe: writes at most `written` bytes into a live array.
        try callOpenSSL("EVP_PKEY_derive") {
            unsafe EVP_PKEY_derive(context, &derived, &written) == 1 && written == derived.count
        }
    }
}
