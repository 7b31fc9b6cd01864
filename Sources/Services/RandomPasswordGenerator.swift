import Cryptography
public import Domain

/// Passwords from OpenSSL's generator.
public struct RandomPasswordGenerator: PasswordGenerator {
    /// The random bytes in a password: 192 bits, 32 characters.
    public static let byteCount = 24

    /// Makes a generator.
    public init() {}

    /// A new password of letters, digits, `-` and `_`.
    public func generate() throws -> SecretText {
        SecretText(
            Base64URL.encode(try SecureRandom.privateBytes(RandomPasswordGenerator.byteCount)))
    }
}
