import Audit
import Auth
import BerthMessages
import Config
import Deployments
import Domain
import EventLoops
import HTTP2
import Logging
import Policy
import PostgresClient
import RPC
import Services
import StandardMessages

/// Everything that one event loop serves with: its own pool, modules, router and listener.
final class LoopServer {
    let pool: ConnectionPool
    private let server: GRPCServer
    private let health: HealthService
    private let reactor: Reactor
    private let logger: Logger
    private var isDraining = false
    private var probe: LoopTimer?

    /// The names that health is asked by: the whole server and each of its own services.
    private static let healthNames = [
        "", BerthV1.ServiceServiceMethods.serviceName,
        BerthV1.DeploymentServiceMethods.serviceName, BerthV1.ConfigServiceMethods.serviceName,
    ]
    /// How often PostgreSQL is asked whether it is there while no call does.
    private static let probeInterval = Duration.seconds(2)

    init(
        _ configuration: ServeConfiguration, workers: WorkerPool, reactor: Reactor, logger: Logger
    ) throws {
        self.reactor = reactor
        self.logger = logger
        pool = try ConnectionPool(
            reactor: reactor, workers: workers, configuration: configuration.pool, logger: logger)
        health = HealthService(reactor: reactor)
        let router = Router()
        router.intercept(Interceptors.callLog(logger))
        health.register(on: router)
        try ReflectionService(fileDescriptorSet: BerthDescriptors.fileDescriptorSet)
            .register(on: router)
        registerModules(on: router, pool: pool, configuration: configuration)
        server = GRPCServer(
            reactor: reactor, router: router, logger: logger, statusForError: status(for:))
    }

    /// Begins to take connections, and to tell whether PostgreSQL is there.
    func start(on address: SocketAddress, loop: isolated EventLoop) throws -> SocketAddress {
        pool.availabilityChanged = { [unowned self] _ in updateHealth() }
        updateHealth()
        probeDatabase(on: loop)
        return try server.listen(on: address)
    }

    /// Refuses new work, lets running calls finish, then closes the pool.
    func drain(grace: Duration) async {
        isDraining = true
        probe?.cancel()
        health.stop()
        await server.drain(grace: grace)
        await pool.close()
    }

    private func updateHealth() {
        for service in LoopServer.healthNames {
            health.set(pool.isAvailable ? .serving : .notServing, for: service)
        }
    }

    /// A quiet server would not notice that PostgreSQL left or came back.
    private func probeDatabase(on loop: isolated EventLoop) {
        Task.immediate(executorPreference: loop.executor) {
            _ = loop
            // The pool notes the outcome and reports it by `availabilityChanged`.
            try? await pool.ping()
            guard !isDraining else { return }
            probe = reactor.schedule(after: LoopServer.probeInterval) { [weak self] in
                self?.probeDatabase(on: loop)
            }
        }
    }
}

/// Builds the modules, joins them at their ports and registers their handlers.
private func registerModules(
    on router: Router, pool: ConnectionPool, configuration: ServeConfiguration
) {
    let clock = SystemWallClock()
    let authorizer = PolicyModule(sessions: pool).authorizer
    let config = ConfigModule(
        authorizer: authorizer, sessions: pool, sealer: configuration.sealer, clock: clock)
    let deployments = DeploymentsModule(authorizer: authorizer, sessions: pool)
    let services = ServicesModule(
        ServicesModule.Dependencies(
            authorizer: authorizer, transactions: pool, sessions: pool, configSetter: config,
            configRevealer: config, deploymentEnqueuer: deployments,
            deploymentStates: deployments, audit: AuditModule(),
            catalogue: configuration.catalogue, clock: clock))
    ServiceHandler(services, caller: caller(of:)).register(on: router)
    DeploymentHandler(deployments, caller: caller(of:)).register(on: router)
    ConfigHandler(config, caller: caller(of:)).register(on: router)
}

/// Reads who calls; the token itself goes no further than its hash.
private func caller(of call: CallContext) throws -> CallerContext {
    CallerContext(
        credential: try BearerCredential.parse(call.metadata["authorization"]),
        callID: call.requestID)
}
