import Audit
import Auth
import Config
import Deployments
import Domain
import Policy
import PostgresClient
import RPC
import Services

/// The modules of one loop, joined at their ports.
struct LoopModules {
    let services: ServicesModule
    private let deployments: DeploymentsModule
    private let config: ConfigModule

    /// Builds the modules over one pool.
    init(pool: ConnectionPool, configuration: ServeConfiguration) {
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
    }

    /// Adds every handler.
    func register(on router: Router) {
        ServiceHandler(services, caller: caller(of:)).register(on: router)
        DeploymentHandler(deployments, caller: caller(of:)).register(on: router)
        ConfigHandler(config, caller: caller(of:)).register(on: router)
    }
}

/// Reads who calls; the token itself goes no further than its hash.
private func caller(of call: CallContext) throws -> CallerContext {
    CallerContext(credential: try credential(of: call), callID: call.requestID)
}
