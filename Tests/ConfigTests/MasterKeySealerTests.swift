import Cryptography
import Domain
import Testing

@testable import Config

@Suite struct MasterKeySealerTests {
    let secret = SecretText("correct horse battery staple")
    let place = SecretPlace(
        scope: .service(ServiceID(high: 1, low: 2)), key: "POSTGRES_PASSWORD")

    static func sealer(_ byte: UInt8 = 7) throws -> MasterKeySealer {
        try MasterKeySealer(
            masterKey: SecretBytes(
                copying: [UInt8](repeating: byte, count: MasterKeySealer.masterKeyByteCount)))
    }

    @Test("what was sealed opens again, for its place and its key")
    func opens() throws {
        let sealed = try Self.sealer().seal(secret, for: place)
        #expect(try Self.sealer().open(sealed, for: place) == secret)
    }

    @Test("sealing twice gives different bytes")
    func nonces() throws {
        let sealer = try Self.sealer()
        #expect(try sealer.seal(secret, for: place) != sealer.seal(secret, for: place))
    }

    @Test(
        "what was sealed for one place does not open for another",
        arguments: [
            SecretPlace(scope: .service(ServiceID(high: 1, low: 3)), key: "POSTGRES_PASSWORD"),
            SecretPlace(
                scope: .environment(EnvironmentID(high: 1, low: 2)), key: "POSTGRES_PASSWORD"),
            SecretPlace(scope: .service(ServiceID(high: 1, low: 2)), key: "POSTGRES_PASSWORD_"),
            SecretPlace(scope: .service(ServiceID(high: 1, low: 2)), key: "postgres_password"),
            SecretPlace(scope: .service(ServiceID(high: 1, low: 2)), key: ""),
        ])
    func otherPlace(_ other: SecretPlace) throws {
        let sealer = try Self.sealer()
        let sealed = try sealer.seal(secret, for: place)
        try expectRefusal(sealer, sealed, other)
    }

    @Test("a change of any bit, or a cut at any place, is noticed")
    func tampering() throws {
        let sealer = try Self.sealer()
        let sealed = try sealer.seal(secret, for: place)
        for index in sealed.bytes.indices {
            for bit in 0..<8 {
                var bytes = sealed.bytes
                bytes[index] ^= 1 << bit
                try expectRefusal(sealer, SealedSecret(keyID: sealed.keyID, bytes: bytes), place)
            }
            let cut = Array(sealed.bytes[..<index])
            try expectRefusal(sealer, SealedSecret(keyID: sealed.keyID, bytes: cut), place)
        }
        let longer = SealedSecret(keyID: sealed.keyID, bytes: sealed.bytes + [0])
        try expectRefusal(sealer, longer, place)
    }

    @Test("another master key opens nothing, also when it claims the first one's name")
    func otherKey() throws {
        let sealed = try Self.sealer(7).seal(secret, for: place)
        let other = try Self.sealer(8)
        #expect(other.keyID != sealed.keyID)
        try expectRefusal(other, sealed, place)
        let renamed = SealedSecret(keyID: other.keyID, bytes: sealed.bytes)
        try expectRefusal(other, renamed, place)
    }

    private func expectRefusal(
        _ sealer: MasterKeySealer, _ sealed: SealedSecret, _ place: SecretPlace,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        do {
            _ = try sealer.open(sealed, for: place)
            Issue.record("it was opened", sourceLocation: location)
        } catch let problem as Problem {
            #expect(problem.kind == .internalFault, sourceLocation: location)
            #expect(!"\(problem)".contains("staple"), sourceLocation: location)
        }
    }
}
