import Glibc
import TestSupport
import Testing

/// Whatever is killed, and whenever: in the end there is one container, one volume, one state, and the
/// rows that were written.
@Suite struct RandomKillTests {
    /// How often something is killed, with the machine's own Docker and with one that is killed too.
    static let kills = 60
    static let killsWithDocker = 25

    /// A service, and what was found in it once it ran.
    private struct Service {
        let id: String
        let uri: String
        /// The system identifier of the PostgreSQL that the row was written to; nil before that.
        var identifier: String?
    }

    @Test("sixty kills of the agent, berthd and its connections at random moments of deployments")
    func kills() throws { try Self.kill(Self.kills, docker: nil) }

    @Test("the same with a Docker that is killed as well")
    func killsOfDocker() throws { try Self.kill(Self.killsWithDocker, docker: try OwnEngine()) }

    private static func kill(_ kills: Int, docker: OwnEngine?) throws {
        let installation = try Installation()
        var options = installation.options
        if let docker { options.place = docker.place }
        let place = options.place
        options.arguments = ["--template-image", "postgres=\(try Harbour.image)"]
        // Nobody is given this one by chance while the server is killed.
        options.address = "127.0.0.1:\(try FreePort.find())"
        var server = try Berthd(options)
        let agent = try AgentProcess(
            of: server, serverID: installation.serverID,
            token: installation.bootstrap["agent_registration_token"].string)
        var random = SeededGenerator.told()
        var services: [Service] = []
        var landed: [String: Int] = [:]
        for round in 0..<kills {
            // Something is always on its way: a new service, or an old one again.
            if services.count < 5 {
                services.append(try Self.create(installation, server))
            } else {
                let index = Int.random(in: services.indices, using: &random)
                try Self.redeploy(services[index].id, installation, server)
            }
            for index in services.indices { try Self.mark(&services[index], installation, place) }
            usleep(UInt32.random(in: 0..<900_000, using: &random))
            for state in try Self.statesAtWork(installation) { landed[state, default: 0] += 1 }
            if let docker, round % 4 == 3 {
                try docker.end(by: Bool.random(using: &random) ? .kill : .end)
                try docker.start()
                try docker.awaitAnswer()
            } else if round % 7 == 6 {
                try Self.hangUp(installation)
            } else if round % 5 == 4 {
                server.process.signal(SIGKILL)
                _ = try server.process.exitCode()
                server = try Berthd(options)
            } else {
                try agent.end(SIGKILL)
                try agent.start()
            }
        }
        if docker != nil { try Self.awaitAnswers(services, installation, place) }
        print("the kills landed in: \(landed.sorted { $0.key < $1.key })")
        #expect(landed.count >= 2, "all kills hit the same state: \(landed)")
        try Self.settle(installation, agent)
        for index in services.indices {
            try Self.check(services[index], installation, place, "after the kills")
            try Self.mark(&services[index], installation, place)
        }
        // Whatever failed meanwhile, for it was killed too often: what follows succeeds.
        for service in services { try Self.redeploy(service.id, installation, server) }
        try Self.settle(installation, agent)
        for service in services {
            let newest = try Self.check(service, installation, place, "after a last deployment")
                .last
            #expect(newest?.contains("|running|") == true, "\(newest ?? "")")
            #expect(try Docker.containers(of: service.id, in: place).count == 1)
            #expect(try Docker.volumes(of: service.id, in: place).count == 1)
            // The row of the first time that it ran, in the data of that time.
            let row = try Self.query(row, service, installation, place)
            #expect(service.identifier != nil || newest?.contains("|running|") == true)
            if let identifier = service.identifier {
                #expect(row == "\(service.id)|\(identifier)", "\(service)")
            }
        }
        #expect(services.contains { $0.identifier != nil }, "no service ever ran")
        try Self.expectNothingElse(services, installation, place)
        #expect(try server.stop() == 0)
    }

