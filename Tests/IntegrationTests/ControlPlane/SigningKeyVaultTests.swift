import Config
import Cryptography
import Domain
import Testing

@testable import ControlPlane

@Suite struct SigningKeyVaultTests {
    static func vault(_ byte: UInt8 = 7) throws -> SigningKeyVault {
        SigningKeyVault(sealer: try Modules.sealer(byte), clock: SystemWallClock())
    }

    @Test("the first who asks makes the key, and everyone gets the same")
    func once() async throws {
        try await withDatabase { database, pool in
            let first = try await Self.vault().key(pool)
            let second = try await Self.vault().key(pool)
            #expect(first.publicKey == second.publicKey)
            #expect(try first.sign([1]) == second.sign([1]))
            let stored = try database.run("SELECT encode(public_key, 'hex') FROM signing_keys")
            #expect(stored == Hexadecimal.text(first.publicKey))
        }
    }

    @Test("several who ask at once get one key")
    func race() async throws {
        let database = try await MigratedDatabase.make()
        let keys = try await atOnce(4, database) { try await Self.vault().key($0).publicKey }
        #expect(Set(keys).count == 1)
        #expect(try database.count("signing_keys") == 1)
    }

    @Test("the seed is not stored in the clear, and another master key opens nothing")
    func sealed() async throws {
        try await withDatabase { database, pool in
            let key = try await Self.vault().key(pool)
            let sealed = try database.run("SELECT encode(sealed, 'hex') FROM signing_keys")
            #expect(!sealed.contains(Hexadecimal.text(key.seed.revealed())))
            let refused = try await problem { _ = try await Self.vault(8).key(pool) }
            #expect(refused.kind == .internalFault)
        }
    }

    @Test("a stored key that was tampered with is refused")
    func tampered() async throws {
        try await withDatabase { database, pool in
            _ = try await Self.vault().key(pool)
            try database.run(
                "UPDATE signing_keys SET public_key = decode(repeat('ab', 32), 'hex')")
            let refused = try await problem { _ = try await Self.vault().key(pool) }
            #expect(refused.kind == .internalFault)
        }
    }
}
