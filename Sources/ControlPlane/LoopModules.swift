import Agents
import Audit
import Auth
import Config
import Cryptography
import Deployments
import Domain
import EventLoops
import HTTP2
import Logging
import Policy
import PostgresClient
import RPC
import Services

/// The modules of one loop, joined at their ports.
struct LoopModules {
    let services: ServicesModule
    private let deployments: DeploymentsModule
    private let config: ConfigModule
    private let agents: AgentsModule

    /// Builds the modules over one pool.
    ///
    /// - Parameter signingKey: Signs the jobs of agents.
    init(pool: ConnectionPool, configuration: ServeConfiguration, signingKey: SigningKey) {
        let clock = SystemWallClock()
        let authorizer = PolicyModule(sessions: pool).authorizer
        config = ConfigModule(
            authorizer: authorizer, sessions: pool, sealer: configuration.sealer, clock: clock)
        deployments = DeploymentsModule(
            authorizer: authorizer, sessions: pool,
            waitingPerServerMax: configuration.quotas.deploymentsWaitingPerServerMax)
        services = ServicesModule(
            ServicesModule.Dependencies(
                authorizer: authorizer, readAuthorizer: authorizer, transactions: pool,
                sessions: pool, configSetter: config,
                configRevealer: config, deploymentEnqueuer: deployments,
                deploymentCanceller: deployments,
                deploymentStates: deployments, audit: AuditModule(),
                fingerprinter: configuration.fingerprinter,
                quotas: ServiceQuotas(
                    servicesPerWorkspaceMax: configuration.quotas.servicesPerWorkspaceMax),
                catalogue: configuration.catalogue, clock: clock))
        agents = AgentsModule(
            AgentsModule.Dependencies(
                authorizer: authorizer, transactions: pool, sessions: pool, audit: AuditModule(),
                signingKey: signingKey, clock: clock))
    }

    /// Makes the place for this loop's agents.
    func makeGateway(
        _ configuration: ServeConfiguration, changes: any ChangeFeed, reactor: Reactor,
        logger: Logger
    ) -> AgentGateway {
        agents.makeGateway(
            jobs: NoJobs(), changes: changes, limits: configuration.agents, reactor: reactor,
            logger: logger)
    }

    /// Adds every handler.
    func register(
        on router: Router, gateway: AgentGateway, configuration: ServeConfiguration
    ) {
        ServerHandler(agents, caller: caller(of:)).register(on: router)
        AgentHandler(agents, gateway: gateway, caller: caller(of:)) { call in
            isPrivate(call, configuration)
        }.register(on: router)
        ServiceHandler(services, caller: caller(of:)).register(on: router)
        DeploymentHandler(deployments, caller: caller(of:)).register(on: router)
        ConfigHandler(config, caller: caller(of:)).register(on: router)
    }
}

/// Reads who calls; the token itself goes no further than its hash.
private func caller(of call: CallContext) throws -> CallerContext {
    CallerContext(credential: try credential(of: call), callID: call.requestID)
}

/// Whether nobody on the way can read what a call carries.
func isPrivate(_ call: CallContext, _ configuration: ServeConfiguration) -> Bool {
    configuration.tls != nil || configuration.isPlaintextBehindProxy
        || SocketAddress(call.peer)?.isLoopback == true
}

/// No work for any agent.
private struct NoJobs: AgentJobs {
    func claim(
        server: ServerID, session: AgentSessionID, limit: Int
    ) async throws -> [AgentJob] { [] }
    func renew(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference] { jobs }
    func record(
        server: ServerID, session: AgentSessionID, progress: JobProgress
    ) async throws -> Bool { false }
    func observe(
        server: ServerID, session: AgentSessionID, containers: [ObservedContainer]
    ) async throws {}
    func desired(
        server: ServerID
    ) async throws -> [(service: ServiceID, deployment: DeploymentID)] { [] }
}
