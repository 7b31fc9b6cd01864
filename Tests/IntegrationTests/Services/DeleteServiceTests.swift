import Domain
import PostgresClient
import Services
import Testing

/// Deleting on a real PostgreSQL.
@Suite struct DeleteServiceTests {
    @Test("deleting calls off what waits to be deployed; there is nothing to remove")
    func cancels() async throws {
        try await withDatabase { database, pool in
            let modules = try Modules(pool)
            let caller = try database.tenancy[.member].caller()
            let created = try await modules.services.createDatabase(
                .sample(database.tenancy), caller: caller)
            let id = try #require(created.deploymentID)
            let deleted = try await modules.services.deleteService(
                id: created.status.service.id.description, caller: caller)
            #expect(deleted.state == .deleted)
            let found = try database.run(
                "SELECT state, message FROM deployments WHERE id = '\(id)'")
            #expect(found == "cancelled|the service was deleted")
            #expect(try database.count("service_jobs") == 0)
        }
    }

    @Test("many that delete one service at once: it is deleted and audited once")
    func race() async throws {
        let database = try await MigratedDatabase.make()
        let id = try await withPool(database.uri) { loop, pool in
            _ = loop
            return try await Modules(pool).services.createDatabase(
                .sample(database.tenancy), caller: try database.tenancy[.member].caller()
            ).status.service.id
        }
        let times = try await atOnce(4, database) { pool in
            try await Modules(pool).services.deleteService(
                id: id.description, caller: try database.tenancy[.member].caller()
            ).service.deletedAt
        }
        #expect(Set(times).count == 1)
        let events = try database.run(
            "SELECT count(*) FROM audit_events WHERE action = 'service.delete'")
        #expect(events == "1")
    }
}
