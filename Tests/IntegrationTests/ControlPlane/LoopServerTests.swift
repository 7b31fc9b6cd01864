import Agents
import Auth
import BerthMessages
import Cryptography
import Domain
import EventLoops
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
            let configuration = ServeConfiguration(
                address: try #require(SocketAddress("127.0.0.1:0")), databaseURL: uri,
                sealer: try Modules.sealer(),
                fingerprinter: try HMACRequestFingerprinter(masterKey: Modules.masterKey()),
                loops: 2, catalogue: try DatabaseCatalogue(), quotas: ServeConfiguration.Quotas())
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
