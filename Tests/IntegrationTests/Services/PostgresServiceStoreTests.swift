import Domain
import PostgresClient
import Testing

@testable import Services

@Suite struct PostgresServiceStoreTests {
    static var store: PostgresServiceStore { PostgresServiceStore() }

    @Test("a service is read back as it was written")
    func roundTrip() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(
                database.tenancy, serverID: database.tenancy.home.serverID)
            try await insert([service], pool)
            let found = try await pool.inSession {
                try await Self.store.find(service.id, in: $0).value()
            }
            #expect(found == service)
        }
    }

    @Test("a service that no one wrote is not found")
    func unknown() async throws {
        try await withDatabase { _, pool in
            let found = try await pool.inSession {
                try await Self.store.find(ServiceID(high: 1, low: 1), in: $0).value()
            }
            #expect(found == nil)
        }
    }

    @Test("a list holds the undeleted of its scope alone, newest first, page by page")
    func lists() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let first = (1...5).map { Service.sample(tenancy, slug: "s\($0)", number: $0) }
            let second = Service.sample(
                tenancy, slug: "s1", number: 6, environmentID: tenancy.secondEnvironmentID)
            try await insert(first + [second], pool)
            try await pool.inTransaction { tx in
                _ = try await Self.store.markDeletedWithinTx(
                    tx, first[2].id, at: Tenancy.time, purgeAt: Tenancy.time)
            }
            let newestFirst = [first[4], first[3], first[1], first[0]].map(\.id)

            func page(_ list: ServiceList, after: ServiceID?, limit: Int) async throws
                -> [ServiceID]
            {
                try await pool.inSession {
                    try await Self.store.list(list, after: after, limit: limit, in: $0).value().map(
                        \.id)
                }
            }
            let environment = ServiceList.environment(tenancy.home.environmentID)
            var ids = try await page(environment, after: nil, limit: 100)
            #expect(ids == newestFirst)
            ids = try await page(environment, after: nil, limit: 2)
            #expect(ids == Array(newestFirst[..<2]))
            ids = try await page(environment, after: newestFirst[1], limit: 2)
            #expect(ids == Array(newestFirst[2...]))
            ids = try await page(environment, after: newestFirst[3], limit: 2)
            #expect(ids == [])
            ids = try await page(.project(tenancy.home.projectID), after: nil, limit: 100)
            #expect(ids == [second.id] + newestFirst)
            ids = try await page(.workspace(tenancy.home.workspaceID), after: nil, limit: 100)
            #expect(ids == [second.id] + newestFirst)
            ids = try await page(.workspace(tenancy.foreign.workspaceID), after: nil, limit: 100)
            #expect(ids == [])
        }
    }

    @Test("deleting leaves a tombstone, once")
    func deletes() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy)
            try await insert([service], pool)
            let later = Tenancy.time.advanced(by: .seconds(5))
            let first = try await pool.inTransaction {
                try await Self.store.markDeletedWithinTx($0, service.id, at: later, purgeAt: later)
            }
            #expect(first?.deletedNow == true)
            #expect(first?.service.deletedAt == later)
            #expect(first?.service.updatedAt == later)
            #expect(first?.service.createdAt == service.createdAt)
            let again = try await pool.inTransaction {
                try await Self.store.markDeletedWithinTx(
                    $0, service.id, at: later.advanced(by: .seconds(5)), purgeAt: later)
            }
            #expect(again?.deletedNow == false)
            #expect(again?.service == first?.service)
            let none = try await pool.inTransaction {
                try await Self.store.markDeletedWithinTx(
                    $0, ServiceID(high: 1, low: 1), at: later, purgeAt: later)
            }
            #expect(none == nil)
        }
    }

    @Test("a slug is taken in its environment until its service is deleted")
    func slugs() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let service = Service.sample(tenancy, slug: "main", number: 1)
            let rival = Service.sample(tenancy, slug: "main", number: 2)
            let elsewhere = Service.sample(
                tenancy, slug: "main", number: 3, environmentID: tenancy.secondEnvironmentID)
            try await insert([service, elsewhere], pool)

            let refused = try await problem { try await insert([rival], pool) }
            #expect(refused.kind == .alreadyExists)
            #expect(refused.violations.map(\.field) == ["name"])
            #expect(refused.message.contains("'main'"))

            try await pool.inTransaction {
                _ = try await Self.store.markDeletedWithinTx(
                    $0, service.id, at: Tenancy.time, purgeAt: Tenancy.time)
            }
            try await insert([rival], pool)
            let found = try await pool.inSession {
                try await Self.store.find(rival.id, in: $0).value()
            }
            #expect(found == rival)
        }
    }

    @Test("another violation of the schema is not taken for a taken name")
    func otherViolation() async throws {
        try await withDatabase { database, pool in
            let service = Service.sample(database.tenancy, slug: "localhost")
            let error = try await postgresError { try await insert([service], pool) }
            #expect(error.constraintName == "services_slug_check")
        }
    }
}
