import Glibc
import TestSupport
import Testing

/// Whatever is killed, and whenever: in the end there is one container, one volume, one state.
@Suite struct RandomKillTests {
    /// How often something is killed.
    static let kills = 60

    @Test("sixty kills of the agent, berthd and its connections at random moments of deployments")
    func kills() throws {
        let installation = try Installation()
        var options = installation.options
        options.arguments = ["--template-image", "postgres=\(try Harbour.image)"]
        var server = try Berthd(options)
        options.address = server.address
        let agent = try AgentProcess(
            of: server, serverID: installation.serverID,
            token: installation.bootstrap["agent_registration_token"].string)
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed)
        print("random kills: seed \(seed)")
        var services: [String] = []
        for round in 0..<Self.kills {
            // Something is always on its way: a new service, or an old one again.
            if services.count < 5 {
                services.append(try Self.create(installation, server))
            } else {
                let service = services[Int.random(in: services.indices, using: &random)]
                try Self.redeploy(service, installation, server)
            }
            usleep(UInt32.random(in: 0..<900_000, using: &random))
            if round % 7 == 6 {
                // PostgreSQL hangs up on everyone.
                try installation.run(
                    sql: """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()
                        """)
            } else if round % 5 == 4 {
                server.process.signal(SIGKILL)
                _ = try server.process.exitCode()
                server = try Berthd(options)
            } else {
                try agent.end(SIGKILL)
                try agent.start()
            }
        }
        try Self.settle(installation, services, agent)
        for service in services { try Self.check(service, installation, "after the kills") }
        // Whatever failed meanwhile, for it was killed too often: what follows succeeds.
        for service in services { try Self.redeploy(service, installation, server) }
        try Self.settle(installation, services, agent)
        for service in services {
            let newest = try Self.check(service, installation, "after a last deployment").last
            #expect(newest?.contains("|running|") == true, "\(newest ?? "")")
            #expect(try Docker.containers(of: service).count == 1)
            #expect(try Docker.volumes(of: service).count == 1)
        }
        #expect(try server.stop() == 0)
    }

    private static func create(_ installation: Installation, _ server: Berthd) throws -> String {
        let name = Stage.uniqueName()
        return try call(
            "ServiceService/CreateDatabaseService",
            [
                "environmentId": .string(installation.environmentID), "name": .string(name),
                "templateId": "postgres", "deployNow": true, "requestId": .string(name),
                "serverId": .string(installation.serverID),
            ], installation, server)["service"]["id"].string
    }

    private static func redeploy(
        _ service: String, _ installation: Installation, _ server: Berthd
    ) throws {
        try call(
            "DeploymentService/RedeployService", ["serviceId": .string(service)], installation,
            server)
    }

    /// Calls until PostgreSQL does not hang up in the middle; each of these calls may be repeated.
    @discardableResult
    private static func call(
        _ method: String, _ request: JSON, _ installation: Installation, _ server: Berthd
    ) throws -> JSON {
        var answer: Answer?
        try eventually("an answer of \(method)") {
            answer = try Client.grpcurl.call(
                method, request, token: installation.ownerToken, on: server)
            return answer?.code != "UNAVAILABLE" && answer?.code != "UNKNOWN"
        }
        #expect(answer?.code == "OK", "\(answer?.message ?? "")")
        return answer?.response ?? .null
    }

    /// A container if a deployment runs, and at most one of everything; gives the service's
    /// deployments, oldest first.
    @discardableResult
    private static func check(
        _ service: String, _ installation: Installation, _ when: String
    ) throws -> [String] {
        let history = try installation.run(
            sql: """
                SELECT number, state, attempt, failure_reason, message FROM deployments
                WHERE service_id = '\(service)' ORDER BY number
                """
        ).split(separator: "\n").map(String.init)
        let running = history.filter { $0.contains("|running|") }
        #expect(running.count <= 1, "\(when): \(history)")
        #expect(
            try Docker.containers(of: service).count == running.count, "\(when): \(history)")
        #expect(try Docker.volumes(of: service).count <= 1, "\(when): \(history)")
        // Being killed is the only reason to fail.
        for line in history where line.contains("|failed|") {
            #expect(line.contains("AGENT_LOST"), "\(when): \(line)")
        }
        return history
    }

    /// Waits until no deployment is on its way, and what was given up is undone.
    private static func settle(
        _ installation: Installation, _ services: [String], _ agent: AgentProcess
    ) throws {
        var left = ""
        do {
            try eventually(within: .seconds(180), "all deployments to end") {
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

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
