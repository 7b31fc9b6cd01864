public import Domain
public import PostgresClient

/// Deployments: rows that are the queue, and the work of agents on them.
public struct DeploymentsModule {
    /// What the module needs from elsewhere.
    public struct Dependencies {
        /// Decides who may do what.
        public let authorizer: any Authorizer
        /// Opens transactions.
        public let transactions: any TransactionRunner
        /// Opens sessions for reading.
        public let sessions: any SessionRunner
        /// Knows the services.
        public let services: any DeployableServices
        /// Knows the config entries.
        public let config: any DeploymentConfig
        /// Records what was done.
        public let audit: any AuditRecorder
        /// Tells of changes.
        public let changes: any ChangeFeed
        /// Reads containers' output.
        public let logs: any LogTails
        /// Tells the time.
        public let clock: any WallClock
        /// The deployments that may wait for one server.
        public let waitingPerServerMax: Int32
        /// How long a container may take from its start to a proven login.
        public let startTimeMax: Duration

        /// Gathers the dependencies.
        public init(
            authorizer: any Authorizer, transactions: any TransactionRunner,
            sessions: any SessionRunner, services: any DeployableServices,
            config: any DeploymentConfig, audit: any AuditRecorder, changes: any ChangeFeed,
            logs: any LogTails, clock: any WallClock,
            waitingPerServerMax: Int32 = DeploymentsModule.waitingPerServerMaxDefault,
            startTimeMax: Duration = DeploymentsModule.startTimeMaxDefault
        ) {
            self.authorizer = authorizer
            self.transactions = transactions
            self.sessions = sessions
            self.services = services
            self.config = config
            self.audit = audit
            self.changes = changes
            self.logs = logs
            self.clock = clock
            self.waitingPerServerMax = waitingPerServerMax
            self.startTimeMax = startTimeMax
        }
    }

    /// The deployments that may wait for one server unless the configuration says otherwise.
    public static let waitingPerServerMaxDefault: Int32 = 200
    /// How long a container may take from its start to a proven login unless the configuration says
    /// otherwise.
    public static let startTimeMaxDefault = Duration.seconds(120)

    /// Reads one; for the handler.
    public let getDeployment: GetDeployment
    /// Reads a page; for the handler.
    public let listDeployments: ListDeployments
    /// Follows one; for the handler.
    public let watchDeployment: WatchDeployment
    /// Deploys for the first time; for the handler.
    public let deployService: DeployService
    /// Deploys again; for the handler.
    public let redeployService: RedeployService
    /// Restarts; for the handler.
    public let restartService: RestartService
    /// Calls off; for the handler.
    public let cancelDeployment: CancelDeployment
    /// Shows a container's output; for the handler.
    public let tailLogs: TailLogs
    /// Gives up what takes too long; run now and then.
    public let sweepOverdue: SweepOverdue

    let sessions: any SessionRunner
    let transactions: any TransactionRunner
    let store: any DeploymentStore
    let claims: any ClaimStore
    let jobs: any JobStore
    let instances: any InstanceStore
    let queue: QueueDeployment
    let retirement: RetireService
    let claimWork: ClaimWork
    let recordProgress: RecordProgress
    let refuseJob: RefuseJob
    let observeContainers: ObserveContainers

    /// Assembles the module.
    public init(
        _ needs: Dependencies, store: any DeploymentStore = PostgresDeploymentStore(),
        claims: any ClaimStore = PostgresClaimStore(), jobs: any JobStore = PostgresJobStore(),
        instances: any InstanceStore = PostgresInstanceStore()
    ) {
        self.sessions = needs.sessions
        self.transactions = needs.transactions
        self.store = store
        self.claims = claims
        self.jobs = jobs
        self.instances = instances
        queue = QueueDeployment(store: store, waitingPerServerMax: needs.waitingPerServerMax)
        retirement = RetireService(
            store: store, jobs: jobs, instances: instances, queue: queue)
        let readable = ReadableText(
            sessions: needs.sessions, services: needs.services, config: needs.config)
        recordProgress = RecordProgress(
            transactions: needs.transactions, store: store, jobs: jobs, instances: instances,
            services: needs.services, readable: readable, clock: needs.clock)
        refuseJob = RefuseJob(transactions: needs.transactions, jobs: jobs)
        claimWork = ClaimWork(
            transactions: needs.transactions, sessions: needs.sessions, store: claims,
            orders: OrderBuilder(
                services: needs.services, config: needs.config, instances: instances,
                timeouts: EngineLimits.timeouts(start: needs.startTimeMax)),
            record: recordProgress)
        observeContainers = ObserveContainers(
            sessions: needs.sessions, transactions: needs.transactions, instances: instances,
            readable: readable,
            recover: RecoverService(
                transactions: needs.transactions, instances: instances, services: needs.services,
                queue: queue, clock: needs.clock))
        sweepOverdue = SweepOverdue(transactions: needs.transactions, store: store)

        getDeployment = GetDeployment(
            authorizer: needs.authorizer, sessions: needs.sessions, store: store)
        listDeployments = ListDeployments(
            authorizer: needs.authorizer, sessions: needs.sessions, store: store)
        watchDeployment = WatchDeployment(get: getDeployment, changes: needs.changes)
        deployService = DeployService(
            authorizer: needs.authorizer, transactions: needs.transactions, store: store,
            services: needs.services, queue: queue, audit: needs.audit, clock: needs.clock)
        redeployService = RedeployService(
            authorizer: needs.authorizer, transactions: needs.transactions, store: store,
            services: needs.services, queue: queue, audit: needs.audit, clock: needs.clock)
        restartService = RestartService(
            authorizer: needs.authorizer, sessions: needs.sessions,
            transactions: needs.transactions, services: needs.services, instances: instances,
            jobs: jobs, audit: needs.audit, clock: needs.clock)
        cancelDeployment = CancelDeployment(
            authorizer: needs.authorizer, transactions: needs.transactions, store: store,
            audit: needs.audit, clock: needs.clock)
        tailLogs = TailLogs(
            authorizer: needs.authorizer, sessions: needs.sessions, instances: instances,
            config: needs.config, logs: needs.logs)
    }
}