    /// PostgreSQL hangs up on everyone.
    private static func hangUp(_ installation: Installation) throws {
        try installation.run(
            sql: """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
    }

    /// Reads the row, and whose data it lies in.
    private static let row = "SELECT name, system_identifier FROM kept, pg_control_system()"

    /// Writes a row into a service that runs, once, and remembers whose data it is.
    private static func mark(
        _ service: inout Service, _ installation: Installation, _ place: Place
    ) throws {
        guard service.identifier == nil else { return }
        let runs = try installation.run(
            sql: """
                SELECT count(*) FROM deployments
                WHERE service_id = '\(service.id)' AND state = 'running'
                """)
        guard runs != "0" else { return }
        // It may be killed at this very moment; then the next round does it.
        let made = try query(
            "CREATE TABLE IF NOT EXISTS kept AS SELECT '\(service.id)' AS name", service,
            installation, place)
        guard made != nil, let found = try query(row, service, installation, place) else { return }
        service.identifier = found.split(separator: "|").last.map(String.init)
    }

    /// What a sibling gets from a query; nil when it gets none.
    private static func query(
        _ sql: String, _ service: Service, _ installation: Installation, _ place: Place
    ) throws -> String? {
        let finished = try Docker.run(
            [
                "run", "--rm", "--network", "berth-env-\(installation.environmentID)",
                "--entrypoint", "psql", try Harbour.image, "\(service.uri)?connect_timeout=5",
                "--no-psqlrc", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1",
                "--command", sql,
            ], in: place)
        return finished.exitCode == 0
            ? finished.standardOutput.split(separator: "\n").first.map(String.init) ?? "" : nil
    }

    /// Waits until all that shall run serves: a Docker that was killed ends its containers, and the
    /// agent starts them again, or has them deployed anew, one after the other.
    private static func awaitAnswers(
        _ services: [Service], _ installation: Installation, _ place: Place
    ) throws {
        try eventually(within: .seconds(600), "all that runs to answer") {
            try services.allSatisfy { service in
                let runs = try installation.run(
                    sql: """
                        SELECT count(*) FROM deployments
                        WHERE service_id = '\(service.id)' AND state = 'running'
                        """)
                return try runs == "0"
                    || query("SELECT 1", service, installation, place) != nil
            }
        }
    }

    /// The states of what is on its way.
    private static func statesAtWork(_ installation: Installation) throws -> [String] {
        let states = try installation.run(
            sql: """
                SELECT state FROM deployments
                WHERE state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying')
                """)
        return states.split(separator: "\n").map(String.init)
    }

    /// Nothing of the server's is left in Docker but the services', their network and the spares.
    private static func expectNothingElse(
        _ services: [Service], _ installation: Installation, _ place: Place
    ) throws {
        func names(_ kind: [String], _ role: String) throws -> [String] {
            try Docker.lines(
                kind + [
                    "--quiet", "--filter", "label=berth.role=\(role)",
                    "--filter", "label=berth.server=\(installation.serverID)",
                ], in: place)
        }
        #expect(try names(["container", "ls", "--all"], "service").count == services.count)
        #expect(try names(["volume", "ls"], "data").count == services.count)
        #expect(try names(["network", "ls"], "environment").count == 1)
        try eventually(within: .seconds(180), "the spares of all killed agents to be gone") {
            try names(["container", "ls", "--all"], "spare").isEmpty
                && names(["volume", "ls"], "spare").count <= 2
        }
    }

    private static func create(_ installation: Installation, _ server: Berthd) throws -> Service {
        let name = Stage.uniqueName()
        let created = try call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(installation.environmentID), "name": .string(name),
                "templateId": "postgres", "deployNow": true, "requestId": .string(name),
                "serverId": .string(installation.serverID),
            ], installation, server)
        return Service(
            id: created["service"]["id"].string, uri: created["connectionUri"].string)
    }

    private static func redeploy(
        _ service: String, _ installation: Installation, _ server: Berthd
    ) throws {
        try call(
            "DeploymentService/RedeployService", ["serviceId": .string(service)], installation,
            server)
    }

    /// What a call may be told while PostgreSQL hangs up, or the machine is busy.
    private static let transient = [
        "UNAVAILABLE", "UNKNOWN", "ABORTED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED",
    ]

    /// Calls until PostgreSQL does not hang up in the middle; each of these calls may be repeated.
    @discardableResult
    private static func call(
        _ method: String, _ request: JSON, _ installation: Installation, _ server: Berthd
    ) throws -> JSON {
        var answer: Answer?
        try eventually("an answer of \(method)") {
            answer = try Client.grpcurl.call(
                method, request, token: installation.ownerToken, on: server)
            return !transient.contains(answer?.code ?? "")
        }
        #expect(answer?.code == "OK", "\(answer?.message ?? "")")
        return answer?.response ?? .null
    }

    /// A container if a deployment runs, and at most one of everything; gives the service's
    /// deployments, oldest first.
    @discardableResult
    private static func check(
        _ service: Service, _ installation: Installation, _ place: Place, _ when: String
    ) throws -> [String] {
        let history = try installation.run(
            sql: """
                SELECT number, state, attempt, failure_reason, message FROM deployments
                WHERE service_id = '\(service.id)' ORDER BY number
                """
        ).split(separator: "\n").map(String.init)
        let running = history.filter { $0.contains("|running|") }
        #expect(running.count <= 1, "\(when): \(history)")
        #expect(
            try Docker.containers(of: service.id, in: place).count == running.count,
            "\(when): \(history)")
        #expect(
            try Docker.volumes(of: service.id, in: place).count <= 1, "\(when): \(history)")
        // Being killed is the only reason to fail; that of Docker, too often in one deployment, another.
        let reasons =
            place.dockerSocket == nil ? ["AGENT_LOST"] : ["AGENT_LOST", "DOCKER_UNAVAILABLE"]
        for line in history where line.contains("|failed|") {
            #expect(reasons.contains { line.contains($0) }, "\(when): \(line)")
        }
        return history
    }

    /// Waits until no deployment is on its way, and what was given up is undone.
    private static func settle(
        _ installation: Installation, _ agent: AgentProcess
    ) throws {
        var left = ""
        do {
            try eventually(within: .seconds(600), "all deployments to end") {
                left = try installation.run(
                    sql: """
                        SELECT string_agg(state || ' ' || message, '; ') FROM (
                            SELECT state, message FROM deployments
                            WHERE state IN ('queued', 'claimed', 'pulling', 'starting', 'verifying')
                            UNION ALL SELECT kind, message FROM service_jobs
                        ) AS work
                        """)
                return left.isEmpty
            }
        } catch {
            throw ChildProcess.Failed(
                description: "\(error): \(left)\nagent: \(agent.log.suffix(3000))")
        }
    }
}

/// A generator whose seed a failure can tell (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// One with a seed by chance, which is printed.
    static func told() -> SeededGenerator {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("random kills: seed \(seed)")
        return SeededGenerator(seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
