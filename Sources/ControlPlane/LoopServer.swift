import Agents
import BerthMessages
import Cryptography
import Deployments
import EventLoops
import HTTP2
import Logging
import Metrics
import PostgresClient
import RPC
import Services
import StandardMessages
import TLS

/// Everything that one event loop serves with: its own pool, modules, router and listener.
final class LoopServer {
    let pool: ConnectionPool
    private let server: GRPCServer
    private let health: HealthService
    private let modules: LoopModules
    private let changes: LoopChangeFeed
    private let gateway: AgentGateway
    private let logs: LogRelay
    private let tls: TLSAcceptor?
    private let lag: LoopLag
    private let reactor: Reactor
    private let logger: Logger
    private var isDraining = false
    private var probe: LoopTimer?
    private var sweep: LoopTimer?

    /// The names that health is asked by: the whole server and each of its own services.
    private static let healthNames = [
        "", BerthV1.ServiceServiceMethods.serviceName,
        BerthV1.DeploymentServiceMethods.serviceName, BerthV1.ConfigServiceMethods.serviceName,
        BerthV1.ServerServiceMethods.serviceName, AgentV1.AgentServiceMethods.serviceName,
    ]
    private let times: ServeConfiguration.Times

    /// Assembles a loop's server.
    ///
    /// - Parameters:
    ///   - workers: Where names are resolved.
    ///   - cancelWorkers: Where statements are cancelled, which blocks as long as PostgreSQL hangs;
    ///     nil for `workers`.
    init(
        _ configuration: ServeConfiguration, signingKey: SigningKey, workers: WorkerPool,
        cancelWorkers: WorkerPool? = nil, reactor: Reactor, logger: Logger
    ) throws {
        self.reactor = reactor
        self.logger = logger
        times = configuration.times
        lag = LoopLag(reactor: reactor)
        pool = try ConnectionPool(
            reactor: reactor, workers: workers, cancelWorkers: cancelWorkers,
            configuration: configuration.pool, logger: logger)
        let streams = AnonymousStreams(configuration.limits)
        health = HealthService(reactor: reactor, streams: streams)
        let router = Router()
        router.observe(.callLog(logger))
        let tokens = TokenCallLimit(configuration.quotas)
        router.observe(tokens.observer)
        router.intercept(CommitRecording.interceptor, where: CommitRecording.concerns)
        health.register(on: router)
        try ReflectionService(
            fileDescriptorSet: BerthDescriptors.fileDescriptorSet, streams: streams
        ).register(on: router)
        changes = LoopChangeFeed(reactor: reactor, interval: configuration.changeInterval)
        logs = LogRelay(sessions: pool, reactor: reactor, limits: configuration.agents)
        modules = LoopModules(
            pool: pool, configuration: configuration, signingKey: signingKey, tokens: tokens,
            changes: changes, logs: logs)
        gateway = modules.makeGateway(
            configuration, changes: changes, reactor: reactor, logger: logger)
        modules.register(on: router, gateway: gateway, configuration: configuration)
        TokenCallLimit.admit(on: router)
        configuration.limitRequests(on: router)
        server = GRPCServer(
            reactor: reactor, router: router, limits: configuration.limits,
            webOrigins: configuration.webOrigins, logger: logger,
            statusForError: status(for:))
        tls = try configuration.tls.map { try TLSAcceptor($0.credentials, reactor: reactor) }
        tls?.handshakeFailed = { error in
            // Anyone who can connect can cause it: no louder than this.
            logger.debug("TLS handshake failed", metadata: ["error": "\(error)"])
        }
    }

    /// Begins to take connections, and to tell whether PostgreSQL is there.
    func start(on address: SocketAddress, loop: isolated EventLoop) throws -> SocketAddress {
        pool.availabilityChanged = { [weak self] _ in self?.updateHealth() }
        updateHealth()
        lag.start()
        probeDatabase(on: loop)
        guard let tls else { return try server.listen(on: address) }
        return try server.listen(on: address) { try tls.stream(over: $0) }
    }

    /// Acts on what the process heard.
    func received(_ notice: Notice) {
        switch notice {
        case .change(let change): changes.received(change)
        case .agentSession(let session):
            gateway.received(session)
            // Whether a service's agent is there is part of the service's state.
            changes.wakeEnvironments()
        case .logRequest(let request): gateway.received(request)
        case .logChunk(let chunk): logs.received(chunk)
        case .listening:
            changes.wakeAll()
            logs.endAll()
        }
    }

    /// Shows new connections these credentials; those that exist go on with theirs.
    func replaceCredentials(_ credentials: ServerCredentials) {
        do {
            try tls?.replaceCredentials(credentials)
        } catch {
            // Checked before they were handed out: only want of memory leads here.
            logger.error("TLS credentials not replaced", metadata: ["error": "\(error)"])
        }
    }

    /// Refuses new work, lets running calls finish, then closes the pool.
    ///
    /// Whoever looks for a server must not come here any more from the first moment on: recording the
    /// ends of agents' streams may take its time.
    func drain(grace: Duration) async {
        isDraining = true
        lag.stop()
        probe?.cancel()
        sweep?.cancel()
        health.stop()
        server.beginDrain(grace: grace)
        changes.stop()
        logs.stop()
        await gateway.stop()
        await server.drained()
        await pool.close()
    }

    /// What this loop did and does.
    func metricFamilies() -> [MetricFamily] {
        server.metricFamilies() + pool.statistics.metricFamilies + [
            MetricFamily(
                "berth_loop_lag_seconds", .histogram, help: "How late the loop's timers come.",
                [.init([], .histogram(lag.counts))])
        ] + (tls?.handshakes.metricFamilies ?? [])
    }

    private func updateHealth() {
        for service in LoopServer.healthNames {
            health.set(pool.isAvailable ? .serving : .notServing, for: service)
        }
    }

    /// A quiet server would not notice that PostgreSQL left or came back, and a busy one not that it
    /// hangs.
    private func probeDatabase(on loop: isolated EventLoop) {
        Task.immediate(executorPreference: loop.executor) {
            _ = loop
            // The pool notes the outcome and reports it by `availabilityChanged`.
            await pool.assess(within: times.probeDurationMax)
            guard !isDraining else { return }
            probe = reactor.schedule(after: times.probeInterval) { [weak self] in
                self?.probeDatabase(on: loop)
            }
        }
    }

    /// Does now and then what time brings: forgets expired create requests, removes data that is kept
    /// no longer, gives up deployments that take too long. One loop of a process does it.
    func sweepRegularly(on loop: isolated EventLoop) {
        sweep = reactor.schedule(after: times.sweepInterval) { [weak self] in
            Task.immediate(executorPreference: loop.executor) {
                _ = loop
                guard let self, !self.isDraining else { return }
                await self.sweep("create requests") {
                    try await self.modules.services.sweepCreateRequests()
                }
                await self.sweep("data of deleted services") {
                    try await self.modules.services.sweepPurges()
                }
                await self.sweep("overdue deployments") {
                    try await self.modules.deployments.sweepOverdue()
                }
                self.sweepRegularly(on: loop)
            }
        }
    }

    private func sweep(_ what: String, _ body: () async throws -> Int) async {
        do {
            _ = try await body()
        } catch {
            logger.warning("\(what): not swept", metadata: ["error": "\(error)"])
        }
    }
}
