/// Something for a server's agent to do, and the right to do it.
public struct AgentJob: Hashable, Sendable {
    /// What there is to do.
    public enum Kind: Hashable, Sendable {
        /// Make the service run.
        case deploy(DeployOrder)
        /// Stop the container and start it again.
        case restart(RestartOrder)
        /// Remove the containers, keep the volume.
        case teardown(TeardownOrder)
        /// Remove the volume of that name, and the environment's network when nobody is left on it.
        case purge(volumeName: String, environmentID: EnvironmentID? = nil)
        /// Stop working on the job.
        case cancel
    }

    /// The job and the right to work on it.
    public let reference: JobReference
    /// The service that it is about.
    public let serviceID: ServiceID
    /// What there is to do.
    public let kind: Kind

    /// Makes a job.
    public init(reference: JobReference, serviceID: ServiceID, kind: Kind) {
        self.reference = reference
        self.serviceID = serviceID
        self.kind = kind
    }
}

/// What came of asking for work.
public struct ClaimedWork: Hashable, Sendable {
    /// The jobs, in the order to send them.
    public let jobs: [AgentJob]
    /// How long until the first pause of a job that failed or was refused is over, and it can be
    /// claimed again; nil when none is in its pause.
    public let pauseLeft: Duration?

    /// Makes an answer.
    public init(jobs: [AgentJob], pauseLeft: Duration? = nil) {
        self.jobs = jobs
        self.pauseLeft = pauseLeft
    }
}

/// Names a job and the right to work on it.
public struct JobReference: Hashable, Sendable {
    /// The job; a deployment's own job has the deployment's id.
    public let jobID: JobID
    /// Rises with every claim of any job of the same service; an older one is worth nothing.
    public let fencingToken: Int64

    /// Makes a reference.
    public init(jobID: JobID, fencingToken: Int64) {
        self.jobID = jobID
        self.fencingToken = fencingToken
    }
}

/// Names one stream of an agent: 16 random bytes.
public struct AgentSessionID: Hashable, Sendable {
    /// The bytes.
    public let bytes: [UInt8]

    /// Makes a name of those bytes.
    public init(bytes: [UInt8]) { self.bytes = bytes }
}

/// Everything that a service's container needs.
public struct DeployOrder: Hashable, Sendable {
    /// The environment whose network the container joins.
    public var environmentID: EnvironmentID
    /// The deployment.
    public var deploymentID: DeploymentID
    /// The host name on that network.
    public var slug: String
    /// The image, by reference.
    public var image: String
    /// The image's content that an earlier deployment ran, as `sha256:…`; nil: what the tag names.
    public var pinnedImage: String?
    /// The network port that the service listens on.
    public var port: Int32
    /// The container's environment variables, secrets opened, each name once, in the order of names.
    public var environment: [ConfigEntryDraft]
    /// Where the data lies.
    public var volume: VolumeOrder
    /// What the container may use.
    public var limits: ResourceLimits
    /// How to prove that it serves.
    public var probe: LoginProbe
    /// How long each part may take.
    public var timeouts: JobTimeouts

    /// Makes an order.
    public init(
        environmentID: EnvironmentID, deploymentID: DeploymentID, slug: String, image: String,
        pinnedImage: String?, port: Int32, environment: [ConfigEntryDraft], volume: VolumeOrder,
        limits: ResourceLimits, probe: LoginProbe, timeouts: JobTimeouts
    ) {
        self.environmentID = environmentID
        self.deploymentID = deploymentID
        self.slug = slug
        self.image = image
        self.pinnedImage = pinnedImage
        self.port = port
        self.environment = environment
        self.volume = volume
        self.limits = limits
        self.probe = probe
        self.timeouts = timeouts
    }
}

/// A restart of a service's container.
public struct RestartOrder: Hashable, Sendable {
    /// The environment on whose network the container is.
    public var environmentID: EnvironmentID
    /// The network port that the service listens on.
    public var port: Int32
    /// How to prove that it serves again.
    public var probe: LoginProbe
    /// How long each part may take.
    public var timeouts: JobTimeouts
    /// PostgreSQL's system identifier of the data, in decimal, when it is known.
    public var systemIdentifier: String?

    /// Makes an order.
    public init(
        environmentID: EnvironmentID, port: Int32, probe: LoginProbe, timeouts: JobTimeouts,
        systemIdentifier: String?
    ) {
        self.environmentID = environmentID
        self.port = port
        self.probe = probe
        self.timeouts = timeouts
        self.systemIdentifier = systemIdentifier
    }
}

/// The removal of a service's containers.
public struct TeardownOrder: Hashable, Sendable {
    /// The environment, whose network goes with its last container.
    public var environmentID: EnvironmentID
    /// How long each part may take.
    public var timeouts: JobTimeouts

    /// Makes an order.
    public init(environmentID: EnvironmentID, timeouts: JobTimeouts) {
        self.environmentID = environmentID
        self.timeouts = timeouts
    }
}

/// The named volume that holds a service's data.
public struct VolumeOrder: Hashable, Sendable {
    /// Its name in Docker.
    public var name: String
    /// Where it is mounted in the container.
    public var mountPath: String
    /// Where the data lies, below the mount.
    public var dataPath: String
    /// Whether the service was ever initialised: if so, an empty volume is a failure.
    public var initialized: Bool
    /// PostgreSQL's system identifier of the data, in decimal, when it is known.
    public var systemIdentifier: String?

    /// Makes an order.
    public init(
        name: String, mountPath: String, dataPath: String, initialized: Bool,
        systemIdentifier: String?
    ) {
        self.name = name
        self.mountPath = mountPath
        self.dataPath = dataPath
        self.initialized = initialized
        self.systemIdentifier = systemIdentifier
    }
}

/// What a container may use; 0 means no limit.
public struct ResourceLimits: Hashable, Sendable {
    /// Thousandths of a processor.
    public var cpuMillis: Int32
    /// Bytes of memory.
    public var memoryBytes: Int64
    /// Processes and threads.
    public var pidsMax: Int32
    /// Bytes of one log file.
    public var logFileBytesMax: Int64
    /// Log files that are kept.
    public var logFilesMax: Int32
    /// Bytes of shared memory.
    public var sharedMemoryBytes: Int64

    /// Makes limits.
    public init(
        cpuMillis: Int32, memoryBytes: Int64, pidsMax: Int32, logFileBytesMax: Int64,
        logFilesMax: Int32, sharedMemoryBytes: Int64
    ) {
        self.cpuMillis = cpuMillis
        self.memoryBytes = memoryBytes
        self.pidsMax = pidsMax
        self.logFileBytesMax = logFileBytesMax
        self.logFilesMax = logFilesMax
        self.sharedMemoryBytes = sharedMemoryBytes
    }
}

/// A login with the stored credentials.
public struct LoginProbe: Hashable, Sendable {
    /// The database to log in to.
    public var databaseName: String
    /// The user to log in as.
    public var username: String
    /// That user's password.
    public var password: SecretText

    /// Makes a probe.
    public init(databaseName: String, username: String, password: SecretText) {
        self.databaseName = databaseName
        self.username = username
        self.password = password
    }
}

/// How long the parts of a job may take.
public struct JobTimeouts: Hashable, Sendable {
    /// Fetching the image.
    public var pull: Duration
    /// From the container's start to a proven login.
    public var start: Duration
    /// From asking the container to stop until it is killed.
    public var stop: Duration

    /// Makes timeouts.
    public init(pull: Duration, start: Duration, stop: Duration) {
        self.pull = pull
        self.start = start
        self.stop = stop
    }
}
