import Cryptography
public import Domain

/// A bearer token: `berth_` and 256 random bits in base64url. Only its SHA-256 is stored.
public struct AccessToken: Hashable, Sendable {
    /// The token as a caller shows it.
    public let text: SecretText

    /// What every token begins with, so that a leaked one can be recognised.
    public static let prefix = "berth_"
    /// The random bytes in a token.
    public static let byteCount = 32

    /// Makes a new token from OpenSSL's private generator.
    public static func generate() throws -> AccessToken {
        let secret = try SecureRandom.privateBytes(AccessToken.byteCount)
        return AccessToken(text: SecretText(prefix + Base64URL.encode(secret)))
    }

    /// What is stored of the token and looked up.
    public func credential() throws -> Credential {
        Credential(tokenHash: try SHA256Digest.of(Array(text.revealed.utf8)))
    }
}
