public import Cryptography
public import Domain
public import EventLoops
public import Logging
public import PostgresClient

/// Servers and their agents.
public struct AgentsModule {
    /// What the module needs from elsewhere.
    public struct Dependencies {
        /// Decides who may do what.
        public let authorizer: any Authorizer
        /// Opens transactions.
        public let transactions: any TransactionRunner
        /// Opens sessions for reading.
        public let sessions: any SessionRunner
        /// Records what was done.
        public let audit: any AuditRecorder
        /// Signs jobs; agents pin its public half.
        public let signingKey: SigningKey
        /// Tells the time.
        public let clock: any WallClock

        /// Gathers the dependencies.
        public init(
            authorizer: any Authorizer, transactions: any TransactionRunner,
            sessions: any SessionRunner, audit: any AuditRecorder, signingKey: SigningKey,
            clock: any WallClock
        ) {
            self.authorizer = authorizer
            self.transactions = transactions
            self.sessions = sessions
            self.audit = audit
            self.signingKey = signingKey
            self.clock = clock
        }
    }

    /// Adds a server.
    public let createServer: CreateServer
    /// Reads one server.
    public let getServer: GetServer
    /// Reads a page of servers.
    public let listServers: ListServers
    /// Mints a registration token.
    public let createRegistrationToken: CreateRegistrationToken
    /// Makes a caller a server's agent.
    public let registerAgent: RegisterAgent

    let signingKey: SigningKey
    let clock: any WallClock
    private let needs: Dependencies
    private let agents: any AgentStore

    /// Assembles the module.
    public init(
        _ needs: Dependencies, servers: any ServerStore = PostgresServerStore(),
        agents: any AgentStore = PostgresAgentStore()
    ) {
        self.needs = needs
        self.agents = agents
        signingKey = needs.signingKey
        clock = needs.clock
        createServer = CreateServer(
            authorizer: needs.authorizer, transactions: needs.transactions, store: servers,
            audit: needs.audit, clock: needs.clock)
        getServer = GetServer(
            authorizer: needs.authorizer, sessions: needs.sessions, store: servers)
        listServers = ListServers(
            authorizer: needs.authorizer, sessions: needs.sessions, store: servers)
        createRegistrationToken = CreateRegistrationToken(
            authorizer: needs.authorizer, transactions: needs.transactions,
            registrar: ServerRegistrar(store: servers), audit: needs.audit, clock: needs.clock)
        registerAgent = RegisterAgent(
            transactions: needs.transactions, store: agents, audit: needs.audit,
            clock: needs.clock, controlPlanePublicKey: needs.signingKey.publicKey)
    }

    /// Makes the place where a loop keeps its agents' streams.
    ///
    /// - Parameters:
    ///   - jobs: The work that waits for agents.
    ///   - changes: Tells when there is some.
    ///   - layouts: How the data of the catalogue's templates lies.
    public func makeGateway(
        jobs: any AgentJobs, changes: any ChangeFeed, layouts: [DataLayout] = [],
        limits: AgentLimits, reactor: Reactor, logger: Logger
    ) -> AgentGateway {
        let refusals = RefusalTrail(
            transactions: needs.transactions, audit: needs.audit, store: agents, clock: clock,
            perMinuteMax: limits.refusalsAuditedPerMinuteMax, logger: logger)
        return AgentGateway(
            AgentGateway.Needs(
                jobs: jobs, layouts: layouts, changes: changes, store: agents,
                sessions: needs.sessions, transactions: needs.transactions, refusals: refusals,
                clock: clock, limits: limits, reactor: reactor, logger: logger))
    }
}
