import Agents
import Auth
import BerthMessages
import Cryptography
import Domain
import EventLoops
import Foundation
import HTTP2
import Messages
import PostgresClient
import RPC
import Services
import StandardMessages
import TestSupport
import Testing
import Workspaces

@testable import ControlPlane

/// Loops as `berthd` composes them, two of one process over one database.
@Suite struct LoopServerTests {
    /// Two loops' servers on the test's own loop, and the listener that tells both.
    final class Pair {
        let servers: [LoopServer]
        let addresses: [SocketAddress]
        let listener: NoticeListener
        let reactor: Reactor
        let signingKey: SigningKey

        init(_ uri: String, _ loop: isolated EventLoop, _ reactor: Reactor) throws {
            let configuration = try LoopServerTests.configuration(uri)
            let key = try SigningKey.generate()
            let workers = try sharedWorkers()
            let servers = try (0..<2).map { _ in
                try LoopServer(
                    configuration, signingKey: key, workers: workers, reactor: reactor,
                    logger: AgentScene.quiet)
            }
            addresses = try servers.map { try $0.start(on: configuration.address, loop: loop) }
            listener = try NoticeListener(
                configuration.pool, workers: workers, reactor: reactor, logger: AgentScene.quiet
            ) { notice in
                for server in servers { server.received(notice) }
            }
            listener.start()
            self.servers = servers
            self.reactor = reactor
            signingKey = key
        }

        func end() async {
            for server in servers { await server.drain(grace: .zero) }
            listener.stop()
        }
    }

    static func configuration(_ uri: String) throws -> ServeConfiguration {
        var configuration = ServeConfiguration(
            address: try #require(SocketAddress("127.0.0.1:0")), databaseURL: uri,
            sealer: try Modules.sealer(),
            fingerprinter: try HMACRequestFingerprinter(masterKey: Modules.masterKey()),
            loops: 2, catalogue: try DatabaseCatalogue(), quotas: ServeConfiguration.Quotas())
        configuration.agents = .patient
        configuration.times.connectionWaitMax = .seconds(60)
        return configuration
    }

    @Test("a loop that sweeps forgets expired requests and has due data removed, again and again")
    func sweeps() async throws {
        let database = try await MigratedDatabase.make()
        try await onLoop { loop, reactor in
            var configuration = try Self.configuration(database.uri)
            configuration.times.sweepInterval = .milliseconds(20)
            let server = try LoopServer(
                configuration, signingKey: try SigningKey.generate(), workers: try sharedWorkers(),
                reactor: reactor, logger: AgentScene.quiet)
            _ = try server.start(on: configuration.address, loop: loop)
            server.sweepRegularly(on: loop)
            let services = try Modules(server.pool).services
            let caller = try database.tenancy[.member].caller()
            for round in 1...2 {
                var request = CreateDatabaseRequest.sample(database.tenancy, name: "n\(round)")
                request.requestID = "r\(round)"
                request.deployNow = false
                let id = try await services.createDatabase(request, caller: caller)
                    .status.service.id.description
                _ = try await services.deleteService(id: id, caller: caller)
                try database.run(
                    """
                    UPDATE create_requests SET created_at = created_at - interval '25 hours';
                    UPDATE services SET purge_at = now() - interval '1 hour' WHERE id = '\(id)'
                    """)
                // Each look stops the loop, which shall have time to sweep in between.
                try await FakeAgent.eventually(reactor) {
                    try await reactor.sleep(for: .milliseconds(100))
                    return try database.count("create_requests") == 0
                }
                try await FakeAgent.eventually(reactor) {
                    try await reactor.sleep(for: .milliseconds(100))
                    return try database.run(
                        "SELECT purged_at IS NOT NULL FROM services WHERE id = '\(id)'")
                        == "t"
                }
            }
            await server.drain(grace: .zero)
        }
    }

    static func play(
        _ body: @escaping @Sendable (MigratedDatabase, Pair) async throws -> Void
    ) async throws {
        let database = try await MigratedDatabase.make()
        try await onLoop { loop, reactor in
            let pair = try Pair(database.uri, loop, reactor)
            do {
                try await FakeAgent.eventually(reactor) { pair.listener.isListening }
                try await body(database, pair)
                await pair.end()
            } catch {
                await pair.end()
                throw error
            }
        }
    }

