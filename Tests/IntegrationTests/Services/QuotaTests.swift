import Domain
import PostgresClient
import Testing

@testable import ControlPlane
@testable import Services

/// What one tenant may use up, also when many ask at once.
@Suite struct QuotaTests {
    static func quotas(
        services: Int32 = 1000, waiting: Int32 = 1000
    ) -> ServeConfiguration.Quotas {
        var quotas = ServeConfiguration.Quotas()
        quotas.servicesPerWorkspaceMax = services
        quotas.deploymentsWaitingPerServerMax = waiting
        return quotas
    }

    /// Creates until refused and gives how many were created.
    static func createUntilRefused(
        _ database: MigratedDatabase, _ pool: ConnectionPool, _ quotas: ServeConfiguration.Quotas,
        prefix: String, deployNow: Bool = true, says: String
    ) async throws -> Int {
        let services = try Modules(pool, quotas: quotas).services
        let caller = try database.tenancy[.member].caller()
        for number in 0..<100 {
            var request = CreateDatabaseRequest.sample(
                database.tenancy, name: "\(prefix)\(number)")
            request.deployNow = deployNow
            do {
                _ = try await services.createDatabase(request, caller: caller)
            } catch let problem as Problem where problem.kind == .resourceExhausted {
                #expect(problem.message.contains(says), "\(problem)")
                return number
            }
        }
        return 100
    }

    @Test("a workspace has so many services and no more; the refused one left nothing")
    func services() async throws {
        try await withDatabase { database, pool in
            let created = try await Self.createUntilRefused(
                database, pool, Self.quotas(services: 3), prefix: "a",
                says: "services_per_workspace_max")
            #expect(created == 3)
            let rows = try database.rowsByTable()
            #expect(rows["services"] == 3)
            #expect(rows["config_entries"] == 9)
            #expect(rows["audit_events"] == 3)
        }
    }

    @Test("a deleted service makes room; another workspace's takes none")
    func room() async throws {
        try await withDatabase { database, pool in
            let tenancy = database.tenancy
            let services = try Modules(pool, quotas: Self.quotas(services: 1)).services
            let member = try tenancy[.member].caller()
            let first = try await services.createDatabase(.sample(tenancy), caller: member)
            let theirs = CreateDatabaseRequest(
                environmentID: tenancy.foreign.environmentID.description, name: "main",
                templateID: "postgres")
            _ = try await services.createDatabase(
                theirs, caller: try tenancy.stranger.caller())
            let refused = try await problem {
                _ = try await services.createDatabase(
                    .sample(tenancy, name: "second"), caller: member)
            }
            #expect(refused.kind == .resourceExhausted)
            _ = try await services.deleteService(
                id: first.status.service.id.description, caller: member)
            _ = try await services.createDatabase(
                .sample(tenancy, name: "second"), caller: member)
        }
    }

    @Test("the last request of a full workspace may still be repeated")
    func repeatedAtQuota() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool, quotas: Self.quotas(services: 1, waiting: 1)).services
            let request = RepeatedRequestTests.request(database.tenancy)
            let caller = try database.tenancy[.member].caller()
            let first = try await services.createDatabase(request, caller: caller)
            let again = try await services.createDatabase(request, caller: caller)
            #expect(again == first)
        }
    }

    @Test("so many deployments wait for a server and no more, until one is taken or called off")
    func waiting() async throws {
        try await withDatabase { database, pool in
            let quotas = Self.quotas(waiting: 2)
            let says = "deployments_waiting_per_server_max"
            var created = try await Self.createUntilRefused(
                database, pool, quotas, prefix: "a", says: says)
            #expect(created == 2)
            #expect(try database.count("services") == 2)
            // Without a deployment there is no limit to reach.
            created = try await Self.createUntilRefused(
                database, pool, quotas, prefix: "b", deployNow: false, says: says)
            #expect(created == 100)
            try database.run(
                """
                UPDATE deployments SET state = 'claimed', lease_holder = 'agent',
                    lease_until = now(), fencing_token = 1
                WHERE id = (SELECT id FROM deployments LIMIT 1)
                """)
            created = try await Self.createUntilRefused(
                database, pool, quotas, prefix: "c", says: says)
            #expect(created == 1)
            let queued = try database.run(
                "SELECT service_id FROM deployments WHERE state = 'queued' LIMIT 1")
            _ = try await Modules(pool).services.deleteService(
                id: queued, caller: try database.tenancy[.member].caller())
            created = try await Self.createUntilRefused(
                database, pool, quotas, prefix: "d", says: says)
            #expect(created == 1)
        }
    }

    /// More than the margin of 64 within which the schema's functions take a lock: the race begins
    /// without one and ends with it.
    static let raced: Int32 = 100

    @Test(
        "of many that race for the last places nobody gets one too many, whatever the isolation",
        arguments: ["read committed", "repeatable read", "serializable"])
    func race(isolation: String) async throws {
        let database = try await MigratedDatabase.make()
        try database.run(
            """
            ALTER DATABASE \(database.name) SET default_transaction_isolation = '\(isolation)'
            """)
        let names = Counter()
        let created = try await atOnce(4, database) { pool in
            try await Self.createUntilRefused(
                database, pool, Self.quotas(services: Self.raced), prefix: "loop-\(names.next())-",
                says: "services_per_workspace_max")
        }
        #expect(created.reduce(0, +) == Int(Self.raced))
        #expect(try database.count("services") == Int(Self.raced))
    }

    @Test("of many that race for the last places in a server's queue nobody gets one too many")
    func raceForQueue() async throws {
        let database = try await MigratedDatabase.make()
        let names = Counter()
        let created = try await atOnce(4, database) { pool in
            try await Self.createUntilRefused(
                database, pool, Self.quotas(waiting: Self.raced), prefix: "loop-\(names.next())-",
                says: "deployments_waiting_per_server_max")
        }
        #expect(created.reduce(0, +) == Int(Self.raced))
        #expect(try database.count("deployments") == Int(Self.raced))
    }
}
