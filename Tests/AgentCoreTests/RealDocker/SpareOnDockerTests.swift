import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// Volumes that were initialised ahead, on the machine's own Docker.
@Suite(.timeLimit(.minutes(10))) struct SpareOnDockerTests {
    /// What of a service's database could be one way or another.
    private struct Snapshot: Equatable {
        var identifier = ""
        var parts: [String: [String]] = [:]
    }

    @Test("a warm volume and a cold one end with the same owners, roles, databases and settings")
    func same() async throws {
        let cold = try await SpareOnDockerTests.deploy(isWarm: false)
        let warm = try await SpareOnDockerTests.deploy(isWarm: true)
        let other = try await SpareOnDockerTests.deploy(isWarm: true)
        for (name, lines) in cold.parts {
            #expect(!lines.isEmpty, "\(name)")
            #expect(warm.parts[name] == lines, "\(name)")
        }
        #expect(cold.parts.count == warm.parts.count)
        #expect(Set([cold, warm, other].map(\.identifier)).count == 3)
        #expect(cold.parts["roles"]?.contains { $0.hasPrefix("berth|t|") } == true)
        #expect(cold.parts["passwords"] == ["berth|SCRAM-SHA-256$4096"])
    }

    private static func deploy(isWarm: Bool) async throws -> Snapshot {
        try await withRealServer { loop, server in
            let order = server.order()
            var prepared: [String] = []
            if isWarm {
                let spares = server.makeSpares()
                server.tools.spares = spares
                spares.replaceLayouts([SpareOnDockerTests.layout(order)], on: loop)
                #expect(await spares.fill(on: loop) == nil)
                prepared = spares.waiting.map(\.systemIdentifier)
            }
            let outcome = try await server.run(order).run(on: loop)
            #expect(prepared == (isWarm ? [outcome.systemIdentifier] : []))
            return try await snapshot(server, outcome)
        }
    }

    private static func layout(_ order: DeployOrder) -> DataLayout {
        DataLayout(
            image: order.image, port: order.port, mountPath: order.volume.mountPath,
            dataPath: order.volume.dataPath, limits: order.limits)
    }

    private static func snapshot(
        _ server: RealServer, _ outcome: JobOutcome
    ) async throws -> Snapshot {
        let id = try #require(try await server.containers().first).id
        var snapshot = Snapshot(identifier: outcome.systemIdentifier)
        for (name, script) in files {
            let text = try await server.command("docker", "exec", id, "sh", "-c", script)
            snapshot.parts[name] = text.split(separator: "\n").map(String.init)
        }
        // Each database is asked once: a client is a container.
        let sql = queries.map { "SELECT '\(heading)\($0.key)'; \($0.value)" }.joined(separator: ";")
        for database in ["app", "postgres"] {
            var part = ""
            for line in try await server.psql(sql, database: database).split(separator: "\n") {
                if line.hasPrefix(heading) {
                    part = "\(line.dropFirst(heading.count)) in \(database)"
                    snapshot.parts[part] = []
                } else {
                    snapshot.parts[part]?.append(String(line))
                }
            }
        }
        snapshot.parts["roles"] = snapshot.parts["roles in app"]
        snapshot.parts["passwords"] = snapshot.parts["passwords in app"]
        return snapshot
    }

    private static let files = [
        // The marker is the agent's, and names the service.
        "owners and modes": """
        cd /var/lib/postgresql/data && find . ! -name berth.marker -exec stat -c '%F %u:%g %a' {} + \
        | sort -u; stat -c '%n %u:%g %a' . pgdata berth.marker
        """,
        "folders": "cd /var/lib/postgresql/data && find . -type d | sort",
        "hba": "cat /var/lib/postgresql/data/pgdata/pg_hba.conf",
        "settings' files":
            "cd /var/lib/postgresql/data/pgdata && cat postgresql*.conf pg_ident.conf",
    ]

    private static let heading = "-- "
    private static let queries = [
        "roles": """
        SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
            rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, rolconfig, oid
        FROM pg_roles ORDER BY oid
        """,
        "passwords": """
        SELECT rolname, split_part(rolpassword, ':', 1) FROM pg_authid WHERE rolcanlogin
        """,
        "databases": """
        SELECT oid, datname, datdba::regrole, pg_encoding_to_char(encoding), datlocprovider,
            datcollate, datctype, datistemplate, datallowconn, datconnlimit, datacl
        FROM pg_database ORDER BY oid
        """,
        "settings": """
        SELECT name, setting FROM pg_settings WHERE name NOT LIKE '%random%' ORDER BY name
        """,
        "objects": """
        SELECT n.nspname, pg_get_userbyid(n.nspowner), n.nspacl,
            (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid),
            (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid)
        FROM pg_namespace n ORDER BY n.nspname
        """,
    ]
}
