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
    let deployments: DeploymentsModule
    private let config: ConfigModule
    private let agents: AgentsModule

    /// Builds the modules over one pool.
    ///
    /// - Parameters:
    ///   - signingKey: Signs the jobs of agents.
    ///   - tokens: Hears which tokens are someone's.
    ///   - changes: Tells of changes.
    ///   - logs: Reads containers' output.
    init(
        pool: ConnectionPool, configuration: ServeConfiguration, signingKey: SigningKey,
        tokens: any CredentialWitness, changes: any ChangeFeed, logs: any LogTails
    ) {
        let clock = SystemWallClock()
        let authorizer = PolicyModule(sessions: pool, witness: tokens).authorizer
        config = ConfigModule(
            authorizer: authorizer, sessions: pool, sealer: configuration.sealer, clock: clock)
        let audit = AuditModule()
        deployments = DeploymentsModule(
            DeploymentsModule.Dependencies(
                authorizer: authorizer, transactions: pool, sessions: pool,
                services: DeployableServiceSource(
                    catalogue: configuration.catalogue, secrets: config),
                config: config, audit: audit, changes: changes, logs: logs, clock: clock,
                waitingPerServerMax: configuration.quotas.deploymentsWaitingPerServerMax,
                startTimeMax: configuration.databaseStartTimeMax))
        services = ServicesModule(
            ServicesModule.Dependencies(
                authorizer: authorizer, readAuthorizer: authorizer, transactions: pool,
                sessions: pool, configSetter: config,
                configRevealer: config, deploymentEnqueuer: deployments,
                deploymentRetirer: deployments, conditions: deployments, secretEraser: config,
                changes: changes, audit: audit,
                fingerprinter: configuration.fingerprinter,
                quotas: ServiceQuotas(
                    servicesPerWorkspaceMax: configuration.quotas.servicesPerWorkspaceMax),
                deletedDataGrace: configuration.deletedDataGrace,
                catalogue: configuration.catalogue, clock: clock))
        agents = AgentsModule(
            AgentsModule.Dependencies(
                authorizer: authorizer, transactions: pool, sessions: pool, audit: audit,
                signingKey: signingKey, clock: clock))
    }

    /// Makes the place for this loop's agents.
    func makeGateway(
        _ configuration: ServeConfiguration, changes: any ChangeFeed, reactor: Reactor,
        logger: Logger
    ) -> AgentGateway {
        agents.makeGateway(
            jobs: deployments, changes: changes,
            layouts: configuration.catalogue.templates.map(\.layout),
            limits: configuration.agents, reactor: reactor, logger: logger)
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