    /// A unary call of a fake agent's connection with anyone's token.
    static func call<Request: Message, Response: Message>(
        _ agent: FakeAgent, _ method: UnaryMethod<Request, Response>, _ request: Request,
        token: String
    ) async throws -> Response {
        let call = try agent.begin(method.path, token)
        try call.send(request)
        call.finish()
        try await call.ended()
        try #require(call.status == .ok, "\(call.message)")
        return try #require(try call.next(Response.self))
    }

    @Test("a server is created, its agent registers on one loop, connects on the other, is online")
    func wholeWay() async throws {
        try await Self.play { database, pair in
            let token = try database.tenancy[.admin].token.text.revealed
            let agent = try FakeAgent(pair.addresses[0], pair.reactor)
            defer { agent.close() }
            let created = try await Self.call(
                agent, BerthV1.ServerServiceMethods.createServer,
                .with {
                    $0.workspaceID = database.tenancy.home.workspaceID.description
                    $0.name = "db-1"
                }, token: token)
            let server = try #require(created.server)
            #expect(!server.registered)
            let minted = try await Self.call(
                agent, BerthV1.ServerServiceMethods.createRegistrationToken,
                .with { $0.serverID = server.id }, token: token)
            #expect(minted.expireTime != nil)
            try await agent.register(SecretText(minted.registrationToken))
            #expect(agent.serverID == server.id)
            #expect(agent.pinned?.bytes == pair.signingKey.publicKey)
            let connected = try FakeAgent(pair.addresses[1], pair.reactor, like: agent)
            defer { connected.close() }
            try await connected.connect()
            let read = try await Self.call(
                agent, BerthV1.ServerServiceMethods.getServer, .with { $0.serverID = server.id },
                token: token)
            #expect(read.server?.online == true)
            #expect(read.server?.dockerVersion == FakeAgent.host.dockerVersion)
            let list = try await Self.call(
                agent, BerthV1.ServerServiceMethods.listServers,
                .with { $0.workspaceID = database.tenancy.home.workspaceID.description },
                token: token)
            #expect(list.servers.map(\.id).contains(server.id))
            // A newer stream on the first loop ends the one on the second.
            let newer = try FakeAgent(pair.addresses[0], pair.reactor, like: agent)
            defer { newer.close() }
            try await newer.connect()
            try await connected.live().ended()
            #expect(try connected.live().status == .aborted)
        }
    }

    /// Creates a database on the first loop while its agent is connected to the second; gives the
    /// agent's own connection to call with.
    static func create(
        _ database: MigratedDatabase, _ pair: Pair, _ token: String
    ) async throws -> (agent: FakeAgent, created: BerthV1.CreateDatabaseServiceResponse) {
        let caller = try FakeAgent(pair.addresses[0], pair.reactor)
        let minted = try await call(
            caller, BerthV1.ServerServiceMethods.createRegistrationToken,
            .with { $0.serverID = database.tenancy.home.serverID.description }, token: token)
        try await caller.register(SecretText(minted.registrationToken))
        let agent = try FakeAgent(pair.addresses[1], pair.reactor, like: caller)
        try await agent.connect()
        let created = try await call(
            caller, BerthV1.ServiceServiceMethods.createDatabaseService,
            .with {
                $0.environmentID = database.tenancy.home.environmentID.description
                $0.name = "main"
                $0.templateID = "postgres"
                $0.serverID = database.tenancy.home.serverID.description
                $0.deployNow = true
            }, token: token)
        caller.close()
        return (agent, created)
    }

    /// What an agent reports of a job that it was sent.
    static func progress(_ job: AgentV1.Job, _ state: AgentV1.JobState) -> AgentV1.Report.Kind {
        .jobProgress(
            .with {
                $0.reference = job.reference
                $0.serviceID = job.serviceID
                $0.state = state
                $0.message = "as told"
                $0.outcome =
                    state == .succeeded
                    ? .with {
                        $0.pinnedImage = "sha256:ab"
                        $0.volumeName = "berth-data-\(job.serviceID)"
                        $0.initialized = true
                        $0.systemIdentifier = "7"
                    } : nil
            })
    }

