import COpenSSL

/// Owns one `EVP_CIPHER_CTX` for one AES-256-GCM message; see EVP_EncryptInit(3), "AEAD Interface".
@safe
struct CipherContext: ~Copyable {
    enum Direction: Int32 {
        case open = 0
        case seal = 1
    }

    private let context: OpaquePointer

    init() throws(CryptographyError) {
        unsafe context = try makeWithOpenSSL("EVP_CIPHER_CTX_new") {
            unsafe EVP_CIPHER_CTX_new()
        }
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// Sets the direction, the key (32 bytes) and the nonce (12 bytes, GCM's default length); once.
    func begin(
        _ direction: Direction,
        key: SecretBytes,
        nonce: [UInt8]
    ) throws(CryptographyError) {
        precondition(key.count == AES256GCM.keyByteCount)
        precondition(nonce.count == AES256GCM.nonceByteCount)
        // Safe: reads 32 bytes of key and 12 of nonce, the lengths checked above.
        try callOpenSSL("EVP_CipherInit_ex") {
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherInit_ex(
                    context,
                    EVP_aes_256_gcm(),
                    nil,
                    key.baseAddress,
                    nonce,
                    direction.rawValue
                )
                    == 1
            }
        }
    }

    /// Feeds the associated data; once, before `update`.
    func authenticate(_ associatedData: [UInt8]) throws(CryptographyError) {
        guard !associatedData.isEmpty else { return }
        var written: Int32 = 0
        // Safe: with no output buffer the call only reads the array.
        try callOpenSSL("EVP_CipherUpdate") {
            unsafe EVP_CipherUpdate(
                context,
                nil,
                &written,
                associatedData,
                Int32(associatedData.count)
            ) == 1
        }
    }

    /// Encrypts or decrypts the whole text; once. A decrypted text means nothing until
    /// `isAuthentic` says so.
    func update(_ text: [UInt8]) throws(CryptographyError) -> [UInt8] {
        guard !text.isEmpty else { return [] }
        var output = [UInt8](repeating: 0, count: text.count)
        var written: Int32 = 0
        // Safe: GCM is a stream cipher: it writes exactly as many bytes as it reads.
        try callOpenSSL("EVP_CipherUpdate") {
            unsafe EVP_CipherUpdate(context, &output, &written, text, Int32(text.count)) == 1
        }
        return output
    }

    /// Ends a seal and gives its tag.
    func finishedTag() throws(CryptographyError) -> [UInt8] {
        try callOpenSSL("EVP_CipherFinal_ex") { finish() }
        var tag = [UInt8](repeating: 0, count: AES256GCM.tagByteCount)
        // Safe: writes 16 bytes into an array of 16.
        try callOpenSSL("EVP_CIPHER_CTX_ctrl") {
            unsafe EVP_CIPHER_CTX_ctrl(
                context,
                EVP_CTRL_AEAD_GET_TAG,
                Int32(AES256GCM.tagByteCount),
                &tag
            ) == 1
        }
        return tag
    }

    /// Ends an open and says whether all that was fed belongs to `tag` (16 bytes).
    func isAuthentic(tag: [UInt8]) throws(CryptographyError) -> Bool {
        precondition(tag.count == AES256GCM.tagByteCount)
        var expected = tag
        // Safe: copies 16 bytes of a live array; a mutable pointer only by the C prototype.
        try callOpenSSL("EVP_CIPHER_CTX_ctrl") {
            unsafe EVP_CIPHER_CTX_ctrl(
                context,
                EVP_CTRL_AEAD_SET_TAG,
                Int32(AES256GCM.tagByteCount),
                &expected
            ) == 1
        }
        ERR_clear_error()
        defer { ERR_clear_error() }
        return finish()
    }

    private func finish() -> Bool {
        // GCM never has a last block: the buffer is there only because the call wants one.
        var block = [UInt8](repeating: 0, count: 16)
        var written: Int32 = 0
        return unsafe EVP_CipherFinal_ex(context, &block, &written) == 1
    }
}
