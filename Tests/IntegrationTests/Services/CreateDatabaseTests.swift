import Domain
import Policy
import PostgresClient
import Testing

@testable import Services

/// The create call on a real PostgreSQL: everything in one transaction and few round trips, or
/// nothing.
@Suite struct CreateDatabaseTests {
    @Test("a create writes service, credentials, deployment, audit event and request at once")
    func everything() async throws {
        try await withDatabase { database, pool in
            let before = try database.rowsByTable()
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.requestID = "first"
            let member = try database.tenancy[.member]
            let created = try await Modules(pool).services.createDatabase(
                request, caller: try member.caller(callID: "call-1"))

            let after = try database.rowsByTable()
            let added = after.merging(before) { $0 - $1 }.filter { $0.value != 0 }
            #expect(
                added == [
                    "services": 1, "config_entries": 3, "deployments": 1, "audit_events": 1,
                    "create_requests": 1, "environment_servers": 1,
                ])
            let service = created.status.service
            #expect(created.status.state == .queued)
            #expect(service.visibility == .private)
            #expect(service.image == "postgres:16-alpine")
            #expect(service.slug.description == "main-db")
            let audit = try database.run(
                """
                SELECT action, actor_user_id, actor_token_id, target_kind, target_id, workspace_id,
                    request_id, call_id FROM audit_events
                """)
            #expect(
                audit
                    == [
                        "service.create_database", "\(member.userID)", "\(member.tokenID)",
                        "service",
                        "\(service.id)", "\(database.tenancy.home.workspaceID)", "first", "call-1",
                    ].joined(separator: "|"))
            // One transaction: PostgreSQL stamps each row with the id of the one that wrote it.
            let transactions = try database.run(
                """
                SELECT count(DISTINCT xmin::text) FROM (
                    SELECT xmin FROM services UNION ALL SELECT xmin FROM config_entries
                    UNION ALL SELECT xmin FROM deployments UNION ALL SELECT xmin FROM audit_events
                    UNION ALL SELECT xmin FROM create_requests
                ) AS rows
                """)
            #expect(transactions == "1")
        }
    }

    @Test("without deploy_now there is no deployment, and credentials all the same")
    func withoutDeployment() async throws {
        try await withDatabase { database, pool in
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.deployNow = false
            request.serverID = ""
            let created = try await Modules(pool).services.createDatabase(
                request, caller: try database.tenancy[.member].caller())
            #expect(created.deploymentID == nil)
            #expect(created.status.state == .notDeployed)
            #expect(created.connectionURI.revealed.hasPrefix("postgresql://berth:"))
            let rows = try database.rowsByTable()
            #expect(rows["deployments"] == 0)
            #expect(rows["config_entries"] == 3)
            #expect(rows["audit_events"] == 1)
        }
    }

    @Test("what is revealed later is what was answered then")
    func revealed() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            let created = try await services.createDatabase(
                .sample(database.tenancy), caller: caller)
            let parts = try await services.revealConnection(
                id: created.status.service.id.description, caller: caller)
            #expect(parts.uri == created.connectionURI)
            let actions = try database.run("SELECT action FROM audit_events ORDER BY id")
            #expect(actions == "service.create_database\nservice.reveal_connection")
        }
    }

    /// What a call cost; also on a connection that has nothing prepared.
    @Test(
        "authorization costs one round trip, the transaction at most two more",
        arguments: [true, false], ["", "an-id"])
    func roundTrips(_ deployNow: Bool, _ requestID: String) async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            for name in ["on a new connection", "on a prepared connection"] {
                var request = CreateDatabaseRequest.sample(database.tenancy, name: name)
                request.deployNow = deployNow
                request.requestID = requestID.isEmpty ? "" : requestID + name
                let before = pool.statistics
                _ = try await services.createDatabase(request, caller: caller)
                let after = pool.statistics
                #expect(after.roundTrips - before.roundTrips <= 3, "\(name)")
                #expect(after.commits - before.commits == 1, "\(name)")
                #expect(after.rollbacks == before.rollbacks, "\(name)")
            }
            let authorization = pool.statistics.roundTrips
            _ = try await Modules(pool).authorizer.authorize(
                caller.credential, .writeServices,
                in: .environment(database.tenancy.home.environmentID, server: nil))
            #expect(pool.statistics.roundTrips - authorization == 1)
        }
    }

    @Test("who may not create writes nothing, and opens no transaction")
    func denied() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let services = try Modules(pool).services
            let before = try database.rowsByTable()
            var foreignServer = CreateDatabaseRequest.sample(tenancy)
            foreignServer.serverID = tenancy.foreign.serverID.description
            var malformed = CreateDatabaseRequest.sample(tenancy, name: "1")
            malformed.templateID = "oracle"
            let cases: [(Tenancy.Person, CreateDatabaseRequest, Problem.Kind)] = [
                (try tenancy[.viewer], .sample(tenancy), .permissionDenied),
                (try tenancy[.viewer], malformed, .permissionDenied),
                (tenancy.stranger, .sample(tenancy), .notFound),
                (tenancy.stranger, malformed, .notFound),
                (try tenancy[.owner], foreignServer, .notFound),
                (try tenancy[.owner], malformed, .invalidArgument),
            ]
            for (person, request, kind) in cases {
                let statistics = pool.statistics
                let refused = try await problem {
                    _ = try await services.createDatabase(request, caller: try person.caller())
                }
                #expect(refused.kind == kind)
                #expect(pool.statistics.roundTrips == statistics.roundTrips + 1)
                #expect(pool.statistics.commits == statistics.commits)
                #expect(pool.statistics.rollbacks == statistics.rollbacks)
            }
            let after = try database.rowsByTable()
            #expect(after == before)
        }
    }

    @Test("a taken name is refused, names the field, and writes nothing")
    func takenName() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool).services
            let caller = try database.tenancy[.member].caller()
            let first = try await services.createDatabase(
                .sample(database.tenancy), caller: caller)
            let before = try database.rowsByTable()
            let refused = try await problem {
                _ = try await services.createDatabase(
                    .sample(database.tenancy, name: "MAIN-db"), caller: caller)
            }
            #expect(refused.kind == .alreadyExists)
            #expect(refused.violations.map(\.field) == ["name"])
            let after = try database.rowsByTable()
            #expect(after == before)

            _ = try await services.deleteService(
                id: first.status.service.id.description, caller: caller)
            let second = try await services.createDatabase(
                .sample(database.tenancy), caller: caller)
            #expect(second.status.service.slug == first.status.service.slug)
            #expect(second.status.service.id != first.status.service.id)
        }
    }

    @Test("of many that create the same name at once, one wins and the others are told")
    func raceForName() async throws {
        let database = try await MigratedDatabase.make()
        let outcomes = try await atOnce(4, database) { pool in
            var won: [Bool] = []
            for name in (0..<10).map({ "name \($0)" }) {
                won.append(try await Self.tryToCreate(name, database, pool))
            }
            return won
        }
        for index in 0..<10 {
            #expect(outcomes.count { $0[index] } == 1, "name \(index)")
        }
        let rows = try database.rowsByTable()
        #expect(rows["services"] == 10)
        #expect(rows["config_entries"] == 30)
        #expect(rows["deployments"] == 10)
        #expect(rows["audit_events"] == 10)
    }

    /// Whether the name was free.
    private static func tryToCreate(
        _ name: String, _ database: MigratedDatabase, _ pool: ConnectionPool
    ) async throws -> Bool {
        do {
            _ = try await Modules(pool).services.createDatabase(
                .sample(database.tenancy, name: name),
                caller: try database.tenancy[.member].caller())
            return true
        } catch let problem as Problem where problem.kind == .alreadyExists {
            return false
        }
    }
}
