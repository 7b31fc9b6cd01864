import Domain
import PostgresClient
import Testing

@testable import Services

/// Each write of the create call made to fail, early and at commit: nothing stays, nobody is told of
/// a success, and the connection serves the next call.
@Suite struct CreateDatabaseRollbackTests {
    /// Where PostgreSQL shall fail.
    struct Fault: CustomTestStringConvertible {
        let table: String
        var condition = "true"
        /// Whether the failure comes only when COMMIT checks deferred constraints.
        var atCommit = false

        var testDescription: String {
            "\(table)\(condition == "true" ? "" : " where \(condition)")\(atCommit ? " at commit" : "")"
        }

        var sql: String {
            """
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN RAISE EXCEPTION ''made to fail''; END';
            CREATE \(atCommit ? "CONSTRAINT TRIGGER fails AFTER" : "TRIGGER fails BEFORE")
                INSERT ON \(table) \(atCommit ? "DEFERRABLE INITIALLY DEFERRED" : "")
                FOR EACH ROW WHEN (\(condition)) EXECUTE FUNCTION fail();
            """
        }
    }

    static let faults =
        ["services", "config_entries", "deployments", "audit_events", "create_requests"]
        .flatMap { [Fault(table: $0), Fault(table: $0, atCommit: true)] } + [
            Fault(table: "config_entries", condition: "NEW.key = 'POSTGRES_PASSWORD'"),
            Fault(
                table: "audit_events", condition: "NEW.action = 'service.create_database'",
                atCommit: true),
        ]

    @Test("nothing stays of a create that fails", arguments: faults)
    func nothingStays(_ fault: Fault) async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.requestID = "again"
            let before = try database.rowsByTable()
            try database.run(fault.sql)

            let error = try await postgresError {
                _ = try await services.createDatabase(request, caller: caller)
            }
            #expect(error.kind == .serverError)
            #expect(error.sqlState == "P0001")
            #expect(pool.statistics.commits == 0)
            let after = try database.rowsByTable()
            #expect(after == before)

            try database.run("DROP TRIGGER fails ON \(fault.table)")
            let created = try await services.createDatabase(request, caller: caller)
            #expect(created.status.state == .queued)
            #expect(pool.statistics.connects == 1, "the connection was clean")
        }
    }

    @Test("the audit table gone altogether, nothing is created")
    func withoutAuditTable() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            try database.run("ALTER TABLE audit_events RENAME TO audit_events_away")
            let error = try await postgresError {
                _ = try await services.createDatabase(.sample(database.tenancy), caller: caller)
            }
            #expect(error.sqlState == "42P01")
            let rows = try database.rowsByTable()
            #expect(rows["services"] == 0)
            #expect(rows["config_entries"] == 0)
            #expect(rows["deployments"] == 0)
            try database.run("ALTER TABLE audit_events_away RENAME TO audit_events")
            _ = try await services.createDatabase(.sample(database.tenancy), caller: caller)
        }
    }

    @Test("a delete and a reveal whose audit event fails did not happen either")
    func deleteAndReveal() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            let id = try await services.createDatabase(.sample(database.tenancy), caller: caller)
                .status.service.id.description
            try database.run(Fault(table: "audit_events").sql)
            _ = try await postgresError {
                _ = try await services.deleteService(id: id, caller: caller)
            }
            let deleted = try database.run("SELECT count(deleted_at) FROM services")
            #expect(deleted == "0")
            _ = try await postgresError {
                _ = try await services.revealConnection(id: id, caller: caller)
            }
        }
    }
}
