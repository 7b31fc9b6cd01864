public import Cryptography
public import Domain

/// Seals with AES-256-GCM under keys derived from one master key.
public struct MasterKeySealer: SecretSealer, Sendable {
    /// Names the master key without telling anything of it: 16 hexadecimal digits.
    public let keyID: String
    private let sealingKey: SecretBytes

    /// The bytes of a master key.
    public static let masterKeyByteCount = 32

    /// Derives the sealing key and the key's id.
    ///
    /// - Parameter masterKey: ``masterKeyByteCount`` random bytes.
    public init(masterKey: SecretBytes) throws {
        sealingKey = try KeyDerivation.hkdfSHA256(
            secret: masterKey, salt: [], info: Array("berth config sealing v1".utf8),
            count: AES256GCM.keyByteCount)
        let name = try KeyDerivation.hkdfSHA256(
            secret: masterKey, salt: [], info: Array("berth key id v1".utf8), count: 8)
        keyID = Hexadecimal.text(name.revealed())
    }

    /// Seals a secret for one place.
    public func seal(_ secret: SecretText, for place: SecretPlace) throws -> SealedSecret {
        SealedSecret(
            keyID: keyID,
            bytes: try AES256GCM.seal(
                Array(secret.revealed.utf8), key: sealingKey,
                associatedData: associatedData(place)))
    }

    /// Opens a secret that was sealed for the same place.
    public func open(_ sealed: SealedSecret, for place: SecretPlace) throws -> SecretText {
        guard sealed.keyID == keyID else {
            throw Problem(
                .internalFault, "a secret cannot be opened",
                privateContext: "sealed by key \(sealed.keyID), this process holds \(keyID)")
        }
        do {
            let bytes = try AES256GCM.open(
                sealed.bytes, key: sealingKey, associatedData: associatedData(place))
            return SecretText(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw Problem(
                .internalFault, "a secret cannot be opened",
                privateContext: "entry \(place.key) of \(place.scope)", cause: error)
        }
    }

    /// Each part has a fixed length or comes last, so no two places make the same bytes.
    private func associatedData(_ place: SecretPlace) -> [UInt8] {
        let (kind, id): (UInt8, [UInt8]) =
            switch place.scope {
            case .service(let id): (1, id.bytes)
            case .environment(let id): (2, id.bytes)
            }
        return Array("berth config v1 ".utf8) + Array(keyID.utf8) + [kind] + id
            + Array(place.key.utf8)
    }
}
