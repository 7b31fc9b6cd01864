import EventLoops
import TestSupport
import Testing

@testable import DockerEngine

/// That the image of scripts/test-image does what the official postgres:16 does.
@Suite(.timeLimit(.minutes(15))) struct TestImageTests {
    /// A server as the agent runs it: in a network, with a volume, and no more rights than needed.
    private func server(
        _ suffix: String, _ environment: [String: String], _ engine: RealEngine
    ) async throws -> String {
        let docker = engine.docker
        if try await docker.network(engine.name("net")) == nil {
            _ = try await docker.createNetwork(
                NetworkSpecification(name: engine.name("net"), labels: engine.labels))
        }
        _ = try await docker.createVolume(engine.name("data"), labels: engine.labels)
        var container = ContainerSpecification(
            name: engine.name(suffix), image: RealEngine.image)
        container.labels = engine.labels
        container.environment = environment
        container.environment["PGDATA"] = "/volume/data"
        container.mounts = [VolumeMount(volume: engine.name("data"), path: "/volume")]
        container.network = NetworkAttachment(network: engine.name("net"), aliases: ["db"])
        container.capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
        container.resources.memoryBytes = 256 * 1024 * 1024
        container.stopTimeout = .seconds(30)
        return try await engine.start(container)
    }

    /// What psql prints for a statement, from a container beside the server, once that listens.
    private func psql(
        _ suffix: String, _ statement: String, user: String, password: String, database: String,
        _ engine: RealEngine
    ) async throws -> String {
        var client = engine.container(
            suffix,
            "until pg_isready -q -h db; do sleep 0.02; done; "
                + "psql -h db -w -X -A -t -c \"$STATEMENT\" 2>&1")
        client.environment = [
            "PGUSER": user, "PGPASSWORD": password, "PGDATABASE": database,
            "STATEMENT": statement,
        ]
        client.network = NetworkAttachment(network: engine.name("net"))
        let id = try await engine.start(client)
        _ = try await engine.docker.waitForContainer(id, deadline: .seconds(300))
        return try await engine.output(of: id)
    }

    @Test func aFreshVolumeBecomesAServerWithThatUserPasswordAndDatabase() async throws {
        try await withRealEngine { _, _, engine in
            let (user, password, database) = ("app user", "p w'\"\\$1", "the \"data\"")
            let id = try await server(
                "first",
                [
                    "POSTGRES_USER": user, "POSTGRES_PASSWORD": password,
                    "POSTGRES_DB": database, "POSTGRES_INITDB_ARGS": "--data-checksums",
                ], engine)
            let facts = """
                SELECT current_user, current_database(), rolsuper, left(rolpassword, 13),
                  pg_encoding_to_char(encoding), datcollate, current_setting('data_checksums'),
                  current_setting('server_version_num')::int / 10000,
                  current_setting('listen_addresses'), current_setting('TimeZone'),
                  (SELECT string_agg(datname, ',' ORDER BY oid) FROM pg_database)
                FROM pg_authid, pg_database WHERE rolname = current_user
                  AND datname = current_database()
                """
            #expect(
                try await psql(
                    "facts", facts, user: user, password: password, database: database, engine)
                    == "\(user)|\(database)|t|SCRAM-SHA-256|UTF8|C.UTF-8|on|16|*|Etc/UTC|"
                    + "template1,template0,postgres,\(database)\n")
            let refused = try await psql(
                "wrong", "SELECT 1", user: user, password: "wrong", database: database, engine)
            #expect(refused.contains("password authentication failed"))

            // Stopped by its own signal it ends well, and a second server finds the same data.
            #expect(try await engine.docker.stopContainer(id, gracePeriod: .seconds(120)))
            #expect(try await engine.docker.container(id)?.state.exitCode == 0)
            try await engine.docker.removeContainer(id)
            _ = try await server("second", ["POSTGRES_PASSWORD": "another"], engine)
            #expect(
                try await psql(
                    "again", "SELECT 1", user: user, password: password, database: database,
                    engine) == "1\n")
        }
    }

    @Test func theDataBelongsToPostgresAlone() async throws {
        try await withRealEngine { _, _, engine in
            _ = try await server("owner", ["POSTGRES_PASSWORD": "p"], engine)
            #expect(
                try await psql(
                    "ready", "SELECT current_user, current_database()", user: "postgres",
                    password: "p", database: "postgres", engine) == "postgres|postgres\n")
            var look = engine.container(
                "look",
                "stat -c '%u:%g %a' /volume/data /volume/data/base; grep -v '^#' "
                    + "/volume/data/pg_hba.conf | grep . | tail -n 1; "
                    + "find /volume/data ! -user 70 | wc -l")
            look.mounts = [VolumeMount(volume: engine.name("data"), path: "/volume")]
            look.capabilities = ["DAC_OVERRIDE"]
            let id = try await engine.start(look)
            _ = try await engine.docker.waitForContainer(id, deadline: .seconds(60))
            #expect(
                try await engine.output(of: id)
                    == "70:70 700\n70:70 700\nhost all all all scram-sha-256\n0\n")
        }
    }

    @Test func withoutAPasswordItEndsAndSaysSo() async throws {
        try await withRealEngine { _, _, engine in
            let id = try await server("none", ["POSTGRES_USER": "app"], engine)
            #expect(try await engine.docker.waitForContainer(id, deadline: .seconds(60)) == 1)
            let logs = try await engine.docker.logs(of: id)
            let record = try #require(try await logs.next(within: .seconds(30)))
            #expect(String(decoding: record.bytes, as: UTF8.self).contains("POSTGRES_PASSWORD"))
        }
    }
}