    @Test(
        "a create on one loop reaches the agent on the other at once; its reports make it RUNNING")
    func deploys() async throws {
        try await Self.play { database, pair in
            let token = try database.tenancy[.admin].token.text.revealed
            let began = Instant.now()
            let (agent, created) = try await Self.create(database, pair, token)
            defer { agent.close() }
            let job = try await agent.job()
            // Without the notice it would wait for the fallback, of 30 s.
            #expect(began.duration(to: .now()) < .seconds(20))
            #expect(job.reference?.jobID == created.deploymentID)
            guard case .deploy(let deploy) = job.kind else {
                Issue.record("no deploy job")
                return
            }
            #expect(created.connectionURI.contains(try #require(deploy.probe).password))
            let watch = try agent.begin(
                BerthV1.DeploymentServiceMethods.watchDeployment.path, token)
            try watch.send(
                BerthV1.WatchDeploymentRequest.with { $0.deploymentID = created.deploymentID })
            watch.finish()
            var states = [
                try await watch.message(BerthV1.WatchDeploymentResponse.self).deployment?.state
            ]
            for state in [AgentV1.JobState.starting, .verifying, .succeeded] {
                try agent.report(Self.progress(job, state))
                states.append(
                    try await watch.message(BerthV1.WatchDeploymentResponse.self).deployment?.state)
            }
            #expect(states == [.claimed, .starting, .verifying, .running])
            try agent.report(
                .inventory(
                    .with {
                        $0.containers = [
                            .with {
                                $0.serviceID = job.serviceID
                                $0.deploymentID = created.deploymentID
                                $0.fencingToken = job.reference?.fencingToken ?? 0
                                $0.state = .running
                            }
                        ]
                    }))
            try await agent.heartbeat()
            let read = try await Self.call(
                agent, BerthV1.ServiceServiceMethods.getService,
                .with { $0.serviceID = job.serviceID }, token: token)
            #expect(read.service?.state == .running)
        }
    }

    @Test("a reader on one loop sees the logs of an agent on the other, without the password")
    func logs() async throws {
        try await Self.play { database, pair in
            let token = try database.tenancy[.admin].token.text.revealed
            let (agent, _) = try await Self.create(database, pair, token)
            defer { agent.close() }
            let job = try await agent.job()
            guard case .deploy(let deploy) = job.kind else {
                Issue.record("no deploy job")
                return
            }
            try agent.report(Self.progress(job, .succeeded))
            try await agent.heartbeat()
            let reader = try FakeAgent(pair.addresses[0], pair.reactor)
            defer { reader.close() }
            let tail = try reader.begin(BerthV1.DeploymentServiceMethods.tailLogs.path, token)
            try tail.send(
                BerthV1.TailLogsRequest.with {
                    $0.serviceID = job.serviceID
                    $0.follow = true
                })
            tail.finish()
            let request = try await LogRelayTests.logsJob(agent, of: job.serviceID)
            let password = try #require(deploy.probe).password
            try agent.report(LogRelayTests.chunk(request, ["login as \(password)"]))
            let lines = try await tail.message(BerthV1.TailLogsResponse.self).lines
            #expect(lines.map(\.text) == ["login as [redacted]"])
            tail.cancel()
            #expect(try await LogRelayTests.logsJob(agent, of: job.serviceID).stop)
        }
    }

    @Test("who watches is told at once when the server stops")
    func drainsWatchers() async throws {
        try await Self.play { database, pair in
            let token = try database.tenancy[.admin].token.text.revealed
            let (agent, created) = try await Self.create(database, pair, token)
            defer { agent.close() }
            let watch = try agent.begin(
                BerthV1.DeploymentServiceMethods.watchDeployment.path, token)
            try watch.send(
                BerthV1.WatchDeploymentRequest.with { $0.deploymentID = created.deploymentID })
            watch.finish()
            _ = try await watch.message(BerthV1.WatchDeploymentResponse.self)
            let began = Instant.now()
            await pair.servers[1].drain(grace: .seconds(30))
            #expect(began.duration(to: .now()) < .seconds(10))
            try await watch.ended()
            #expect(watch.status == .unavailable)
            try await agent.live().ended()
            #expect(try agent.live().status == .unavailable)
        }
    }

    /// The paths of every method that Berth's own protos declare, so that a new one is among them.
    private static func ownPaths() throws -> [String] {
        var root = URL(filePath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        var paths: [String] = []
        for package in ["controlplane", "agent"] {
            let folder = root.appending(path: "proto/berth/\(package)/v1")
            for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
                var service = ""
                for line in text.split(separator: "\n") {
                    let words = line.split { !$0.isLetter && !$0.isNumber }.map(String.init)
                    if line.hasPrefix("service ") { service = words[1] }
                    guard line.hasPrefix("  rpc ") else { continue }
                    paths.append("/berth.\(package).v1.\(service)/\(words[1])")
                }
            }
        }
        return paths
    }

