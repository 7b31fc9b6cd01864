import Agents
import Audit
import Config
import Cryptography
import Deployments
import Domain
import HTTP2
import Policy
import PostgresClient
import Services

@testable import ControlPlane

/// The modules over one pool, joined as the program joins them.
struct Modules {
    let services: ServicesModule
    let config: ConfigModule
    let deployments: DeploymentsModule
    let authorizer: RoleAuthorizer
    let agents: AgentsModule
    let signingKey: SigningKey

    /// The key that seals in every test that brings none of its own.
    static func masterKey(_ byte: UInt8 = 7) -> SecretBytes {
        SecretBytes(copying: [UInt8](repeating: byte, count: MasterKeySealer.masterKeyByteCount))
    }

    static func sealer(_ byte: UInt8 = 7) throws -> MasterKeySealer {
        try MasterKeySealer(masterKey: masterKey(byte))
    }

    init(
        _ pool: ConnectionPool, quotas: ServeConfiguration.Quotas = ServeConfiguration.Quotas(),
        deletedDataGrace: Duration = ServicesModule.deletedDataGraceDefault,
        changes: any ChangeFeed = SteppedFeed(), logs: any LogTails = FakeLogs()
    ) throws {
        guard let address = SocketAddress("127.0.0.1:0") else { throw NoAddress() }
        let configuration = ServeConfiguration(
            address: address, databaseURL: "", sealer: try Modules.sealer(),
            fingerprinter: try HMACRequestFingerprinter(masterKey: Modules.masterKey()), loops: 1,
            catalogue: try DatabaseCatalogue(), quotas: quotas,
            deletedDataGrace: deletedDataGrace)
        signingKey = try SigningKey.generate()
        let modules = LoopModules(
            pool: pool, configuration: configuration, signingKey: signingKey,
            tokens: TokenCallLimit(quotas), changes: changes, logs: logs)
        services = modules.services
        deployments = modules.deployments
        authorizer = PolicyModule(sessions: pool).authorizer
        config = ConfigModule(
            authorizer: authorizer, sessions: pool, sealer: configuration.sealer,
            clock: SystemWallClock())
        agents = AgentsModule(
            AgentsModule.Dependencies(
                authorizer: authorizer, transactions: pool, sessions: pool, audit: AuditModule(),
                signingKey: signingKey, clock: SystemWallClock()))
    }

    struct NoAddress: Error {}
}

extension CreateDatabaseRequest {
    /// A request that is in order, in the first workspace.
    static func sample(_ tenancy: Tenancy, name: String = "Main DB") -> CreateDatabaseRequest {
        CreateDatabaseRequest(
            environmentID: tenancy.home.environmentID.description, name: name,
            templateID: "postgres", serverID: tenancy.home.serverID.description, deployNow: true)
    }
}
