public import Cryptography

/// Fingerprints under a key derived from the master key: a dump of the database does not let anyone
/// try passwords against them.
public struct HMACRequestFingerprinter: RequestFingerprinter, Sendable {
    private let key: SecretBytes

    /// Derives the key.
    ///
    /// - Parameter masterKey: 32 random bytes.
    public init(masterKey: SecretBytes) throws {
        key = try KeyDerivation.hkdfSHA256(
            secret: masterKey, salt: [], info: Array("berth request fingerprint v1".utf8),
            count: HMACSHA256.byteCount)
    }

    /// The HMAC-SHA256 of the bytes.
    public func fingerprint(_ bytes: [UInt8]) throws -> [UInt8] {
        try HMACSHA256.tag(bytes, key: key)
    }
}
