import Cryptography
public import Domain

/// A secret that an agent shows: a prefix and 256 random bits in base64url. Only its SHA-256 is kept,
/// which cannot be searched for; guessing one is hopeless without any limit on attempts.
public struct AgentSecret: Hashable, Sendable {
    /// What an agent shows once, to register.
    public static let registrationPrefix = "berth_reg_"
    /// What an agent shows on each stream.
    public static let credentialPrefix = "berth_agent_"
    /// The random bytes in a secret.
    public static let byteCount = 32

    /// The secret as it is shown.
    public let text: SecretText

    /// Takes a secret that was shown.
    public init(text: SecretText) { self.text = text }

    /// Makes a new secret from OpenSSL's private generator.
    public static func generate(prefix: String) throws -> AgentSecret {
        let secret = try SecureRandom.privateBytes(AgentSecret.byteCount)
        return AgentSecret(text: SecretText(prefix + Base64URL.encode(secret)))
    }

    /// What is stored of it and looked up.
    public func hash() throws -> [UInt8] {
        try SHA256Digest.of(Array(text.revealed.utf8))
    }
}

/// A one-time token with which an agent registers.
public struct RegistrationToken: Hashable, Sendable {
    /// How long a token is valid.
    public static let validity = Duration.seconds(24 * 60 * 60)

    /// The token.
    public let secret: AgentSecret
    /// From when on it is worth nothing.
    public let expiresAt: Timestamp
}
