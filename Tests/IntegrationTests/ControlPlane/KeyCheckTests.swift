import Config
import PostgresClient
import Testing

@testable import ControlPlane

@Suite struct KeyCheckTests {
    @Test("the first key becomes the database's, and passes again")
    func firstKey() async throws {
        try await withDatabase { database, pool in
            for _ in 0..<3 { try await KeyCheck(sealer: try Modules.sealer(1)).verify(pool) }
            let rows = try database.run("SELECT id, key_id FROM key_checks")
            #expect(rows == "1|\(try Modules.sealer(1).keyID)")
        }
    }

    @Test("another key is refused, and both are named")
    func otherKey() async throws {
        try await withDatabase { database, pool in
            try await KeyCheck(sealer: try Modules.sealer(1)).verify(pool)
            let refusal = await #expect(throws: KeyCheck.WrongKey.self) {
                try await KeyCheck(sealer: try Modules.sealer(2)).verify(pool)
            }
            #expect(refusal?.description.contains(try Modules.sealer(1).keyID) == true)
            #expect(refusal?.description.contains(try Modules.sealer(2).keyID) == true)
            try await KeyCheck(sealer: try Modules.sealer(1)).verify(pool)
        }
    }

    @Test(
        "a check that was tampered with passes no key",
        arguments: [
            "UPDATE key_checks SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
            "UPDATE key_checks SET sealed = ''", "UPDATE key_checks SET key_id = 'other'",
        ])
    func tampered(_ sql: String) async throws {
        try await withDatabase { database, pool in
            try await KeyCheck(sealer: try Modules.sealer(1)).verify(pool)
            try database.run(sql)
            await #expect(throws: KeyCheck.WrongKey.self) {
                try await KeyCheck(sealer: try Modules.sealer(1)).verify(pool)
            }
        }
    }

    @Test("of two first starts at once with different keys one is refused")
    func race() async throws {
        for _ in 0..<5 {
            let database = try await MigratedDatabase.make()
            async let first = Self.passes(1, database)
            async let second = Self.passes(2, database)
            let passed = try await [first, second]
            #expect(passed.count { $0 } == 1)
            let rows = try database.count("key_checks")
            #expect(rows == 1)
        }
    }

    private static func passes(_ key: UInt8, _ database: MigratedDatabase) async throws -> Bool {
        try await withPool(database.uri) { loop, pool in
            _ = loop
            do {
                try await KeyCheck(sealer: try Modules.sealer(key)).verify(pool)
                return true
            } catch is KeyCheck.WrongKey {
                return false
            }
        }
    }
}
