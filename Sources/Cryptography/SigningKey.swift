/// An Ed25519 key pair (RFC 8032): signs; whoever has its public half can verify.
public final class SigningKey: Sendable {
    /// The bytes of a seed.
    public static let seedByteCount = Ed25519Key.seedByteCount
    /// The bytes of a signature.
    public static let signatureByteCount = Ed25519Key.signatureByteCount

    /// What the key pair is made of, to keep; whoever has it can sign.
    public let seed: SecretBytes
    /// The public half: ``VerificationKey/byteCount`` bytes.
    public let publicKey: [UInt8]
    private let key: Ed25519Key

    /// The key pair of a seed.
    ///
    /// - Parameter seed: ``seedByteCount`` random bytes.
    /// - Throws: `keyLength` for another number of bytes; `library` when OpenSSL refuses.
    public init(seed: SecretBytes) throws(CryptographyError) {
        key = try Ed25519Key(seed: seed)
        publicKey = try key.publicBytes()
        self.seed = seed
    }

    /// A new key pair from OpenSSL's private generator.
    public static func generate() throws(CryptographyError) -> SigningKey {
        try SigningKey(seed: SecretBytes(randomCount: seedByteCount))
    }

    /// Signs a message, which is not changed: ``signatureByteCount`` bytes, always the same ones.
    ///
    /// - Throws: `library` when OpenSSL refuses.
    public func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        try key.sign(message)
    }
}
