public import Domain

/// Who holds a lease: one stream of one server's agent.
public struct LeaseHolder: Hashable, Sendable {
    /// The server.
    public let serverID: ServerID
    /// The stream.
    public let session: AgentSessionID

    /// Names a holder.
    public init(serverID: ServerID, session: AgentSessionID) {
        self.serverID = serverID
        self.session = session
    }
}

/// Work that is no deployment; the names are those of the schema.
public enum ServiceJobKind: String, CaseIterable, Sendable {
    /// Stop the container and start it again.
    case restart
    /// Remove the containers, keep the volume.
    case teardown
    /// Remove the volume.
    case purge
    /// Remove what a deployment left that the control plane gave up, and start what runs; the job has
    /// the deployment's id.
    case undo
}

/// What a claim handed out, and what changed on the way.
public struct Claims: Hashable, Sendable {
    /// A deployment to work on.
    public struct ClaimedDeployment: Hashable, Sendable {
        /// The deployment.
        public let id: DeploymentID
        /// The claim's fencing token.
        public let fencingToken: Int64
        /// Its service.
        public let serviceID: ServiceID
        /// The environment.
        public let environmentID: EnvironmentID
        /// The image that was asked for.
        public let image: String
    }

    /// Other work.
    public struct ClaimedJob: Hashable, Sendable {
        /// The job and its fencing token.
        public let reference: JobReference
        /// What to do.
        public let kind: ServiceJobKind
        /// Its service.
        public let serviceID: ServiceID
        /// The environment.
        public let environmentID: EnvironmentID
    }

    /// Deployments to work on.
    public let deployments: [ClaimedDeployment]
    /// Other work.
    public let jobs: [ClaimedJob]
    /// What changed.
    public let notices: [ChangeNotice]
}

/// A job under lock, as the newest claim left it.
public enum LockedJob: Hashable, Sendable {
    /// A deployment.
    case deployment(LockedDeployment)
    /// Other work, held by whoever asked.
    case other(ServiceJobKind, attempt: Int32, EnvironmentID)

    /// A deployment under lock.
    public struct LockedDeployment: Hashable, Sendable {
        /// The deployment.
        public let id: DeploymentID
        /// The environment.
        public let environmentID: EnvironmentID
        /// Where it stands.
        public let state: DeploymentState
        /// How often it was claimed.
        public let attempt: Int32
        /// Whether whoever asked holds its lease.
        public let isHeld: Bool
        /// Whether it was called off.
        public let isCancelRequested: Bool
        /// The system identifier of the service's data; empty while it is not known.
        public let systemIdentifier: String
    }
}

/// Where a service's data lies, and what ran over it.
public struct InstanceVolume: Hashable, Sendable {
    /// The volume's name in Docker.
    public let name: String
    /// Whether the data was ever initialised.
    public let initialized: Bool
    /// PostgreSQL's system identifier; empty while it is not known.
    public let systemIdentifier: String
    /// The image that was asked for when ``pinnedImage`` ran.
    public let image: String
    /// The content that ran; empty while none did.
    public let pinnedImage: String
}

/// A service with a deployment that runs.
public struct RunningInstance: Hashable, Sendable {
    /// How a container was last seen; the names are those of the schema.
    public enum Observed: String, Hashable, Sendable {
        /// It runs.
        case running
        /// It ended and is being started again.
        case restarting
        /// It ended and stays so.
        case exited
        /// It is not there.
        case missing
    }

    /// The service.
    public let serviceID: ServiceID
    /// The environment.
    public let environmentID: EnvironmentID
    /// The deployment that runs.
    public let deploymentID: DeploymentID
    /// How its container was last seen.
    public let observed: Observed
    /// What was said of it.
    public let message: String
    /// How often it was started again.
    public let restartCount: Int32
    /// Whether an inventory without its container may still be older than what was last done for
    /// the service.
    public let isSettling: Bool
    /// Whether the inventory is older than what was last done for the service.
    public let isOutdated: Bool
    /// Whether an agent works on a job of the service, which may stop the container.
    public let isAtWork: Bool
}

/// A change of what is known of a service's container.
public struct Observation: Hashable, Sendable {
    /// The service.
    public let serviceID: ServiceID
    /// The environment.
    public let environmentID: EnvironmentID
    /// The deployment whose container it is.
    public let deploymentID: DeploymentID
    /// How the container is.
    public let observed: RunningInstance.Observed
    /// One line for people.
    public let message: String
    /// How often it was started again.
    public let restartCount: Int32
    /// How long ago it was seen, and a margin: what was done for the service since counts more.
    public let age: Duration
}

/// Where a service's container is.
public struct Whereabouts: Hashable, Sendable {
    /// The server.
    public let serverID: ServerID
    /// Whether a deployment runs.
    public let isRunning: Bool
    /// Whether there is a container: a deployment runs or is being made to.
    public let hasContainer: Bool
    /// Whether the server's agent was heard of lately.
    public let agentIsOnline: Bool
}
