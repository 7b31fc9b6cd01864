import Agents
import Audit
import Auth
import Cryptography
import Domain
import EventLoops
import HTTP2
import Logging
import Policy
import PostgresClient
import RPC
import TestSupport
import Testing

@testable import ControlPlane

/// A migrated database and one or two servers of agents over it, as two processes would be, all on the
/// test's own loop; the jobs are the test's.
final class AgentScene {
    let database: MigratedDatabase
    let reactor: Reactor
    let jobs = FakeJobs()
    /// What the servers of agents log.
    let log = CapturedLog()
    let signingKey: SigningKey
    let first: AgentServer
    let second: AgentServer
    private var agents: [FakeAgent] = []

    static let quiet = Logger(label: "quiet", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Runs `body` in a scene of its own.
    static func play(
        _ limits: @escaping @Sendable (inout AgentLimits) -> Void = { _ in },
        interval: Duration = .seconds(30), listens: Bool = true, isPrivate: Bool = true,
        _ body: @escaping @Sendable (AgentScene) async throws -> Void
    ) async throws {
        let database = try await MigratedDatabase.make()
        try await onLoop { loop, reactor in
            _ = loop
            var agentLimits = AgentLimits.patient
            limits(&agentLimits)
            let scene = try AgentScene(database, reactor, agentLimits, interval, isPrivate)
            if listens { try await scene.listen() }
            do {
                try await body(scene)
                await scene.end()
            } catch {
                await scene.end()
                throw error
            }
        }
    }

    private init(
        _ database: MigratedDatabase, _ reactor: Reactor, _ limits: AgentLimits,
        _ interval: Duration, _ isPrivate: Bool
    ) throws {
        self.database = database
        self.reactor = reactor
        signingKey = try SigningKey.generate()
        first = try AgentServer(
            database.uri, signingKey, jobs, log, limits, interval, isPrivate, reactor)
        second = try AgentServer(
            database.uri, signingKey, jobs, log, limits, interval, isPrivate, reactor)
    }

    private func listen() async throws {
        first.listener.start()
        second.listener.start()
        try await eventually { first.listener.isListening && second.listener.isListening }
    }

    private func end() async {
        for agent in agents { agent.close() }
        await first.end()
        await second.end()
    }

    var serverID: ServerID { database.tenancy.home.serverID }

    /// A registered agent of the first workspace's server that has not connected.
    func agent(of server: AgentServer? = nil) async throws -> FakeAgent {
        let agent = try FakeAgent((server ?? first).address, reactor)
        agents.append(agent)
        try await agent.register(try await mint())
        return agent
    }

    /// The same agent on another connection, as after a restart.
    func again(_ agent: FakeAgent, of server: AgentServer? = nil) throws -> FakeAgent {
        let again = try FakeAgent((server ?? first).address, reactor, like: agent)
        agents.append(again)
        return again
    }

    /// An agent that was welcomed.
    func connectedAgent(of server: AgentServer? = nil) async throws -> FakeAgent {
        let agent = try await agent(of: server)
        try await agent.connect()
        return agent
    }

    /// A new registration token of the server.
    func mint() async throws -> SecretText {
        try await first.module.createRegistrationToken(
            serverID: serverID.description, caller: try database.tenancy[.admin].caller()
        ).secret.text
    }

    /// The server as its members see it.
    func server() async throws -> Server {
        try await first.module.getServer(
            id: serverID.description, caller: try database.tenancy[.viewer].caller())
    }

    /// What was audited of an action, oldest first.
    func audited(_ action: String) throws -> [String] {
        try database.run(
            """
            SELECT detail FROM audit_events
            WHERE action = '\(action)' AND actor_server_id = '\(serverID)' ORDER BY created_at, id
            """
        ).split(separator: "\n").map(String.init)
    }

    /// Waits until a condition holds.
    func eventually(
        within time: Duration = .seconds(60), line: Int = #line,
        _ condition: () async throws -> Bool
    ) async throws {
        try await FakeAgent.eventually(reactor, within: time, line: line, condition)
    }
}

extension AgentLimits {
    /// Those of the program, but for times that a busy machine may take where all is well.
    static var patient: AgentLimits {
        var limits = AgentLimits()
        limits.silenceTimeMax = .seconds(120)
        limits.helloTimeMax = .seconds(60)
        limits.tailBeginTimeMax = .seconds(60)
        limits.stopTimeMax = .seconds(60)
        return limits
    }
}

/// One process's share of agents: what `LoopServer` has of them, with the test's jobs.
final class AgentServer {
    let module: AgentsModule
    let gateway: AgentGateway
    let logs: LogRelay
    let changes: LoopChangeFeed
    let listener: NoticeListener
    let address: SocketAddress
    let pool: ConnectionPool
    private let server: GRPCServer

    init(
        _ uri: String, _ signingKey: SigningKey, _ jobs: FakeJobs, _ log: CapturedLog,
        _ limits: AgentLimits, _ interval: Duration, _ isPrivate: Bool, _ reactor: Reactor
    ) throws {
        let workers = try sharedWorkers()
        let pool = try ConnectionPool(
            reactor: reactor, workers: workers, configuration: .patient(uri),
            logger: AgentScene.quiet)
        let authorizer = PolicyModule(sessions: pool).authorizer
        module = AgentsModule(
            AgentsModule.Dependencies(
                authorizer: authorizer, transactions: pool, sessions: pool, audit: AuditModule(),
                signingKey: signingKey, clock: SystemWallClock()))
        let changes = LoopChangeFeed(reactor: reactor, interval: interval)
        let gateway = module.makeGateway(
            jobs: jobs, changes: changes, limits: limits, reactor: reactor,
            logger: log.logger)
        let logs = LogRelay(sessions: pool, reactor: reactor, limits: limits)
        let router = Router()
        AgentHandler(module, gateway: gateway) { call in
            CallerContext(
                credential: try BearerCredential.parse(call.metadata["authorization"]),
                callID: call.requestID)
        } isPrivate: { _ in
            isPrivate
        }.register(on: router)
        server = GRPCServer(
            reactor: reactor, router: router, logger: AgentScene.quiet,
            statusForError: status(for:))
        address = try server.listen(on: #require(SocketAddress("127.0.0.1:0")))
        listener = try NoticeListener(
            .patient(uri), workers: workers, reactor: reactor,
            logger: AgentScene.quiet
        ) { notice in
            switch notice {
            case .change(let change): changes.received(change)
            case .agentSession(let session): gateway.received(session)
            case .logRequest(let request): gateway.received(request)
            case .logChunk(let chunk): logs.received(chunk)
            case .listening: changes.wakeAll()
            }
        }
        self.pool = pool
        self.gateway = gateway
        self.logs = logs
        self.changes = changes
    }

    func end() async {
        await gateway.stop()
        await server.drain(grace: .zero)
        listener.stop()
        await pool.close()
    }
}
