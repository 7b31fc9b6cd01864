/// The public half of an Ed25519 key pair (RFC 8032): verifies what the other half signed.
public final class VerificationKey: Sendable {
    /// The bytes of a public key.
    public static let byteCount = Ed25519Key.publicByteCount

    /// The key itself: ``byteCount`` bytes.
    public let bytes: [UInt8]
    private let key: Ed25519Key

    /// Takes a public key.
    ///
    /// Bytes that are no point of the curve make a key that verifies nothing.
    /// - Throws: `keyLength` for another number of bytes; `library` when OpenSSL refuses.
    public init(bytes: [UInt8]) throws(CryptographyError) {
        key = try Ed25519Key(publicBytes: bytes)
        self.bytes = bytes
    }

    /// Whether the signature of the message was made by the other half of this key.
    ///
    /// - Throws: `library` when OpenSSL has no memory; never for a bad signature.
    public func isValid(
        _ signature: [UInt8], of message: [UInt8]
    ) throws(CryptographyError) -> Bool {
        try key.isValid(signature, of: message)
    }
}
