import Agents
import BerthMessages
import Config
import Deployments
import HTTP2
import Messages
import PostgresClient
import RPC
import Services
import TLS

/// What `berthd serve` runs with, checked.
struct ServeConfiguration: Sendable {
    /// Where to listen.
    let address: SocketAddress
    /// How connections are encrypted; nil: they are not.
    var tls: Encryption?
    /// Where PostgreSQL is; may hold a password.
    let databaseURL: String
    /// Seals and opens secrets.
    let sealer: MasterKeySealer
    /// Tells a repeated create request from another.
    let fingerprinter: HMACRequestFingerprinter
    /// How many event loops, each a thread.
    let loops: Int
    /// The connections to PostgreSQL that one loop may have; nil: as many as are fast.
    var postgresConnectionsPerLoopMax: Int?
    /// What can be provisioned.
    let catalogue: DatabaseCatalogue
    /// What one tenant may use.
    let quotas: Quotas
    /// Which pages of other origins may call from a browser.
    var webOrigins = WebOrigins()
    /// How long a database's container may take from its start to a proven login.
    var databaseStartTimeMax = DeploymentsModule.startTimeMaxDefault
    /// Where metrics are collected; nil: nowhere.
    var metricsAddress: SocketAddress?
    /// How long the data of a deleted service is kept.
    var deletedDataGrace = ServicesModule.deletedDataGraceDefault
    /// What callers may use up.
    var limits = ServerLimits()
    /// Bytes of one request, but for agents'. What is decoded before its caller is known, and while it
    /// waits for PostgreSQL, is bounded by this for each call.
    var requestBytesMax = requestBytesMaxDefault
    /// The same of one message of an agent, which is larger than a report (`AgentLimits.reportBytesMax`).
    var agentMessageBytesMax = 512 * 1024
    /// How long running calls may take to finish after SIGTERM.
    var drainGrace = drainGraceMaxDefault
    /// Whether a proxy in front does TLS, so that what comes unencrypted was not on its way.
    var isPlaintextBehindProxy = false
    /// What agents may use up.
    var agents = AgentLimits()
    /// When a loop looks by itself.
    var times = Times()
    /// How late a change is noticed whose notification was lost.
    var changeInterval = LoopChangeFeed.intervalDefault

    static let drainGraceMaxDefault = Duration.seconds(10)
    static let requestBytesMaxDefault = 64 * 1024

    /// The loops that one process may have.
    static let loopsMax = 64
    /// The connections to PostgreSQL that one loop may be given.
    static let postgresConnectionsPerLoopLimit = 1000
    /// The days for which the data of a deleted service may be kept.
    static let deletedDataGraceDaysMax = 3650
    /// The seconds that a database may be given to start.
    static let databaseStartSecondsLimit = 1000

    /// The certificate's files, and what was read of them at the start.
    struct Encryption: Sendable {
        /// Read again when they change.
        let files: ServerCertificateFiles
        /// What they looked like before they were read.
        let stamp: ServerCertificateFiles.Stamp
        /// What the first connections are shown.
        let credentials: ServerCredentials
    }

    /// How often a loop looks at what nobody tells it.
    struct Times: Sendable {
        /// The pause between two questions to PostgreSQL whether it is there.
        var probeInterval = Duration.seconds(2)
        /// How long PostgreSQL may take to answer one before health says NOT_SERVING.
        var probeDurationMax = Duration.seconds(3)
        /// How long a call waits for a connection to PostgreSQL; nil for what the pool says by itself.
        var connectionWaitMax: Duration?
        /// The pause between two sweeps of what has expired, by one loop of the process.
        var sweepInterval = Duration.seconds(60)
    }

    /// How much of this process and its database one tenant may use.
    struct Quotas: Sendable {
        /// The undeleted services of one workspace.
        var servicesPerWorkspaceMax: Int32 = ServiceQuotas().servicesPerWorkspaceMax
        /// The deployments that wait for one server.
        var deploymentsWaitingPerServerMax = DeploymentsModule.waitingPerServerMaxDefault
        /// The calls of one token that run at once on one loop. Well below the callers that may wait
        /// for PostgreSQL (`PoolConfiguration.waitersMax`), so that no token fills that queue.
        var callsPerTokenMax = 64
        /// The calls that run at once on one loop whose tokens nobody has verified lately: half of the
        /// callers that may wait for PostgreSQL, so that invented tokens leave the others their place.
        var unverifiedCallsMax = 128
        /// The registrations of agents that run at once on one loop: they come without a token.
        var registrationsMax = 16
    }

    /// The connections of one loop unless told otherwise: eight a process, at least four a loop. Few
    /// make PostgreSQL fastest: see docs/performance.md.
    static func postgresConnectionsPerLoopMaxDefault(loops: Int) -> Int {
        max(4, 8 / max(1, loops))
    }

    /// The pool of one loop.
    var pool: PoolConfiguration {
        var pool = PoolConfiguration(uri: databaseURL)
        pool.connectionsMax =
            postgresConnectionsPerLoopMax
            ?? ServeConfiguration.postgresConnectionsPerLoopMaxDefault(loops: loops)
        if let wait = times.connectionWaitMax { pool.waitDurationMax = wait }
        return pool
    }
}

extension ServeConfiguration {
    /// Bounds the requests of every method that is registered.
    func limitRequests(on router: Router) {
        let agents = "/\(AgentV1.AgentServiceMethods.serviceName)/"
        var usual = limits.message
        usual.messageBytesMax = requestBytesMax
        var ofAgents = limits.message
        ofAgents.messageBytesMax = agentMessageBytesMax
        router.limitRequests(to: usual) { !$0.hasPrefix(agents) }
        router.limitRequests(to: ofAgents) { $0.hasPrefix(agents) }
    }
}
