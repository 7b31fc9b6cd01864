import Domain
import PostgresClient
import RPC
import Services
import TestSupport
import Testing

@testable import ControlPlane

/// Success is told only when COMMIT's own answer says COMMIT.
@Suite struct CommitAnswerTests {
    /// Creates once through a proxy that forges COMMIT's answer.
    static func create(
        _ forgery: CommitProxy.Forgery, _ database: MigratedDatabase,
        _ request: CreateDatabaseRequest
    ) async throws -> PostgresError {
        let proxy = try CommitProxy(forgery, target: try TestPostgres.shared())
        let port = try TestPostgres.shared().port
        let uri = "postgresql:///\(database.name)?host=\(proxy.folder)&port=\(port)&user=berth"
        return try await withPool(uri) { loop, pool in
            _ = loop
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            let error = try await postgresError {
                _ = try await services.createDatabase(request, caller: caller)
            }
            #expect(pool.statistics.commits == 0)
            _ = proxy
            return error
        }
    }

    @Test("a COMMIT that is answered by ROLLBACK is no success")
    func answeredByRollback() async throws {
        let database = try await MigratedDatabase.make()
        let error = try await Self.create(
            .answersRollback, database, .sample(database.tenancy))
        #expect(error.kind == .rolledBack)
    }

    @Test("a COMMIT without an answer is an unknown outcome, and a repeated request finds out")
    func unanswered() async throws {
        let database = try await MigratedDatabase.make()
        var request = CreateDatabaseRequest.sample(database.tenancy)
        request.requestID = "once"
        let error = try await Self.create(.cuts, database, request)
        #expect(error.kind == .outcomeUnknown)
        let status = status(for: error)
        #expect(status?.code == .unknown)
        #expect(status?.message.contains("request_id") == true)
        #expect(try database.count("services") == 1, "PostgreSQL did commit")
        try await withPool(database.uri) { [request] loop, pool in
            _ = loop
            let repeated = try await Modules(pool).services.createDatabase(
                request, caller: try database.tenancy[.member].caller())
            #expect(
                "\(repeated.status.service.id)" == (try database.run("SELECT id FROM services")))
        }
        #expect(try database.count("services") == 1)
        #expect(try database.count("config_entries") == 3)
        #expect(try database.count("deployments") == 1)
        #expect(try database.count("audit_events") == 1)
    }
}
