import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// An environment lives on one server.
@Suite struct EnvironmentServerTests {
    /// A second server of the first workspace.
    static func addServer(_ database: MigratedDatabase, _ name: String = "second") throws -> String
    {
        try database.run(
            """
            INSERT INTO servers (id, workspace_id, name, created_at)
            VALUES (gen_random_uuid(), '\(database.tenancy.home.workspaceID)', '\(name)', now())
            RETURNING id
            """)
    }

    @Test("the first deployment says where; another server is refused, by name, and writes nothing")
    func pins() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let other = try Self.addServer(database)
            var elsewhere = CreateDatabaseRequest.sample(database.tenancy, name: "other")
            elsewhere.serverID = other
            // Nothing is pinned by a service that is not deployed.
            elsewhere.deployNow = false
            let waiting = try await engine.modules.services.createDatabase(
                elsewhere, caller: engine.caller
            ).status.service.id
            let (service, _) = try await engine.create()
            let before = try database.rowsByTable()
            elsewhere.deployNow = true
            elsewhere.name = "third"
            let name = try database.run(
                "SELECT name FROM servers WHERE id = '\(engine.serverID)'")
            for call in [
                {
                    _ = try await engine.modules.services.createDatabase(
                        elsewhere, caller: engine.caller)
                },
                {
                    _ = try await engine.modules.deployments.deployService(
                        id: waiting.description, serverID: "", caller: engine.caller)
                },
            ] {
                let refused = try await problem(call)
                #expect(refused.kind == .failedPrecondition)
                #expect(refused.message.contains(engine.serverID.description))
                #expect(refused.message.contains("'\(name)'"))
            }
            #expect(try database.rowsByTable() == before)
            // The other environment is free to live there.
            elsewhere.environmentID = database.tenancy.secondEnvironmentID.description
            _ = try await engine.modules.services.createDatabase(elsewhere, caller: engine.caller)
            _ = try await engine.redeploy(service)
        }
    }

    @Test("of many first deployments to two servers at once, all that succeed go to one")
    func race() async throws {
        for round in 0..<5 {
            let database = try await MigratedDatabase.make()
            let servers = [
                database.tenancy.home.serverID.description, try Self.addServer(database),
            ]
            let counter = Counter()
            let outcomes = try await atOnce(4, database) { pool in
                let engine = try Engine(database, pool)
                let number = counter.next()
                var won: [String] = []
                for step in 0..<3 {
                    var request = CreateDatabaseRequest.sample(
                        database.tenancy, name: "s\(number)-\(step)")
                    request.serverID = servers[(number + step) % 2]
                    do {
                        _ = try await engine.modules.services.createDatabase(
                            request, caller: engine.caller)
                        won.append(request.serverID)
                    } catch let problem as Problem where problem.kind == .failedPrecondition {
                        continue
                    }
                }
                return won
            }.flatMap { $0 }
            #expect(Set(outcomes).count == 1, "round \(round)")
            #expect(outcomes.count == 6)
            let stored = try database.run("SELECT DISTINCT server_id FROM deployments")
            #expect(stored == outcomes.first)
        }
    }

    @Test("a service that was made without a deployment is deployed once, where it is told")
    func deploys() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let deployments = engine.modules.deployments
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.deployNow = false
            request.serverID = ""
            let service = try await engine.modules.services.createDatabase(
                request, caller: engine.caller
            ).status.service.id
            func deploy(_ server: String) async throws -> Deployment {
                try await deployments.deployService(
                    id: service.description, serverID: server, caller: engine.caller)
            }
            let unnamed = try await problem { _ = try await deploy("") }
            #expect(unnamed.violations.map(\.field) == ["server_id"])
            let foreign = try await problem {
                _ = try await deploy(database.tenancy.foreign.serverID.description)
            }
            #expect(foreign.kind == .notFound)
            let never = try await problem { _ = try await engine.redeploy(service) }
            #expect(never.kind == .failedPrecondition)
            let deployment = try await deploy(engine.serverID.description)
            #expect(deployment.state == .queued)
            #expect(deployment.trigger == .deploy)
            let status = try await engine.status(service)
            #expect(status.service.serverID == engine.serverID)
            #expect(status.state == .queued)
            let again = try await problem { _ = try await deploy("") }
            #expect(again.kind == .failedPrecondition)
            let actions = try database.run("SELECT action FROM audit_events ORDER BY id")
            #expect(actions == "service.create_database\nservice.deploy")
        }
    }

    @Test("of many that deploy one service for the first time at once, one does")
    func deployRace() async throws {
        let database = try await MigratedDatabase.make()
        var request = CreateDatabaseRequest.sample(database.tenancy)
        request.deployNow = false
        let service = try await withPool(database.uri) { [request] loop, pool in
            _ = loop
            let engine = try Engine(database, pool)
            return try await engine.modules.services.createDatabase(
                request, caller: engine.caller
            ).status.service.id
        }
        let won = try await atOnce(4, database) { pool in
            let engine = try Engine(database, pool)
            do {
                _ = try await engine.modules.deployments.deployService(
                    id: service.description, serverID: "", caller: engine.caller)
                return true
            } catch let problem as Problem where problem.kind == .failedPrecondition {
                return false
            }
        }
        #expect(won.count { $0 } == 1)
        #expect(try database.count("deployments") == 1)
    }
}
