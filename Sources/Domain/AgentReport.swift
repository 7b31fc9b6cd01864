/// How far a job has come, as its agent tells.
public struct JobProgress: Hashable, Sendable {
    /// What the agent does, or how it ended.
    public enum State: String, Hashable, Sendable {
        /// The job was taken up.
        case accepted
        /// The image is being fetched.
        case pulling
        /// Volume, network and container are being made or stopped.
        case starting
        /// The container runs; the agent tries to log in.
        case verifying
        /// Done and proven.
        case succeeded
        /// Given up.
        case failed
        /// Stopped as asked.
        case cancelled
    }

    /// The job and the right to work on it.
    public let reference: JobReference
    /// The service that it is about.
    public let serviceID: ServiceID
    /// What the agent does, or how it ended.
    public let state: State
    /// One line for people.
    public let message: String
    /// Why it failed; nil unless it did.
    public let failure: JobFailure?
    /// What it made or found, as far as it is known.
    public let outcome: JobOutcome?

    /// Makes a progress.
    public init(
        reference: JobReference, serviceID: ServiceID, state: State, message: String,
        failure: JobFailure? = nil, outcome: JobOutcome? = nil
    ) {
        self.reference = reference
        self.serviceID = serviceID
        self.state = state
        self.message = message
        self.failure = failure
        self.outcome = outcome
    }
}

/// Why a job failed, and what a person can do.
public struct JobFailure: Hashable, Sendable {
    /// For programs: upper case with underscores, such as `IMAGE_NOT_FOUND`.
    public let reason: String
    /// What a person can do about it.
    public let hint: String

    /// Makes a failure.
    public init(reason: String, hint: String) {
        self.reason = reason
        self.hint = hint
    }
}

/// What a deploy job made or found.
public struct JobOutcome: Hashable, Sendable {
    /// The content of the image that runs, as `sha256:…`.
    public var pinnedImage: String
    /// The volume that holds the data.
    public var volumeName: String
    /// Whether the data is initialised.
    public var initialized: Bool
    /// PostgreSQL's system identifier of the data, in decimal; empty when it is not known.
    public var systemIdentifier: String

    /// Makes an outcome.
    public init(
        pinnedImage: String, volumeName: String, initialized: Bool, systemIdentifier: String
    ) {
        self.pinnedImage = pinnedImage
        self.volumeName = volumeName
        self.initialized = initialized
        self.systemIdentifier = systemIdentifier
    }
}

/// A service's container as its agent sees it.
public struct ObservedContainer: Hashable, Sendable {
    /// What a container is doing; the names are those of the schema.
    public enum State: String, Hashable, Sendable {
        /// It runs.
        case running
        /// It ended and is being started again.
        case restarting
        /// It ended and stays so.
        case exited
    }

    /// The service of its label.
    public let serviceID: ServiceID
    /// The deployment of its label.
    public let deploymentID: DeploymentID
    /// The fencing token of its label.
    public let fencingToken: Int64
    /// What it is doing.
    public let state: State
    /// One line for people.
    public let message: String
    /// How often it was started again.
    public let restartCount: Int32

    /// Makes an observation.
    public init(
        serviceID: ServiceID, deploymentID: DeploymentID, fencingToken: Int64, state: State,
        message: String, restartCount: Int32
    ) {
        self.serviceID = serviceID
        self.deploymentID = deploymentID
        self.fencingToken = fencingToken
        self.state = state
        self.message = message
        self.restartCount = restartCount
    }
}