    @Test("every method refuses who shows no token, and who invents one")
    func strangers() async throws {
        let paths = try Self.ownPaths()
        #expect(paths.count >= 20)
        #expect(paths.contains(AgentV1.AgentServiceMethods.connect.path))
        try await Self.play { _, pair in
            let client = try FakeAgent(pair.addresses[0], pair.reactor)
            defer { client.close() }
            for token in ["", try AccessToken.generate().text.revealed] {
                for path in paths {
                    let call = try client.begin(path, token)
                    // The first field of most requests is the id of what they are about.
                    try call.send(
                        BerthV1.GetServiceRequest.with {
                            $0.serviceID = ServiceID(high: 1, low: 1).description
                        })
                    call.finish()
                    try await call.ended()
                    let what = "\(path): \(String(describing: call.status)) \(call.message)"
                    // A request that is wrong whoever sends it may be told so; the token of Register is
                    // a field of it.
                    let mayBeToldSo =
                        !token.isEmpty || path == AgentV1.AgentServiceMethods.register.path
                    let isToldSo =
                        call.status == .invalidArgument || call.status == .failedPrecondition
                    #expect(
                        call.status == .unauthenticated || (mayBeToldSo && isToldSo), "\(what)")
                }
            }
        }
    }

    @Test("health names both services of agents")
    func health() async throws {
        try await Self.play { _, pair in
            let client = try FakeAgent(pair.addresses[0], pair.reactor)
            defer { client.close() }
            for service in [
                BerthV1.ServerServiceMethods.serviceName, AgentV1.AgentServiceMethods.serviceName,
            ] {
                try await FakeAgent.eventually(pair.reactor) {
                    try await Self.call(
                        client, GRPCHealthV1.HealthMethods.check, .with { $0.service = service },
                        token: ""
                    ).status == .serving
                }
            }
        }
    }

    /// How a call of health on a connection of its own ends; nil when there is no such connection.
    private static func checked(_ address: SocketAddress, _ reactor: Reactor) async -> StatusCode? {
        guard let client = try? FakeAgent(address, reactor) else { return nil }
        defer { client.close() }
        guard let call = try? client.begin(GRPCHealthV1.HealthMethods.check.path, "") else {
            return nil
        }
        try? call.send(GRPCHealthV1.HealthCheckRequest())
        call.finish()
        try? await call.ended()
        return call.status
    }

    @Test("a drain stops listening at once, before the ends of agents' streams are recorded")
    func stopsListeningFirst() async throws {
        let database = try await MigratedDatabase.make()
        try await onLoop { loop, reactor in
            let pair = try Pair(database.uri, loop, reactor)
            let token = try database.tenancy[.admin].token.text.revealed
            let agent = try FakeAgent(pair.addresses[0], pair.reactor)
            defer { agent.close() }
            let minted = try await Self.call(
                agent, BerthV1.ServerServiceMethods.createRegistrationToken,
                .with { $0.serverID = database.tenancy.home.serverID.description }, token: token)
            try await agent.register(SecretText(minted.registrationToken))
            try await agent.connect()
            let draining = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                await pair.servers[0].drain(grace: .seconds(10))
            }
            // Nothing was awaited since: its end cannot be recorded yet.
            #expect(await Self.checked(pair.addresses[0], reactor) != .ok)
            await draining.value
            #expect(try database.run("SELECT online FROM server_presence") == "f")
            await pair.servers[1].drain(grace: .zero)
            pair.listener.stop()
        }
    }

    @Test("a loop that drains ends its agents' streams and records it before it closes its pool")
    func drains() async throws {
        let database = try await MigratedDatabase.make()
        try await onLoop { loop, reactor in
            let pair = try Pair(database.uri, loop, reactor)
            let token = try database.tenancy[.admin].token.text.revealed
            let agent = try FakeAgent(pair.addresses[0], pair.reactor)
            defer { agent.close() }
            let minted = try await Self.call(
                agent, BerthV1.ServerServiceMethods.createRegistrationToken,
                .with { $0.serverID = database.tenancy.home.serverID.description }, token: token)
            try await agent.register(SecretText(minted.registrationToken))
            try await agent.connect()
            await pair.end()
            #expect(try agent.live().status == .unavailable)
            #expect(try database.run("SELECT online FROM server_presence") == "f")
        }
    }
}
