import COpenSSL

/// Authenticated encryption: AES-256 in Galois/Counter mode (NIST SP 800-38D).
///
/// Sealed bytes are a nonce of 12 bytes, the ciphertext (as long as the plaintext) and a tag of 16.
/// Each seal draws a fresh random nonce, so one key must seal fewer than 2^32 messages (section 8.3).
public enum AES256GCM {
    /// The length of a key in bytes.
    public static let keyByteCount = 32
    /// How much longer sealed bytes are than their plaintext: nonce and tag.
    public static let overheadByteCount = nonceByteCount + tagByteCount
    /// The longest plaintext and the longest associated data, in bytes (1 MiB).
    public static let bytesMax = 1 << 20

    static let nonceByteCount = 12
    static let tagByteCount = 16

    /// Encrypts `plaintext` and binds it to `associatedData`, which is not part of the result.
    ///
    /// - Throws: `keyLength` unless the key has `keyByteCount` bytes; `tooLong` past `bytesMax`;
    ///   `library` when OpenSSL refuses.
    public static func seal(
        _ plaintext: [UInt8],
        key: SecretBytes,
        associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        let nonce = try SecureRandom.bytes(nonceByteCount)
        return try seal(plaintext, key: key, nonce: nonce, associatedData: associatedData)
    }

    /// Decrypts what `seal` made with the same key and associated data.
    ///
    /// - Throws: `notAuthentic` for anything else, cut or altered bytes included; `keyLength` and
    ///   `tooLong` as `seal` does.
    public static func open(
        _ sealed: [UInt8],
        key: SecretBytes,
        associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        guard sealed.count >= overheadByteCount else { throw CryptographyError.notAuthentic }
        try checkLengths(
            text: sealed.count - overheadByteCount,
            associatedData: associatedData.count,
            key: key
        )
        let context = try CipherContext()
        try context.begin(.open, key: key, nonce: [UInt8](sealed.prefix(nonceByteCount)))
        try context.authenticate(associatedData)
        var plaintext = try context.update(
            [UInt8](sealed.dropFirst(nonceByteCount).dropLast(tagByteCount))
        )
        guard try context.isAuthentic(tag: [UInt8](sealed.suffix(tagByteCount))) else {
            cleanse(&plaintext)
            throw CryptographyError.notAuthentic
        }
        return plaintext
    }

    /// The seal with a given nonce: for published test vectors; a nonce used twice betrays the key.
    static func seal(
        _ plaintext: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        try checkLengths(text: plaintext.count, associatedData: associatedData.count, key: key)
        let context = try CipherContext()
        try context.begin(.seal, key: key, nonce: nonce)
        try context.authenticate(associatedData)
        let ciphertext = try context.update(plaintext)
        return nonce + ciphertext + (try context.finishedTag())
    }

    private static func checkLengths(
        text: Int,
        associatedData: Int,
        key: SecretBytes
    ) throws(CryptographyError) {
        guard key.count == keyByteCount else {
            throw CryptographyError.keyLength(expected: keyByteCount, actual: key.count)
        }
        let longest = max(text, associatedData)
        guard longest <= bytesMax else {
            throw CryptographyError.tooLong(limit: bytesMax, actual: longest)
        }
    }
}
