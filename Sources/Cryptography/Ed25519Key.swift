import COpenSSL

/// Owns one `EVP_PKEY` of the type Ed25519; see EVP_PKEY(7) and EVP_SIGNATURE-ED25519(7).
///
/// Never changed once it is made, so any thread may use it. Freeing it overwrites a private half.
@safe
final class Ed25519Key: Sendable {
    // Right although pointers are not Sendable: OpenSSL only reads a finished key.
    private nonisolated(unsafe) let key: OpaquePointer

    static let publicByteCount = 32
    static let seedByteCount = 32
    static let signatureByteCount = 64

    /// The key pair of a seed (RFC 8032, section 5.1.5).
    init(seed: SecretBytes) throws(CryptographyError) {
        guard seed.count == Ed25519Key.seedByteCount else {
            throw .keyLength(expected: Ed25519Key.seedByteCount, actual: seed.count)
        }
        // Safe: reads the seed's 32 bytes during the call and keeps a copy.
        unsafe key = try makeWithOpenSSL("EVP_PKEY_new_raw_private_key") {
            unsafe seed.withUnsafeBytes {
                unsafe EVP_PKEY_new_raw_private_key(
                    EVP_PKEY_ED25519, nil, $0.baseAddress, $0.count)
            }
        }
    }

    /// A public half alone.
    init(publicBytes: [UInt8]) throws(CryptographyError) {
        guard publicBytes.count == Ed25519Key.publicByteCount else {
            throw .keyLength(expected: Ed25519Key.publicByteCount, actual: publicBytes.count)
        }
        // Safe: reads 32 bytes of a live array and keeps a copy.
        unsafe key = try makeWithOpenSSL("EVP_PKEY_new_raw_public_key") {
            unsafe EVP_PKEY_new_raw_public_key(
                EVP_PKEY_ED25519, nil, publicBytes, publicBytes.count)
        }
    }

    deinit { unsafe EVP_PKEY_free(key) }

    func publicBytes() throws(CryptographyError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Ed25519Key.publicByteCount)
        var count = bytes.count
        // Safe: writes at most `count` bytes into an array of as many.
        try callOpenSSL("EVP_PKEY_get_raw_public_key") {
            unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1 && count == bytes.count
        }
        return bytes
    }

    func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        let context = try DigestContext()
        var signature = [UInt8](repeating: 0, count: Ed25519Key.signatureByteCount)
        var count = signature.count
        // Safe: reads the message and writes at most `count` bytes, both arrays alive.
        try callOpenSSL("EVP_DigestSignInit") {
            unsafe EVP_DigestSignInit(context.pointer, nil, nil, nil, key) == 1
        }
        try callOpenSSL("EVP_DigestSign") {
            unsafe EVP_DigestSign(
                context.pointer, &signature, &count, message, message.count) == 1
                && count == signature.count
        }
        return signature
    }

    func isValid(_ signature: [UInt8], of message: [UInt8]) throws(CryptographyError) -> Bool {
        guard signature.count == Ed25519Key.signatureByteCount else { return false }
        let context = try DigestContext()
        try callOpenSSL("EVP_DigestVerifyInit") {
            unsafe EVP_DigestVerifyInit(context.pointer, nil, nil, nil, key) == 1
        }
        ERR_clear_error()
        defer { ERR_clear_error() }
        // Safe: reads two live arrays. Anything but 1 is no proof, an error of the library included.
        return unsafe EVP_DigestVerify(
            context.pointer, signature, signature.count, message, message.count) == 1
    }
}

/// Owns one `EVP_MD_CTX` for one signature.
@safe
private struct DigestContext: ~Copyable {
    let pointer: OpaquePointer

    init() throws(CryptographyError) {
        unsafe pointer = try makeWithOpenSSL("EVP_MD_CTX_new") { unsafe EVP_MD_CTX_new() }
    }

    deinit { unsafe EVP_MD_CTX_free(pointer) }
}
