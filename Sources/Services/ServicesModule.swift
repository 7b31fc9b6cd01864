public import Domain
public import PostgresClient

/// Services and the databases among them.
public struct ServicesModule {
    /// What the module needs from elsewhere.
    public struct Dependencies {
        /// Decides who may do what.
        public let authorizer: any Authorizer
        /// Decides who may read what, in the read's own session.
        public let readAuthorizer: any ReadAuthorizer
        /// Opens transactions.
        public let transactions: any TransactionRunner
        /// Opens sessions for reading.
        public let sessions: any SessionRunner
        /// Writes credentials.
        public let configSetter: any ConfigSetter
        /// Reads credentials.
        public let configRevealer: any ConfigRevealer
        /// Queues deployments.
        public let deploymentEnqueuer: any DeploymentEnqueuer
        /// Ends and restores what agents do for services.
        public let deploymentRetirer: any DeploymentRetirer
        /// Tells in what condition services are.
        public let conditions: any ServiceConditions
        /// Erases the secrets of what is gone for good.
        public let secretEraser: any SecretEraser
        /// Tells of changes.
        public let changes: any ChangeFeed
        /// Records what was done.
        public let audit: any AuditRecorder
        /// Tells a repeated request from another.
        public let fingerprinter: any RequestFingerprinter
        /// How much one tenant may use.
        public let quotas: ServiceQuotas
        /// How long the data of a deleted service is kept.
        public let deletedDataGrace: Duration
        /// The templates that can be provisioned.
        public let catalogue: DatabaseCatalogue
        /// Tells the time.
        public let clock: any WallClock

        /// Gathers the dependencies.
        public init(
            authorizer: any Authorizer, readAuthorizer: any ReadAuthorizer,
            transactions: any TransactionRunner,
            sessions: any SessionRunner, configSetter: any ConfigSetter,
            configRevealer: any ConfigRevealer, deploymentEnqueuer: any DeploymentEnqueuer,
            deploymentRetirer: any DeploymentRetirer, conditions: any ServiceConditions,
            secretEraser: any SecretEraser, changes: any ChangeFeed,
            audit: any AuditRecorder, fingerprinter: any RequestFingerprinter,
            quotas: ServiceQuotas,
            deletedDataGrace: Duration = ServicesModule.deletedDataGraceDefault,
            catalogue: DatabaseCatalogue, clock: any WallClock
        ) {
            self.authorizer = authorizer
            self.readAuthorizer = readAuthorizer
            self.transactions = transactions
            self.sessions = sessions
            self.configSetter = configSetter
            self.configRevealer = configRevealer
            self.deploymentEnqueuer = deploymentEnqueuer
            self.deploymentRetirer = deploymentRetirer
            self.conditions = conditions
            self.secretEraser = secretEraser
            self.changes = changes
            self.deletedDataGrace = deletedDataGrace
            self.audit = audit
            self.fingerprinter = fingerprinter
            self.quotas = quotas
            self.catalogue = catalogue
            self.clock = clock
        }
    }

    /// How long the data of a deleted service is kept unless the configuration says otherwise.
    public static let deletedDataGraceDefault = Duration.seconds(7 * 24 * 60 * 60)

    /// Provisions a database.
    public let createDatabase: CreateDatabase
    /// Reads one service.
    public let getService: GetService
    /// Reads a page of services.
    public let listServices: ListServices
    /// Turns a service into a tombstone.
    public let deleteService: DeleteService
    /// Takes a deletion back.
    public let undeleteService: UndeleteService
    /// Follows the services of an environment.
    public let watchServices: WatchServices
    /// Shows a database's connection.
    public let revealConnection: RevealConnection
    /// Shows the catalogue.
    public let listDatabaseTemplates: ListDatabaseTemplates

    /// Forgets expired create requests; run now and then.
    public let sweepCreateRequests: SweepCreateRequests
    /// Has the data of deleted services removed; run now and then.
    public let sweepPurges: SweepPurges

    /// Assembles the module.
    public init(
        _ needs: Dependencies, store: any ServiceStore = PostgresServiceStore(),
        requests: any CreateRequestStore = PostgresCreateRequestStore(),
        passwords: any PasswordGenerator = RandomPasswordGenerator()
    ) {
        createDatabase = CreateDatabase(
            authorizer: needs.authorizer, transactions: needs.transactions, store: store,
            requests: requests, config: needs.configSetter,
            deployments: needs.deploymentEnqueuer, audit: needs.audit,
            fingerprinter: needs.fingerprinter, quotas: needs.quotas,
            checker: CreateDatabaseChecker(catalogue: needs.catalogue, passwords: passwords),
            replay: ReplayCreateRequest(
                sessions: needs.sessions, store: store, requests: requests,
                config: needs.configRevealer, conditions: needs.conditions,
                catalogue: needs.catalogue),
            clock: needs.clock)
        sweepCreateRequests = SweepCreateRequests(
            transactions: needs.transactions, requests: requests, clock: needs.clock)
        getService = GetService(
            authorizer: needs.authorizer, readAuthorizer: needs.readAuthorizer,
            sessions: needs.sessions, store: store, conditions: needs.conditions)
        listServices = ListServices(
            authorizer: needs.authorizer, readAuthorizer: needs.readAuthorizer,
            sessions: needs.sessions, store: store, conditions: needs.conditions)
        deleteService = DeleteService(
            authorizer: needs.authorizer, transactions: needs.transactions, store: store,
            deployments: needs.deploymentRetirer, audit: needs.audit, clock: needs.clock,
            dataGrace: needs.deletedDataGrace)
        undeleteService = UndeleteService(
            authorizer: needs.authorizer, transactions: needs.transactions,
            store: store, conditions: needs.conditions,
            deployments: needs.deploymentRetirer, audit: needs.audit, quotas: needs.quotas,
            catalogue: needs.catalogue, clock: needs.clock)
        watchServices = WatchServices(
            authorizer: needs.authorizer, readAuthorizer: needs.readAuthorizer,
            sessions: needs.sessions, store: store, conditions: needs.conditions,
            changes: needs.changes)
        sweepPurges = SweepPurges(
            transactions: needs.transactions, store: store,
            deployments: needs.deploymentRetirer, secrets: needs.secretEraser,
            clock: needs.clock)
        revealConnection = RevealConnection(
            authorizer: needs.authorizer, readAuthorizer: needs.readAuthorizer,
            sessions: needs.sessions, transactions: needs.transactions, store: store,
            config: needs.configRevealer,
            audit: needs.audit, catalogue: needs.catalogue, clock: needs.clock)
        listDatabaseTemplates = ListDatabaseTemplates(
            authorizer: needs.authorizer, catalogue: needs.catalogue)
    }
}
