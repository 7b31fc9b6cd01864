import Domain
import PostgresClient
import Services
import Testing

@testable import Config

@Suite struct PostgresConfigStoreTests {
    static var store: PostgresConfigStore { PostgresConfigStore() }

    static func entry(
        _ scope: ConfigEntry.Scope, _ key: String, _ content: ConfigEntry.Content
    ) -> ConfigEntry {
        ConfigEntry(
            id: ConfigEntryID.new(at: Tenancy.time), scope: scope, key: key, content: content,
            createdAt: Tenancy.time, updatedAt: Tenancy.time)
    }

    static func insert(_ entries: [ConfigEntry], _ pool: ConnectionPool) async throws {
        try await pool.inTransaction { tx in
            for entry in entries { try await Self.store.insertWithinTx(tx, entry) }
        }
    }

    @Test("a scope's own entries are read back in the order of their keys")
    func roundTrip() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy, slug: "a", number: 1)
            let other = Service.sample(database.tenancy, slug: "b", number: 2)
            try await IntegrationTests.insert([service, other], pool)
            let secret = SealedSecret(keyID: "k1", bytes: [0, 1, 2, 255])
            let environment = ConfigEntry.Scope.environment(database.tenancy.home.environmentID)
            let mine = [
                Self.entry(.service(service.id), "B", .secret(secret)),
                Self.entry(.service(service.id), "A", .variable("ünï' \"\\ \u{1F600}")),
            ]
            let theirs = [Self.entry(.service(other.id), "A", .variable("other"))]
            let shared = [Self.entry(environment, "A", .variable(""))]
            try await Self.insert(mine + theirs + shared, pool)

            for (scope, expected) in [
                (ConfigEntry.Scope.service(service.id), [mine[1], mine[0]]),
                (.service(other.id), theirs), (environment, shared),
                (.environment(database.tenancy.secondEnvironmentID), []),
            ] {
                let found = try await pool.inSession { try await Self.store.list(scope, in: $0) }
                #expect(found == expected)
            }
        }
    }

    @Test("a key is unique in its scope")
    func uniqueKeys() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy)
            try await IntegrationTests.insert([service], pool)
            let environmentID = database.tenancy.home.environmentID
            for (scope, constraint) in [
                (ConfigEntry.Scope.service(service.id), "config_entries_key_is_unique_in_service"),
                (
                    .environment(environmentID),
                    "config_entries_key_is_unique_in_environment"
                ),
            ] {
                let entries = (1...2).map { Self.entry(scope, "KEY", .variable("\($0)")) }
                let error = try await postgresError { try await Self.insert(entries, pool) }
                #expect(error.constraintName == constraint)
            }
            let rows = try database.count("config_entries")
            #expect(rows == 0)
        }
    }

    @Test("a secret is stored sealed, listed sealed and revealed open")
    func seals() async throws {
        try await withDatabase { database, pool in
            let modules = try Modules(pool)
            let service = Service.sample(database.tenancy)
            try await IntegrationTests.insert([service], pool)
            let drafts = [
                ConfigEntryDraft(key: "PLAIN", value: .variable("shown")),
                ConfigEntryDraft(key: "SECRET", value: .secret(SecretText("hidden-hidden"))),
            ]
            try await pool.inTransaction {
                try await modules.config.setWithinTx($0, serviceID: service.id, entries: drafts)
            }
            let listed = try await modules.config.listConfig(
                of: .service(service.id.description),
                caller: try database.tenancy[.viewer].caller())
            #expect(listed.map(\.key) == ["PLAIN", "SECRET"])
            #expect(listed[0].content == .variable("shown"))
            guard case .secret(let sealed) = listed[1].content else {
                Issue.record("the secret is listed as a variable")
                return
            }
            #expect(!String(decoding: sealed.bytes, as: UTF8.self).contains("hidden"))
            let revealed = try await pool.inSession {
                try await modules.config.reveal(serviceID: service.id, in: $0)
            }
            #expect(
                revealed == [
                    "PLAIN": .variable("shown"), "SECRET": .secret(SecretText("hidden-hidden")),
                ])
        }
    }
}
