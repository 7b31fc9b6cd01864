public import Domain

/// One attempt to make a service run: a row that is also the queue's entry.
public struct Deployment: Hashable, Sendable {
    /// Names the deployment.
    public let id: DeploymentID
    /// What is deployed.
    public let serviceID: ServiceID
    /// The environment that the service lies in.
    public let environmentID: EnvironmentID
    /// Where it is deployed.
    public let serverID: ServerID
    /// Where it stands.
    public let state: DeploymentState
    /// Why it was made.
    public let trigger: NewDeployment.Trigger
    /// The container image, by reference.
    public let image: String
    /// The content of the image that ran, as `sha256:…`; empty until it is known.
    public let pinnedImage: String
    /// What a person should know of its state; may be empty.
    public private(set) var message: String
    /// Why it failed; nil unless it did.
    public private(set) var failure: JobFailure?
    /// How often an agent took it up.
    public let attempt: Int32
    /// Whether a caller called it off while an agent worked on it.
    public let isCancelRequested: Bool
    /// When it was asked for.
    public let createdAt: Timestamp
    /// When its row last changed.
    public let updatedAt: Timestamp

    /// The deployment as who may not read what containers write sees it: text of agents can quote a
    /// container's last lines. The reason's kind stays.
    func withoutText() -> Deployment {
        var deployment = self
        deployment.message = ""
        deployment.failure = failure.map { JobFailure(reason: $0.reason, hint: "") }
        return deployment
    }
}

/// Something that happened to a deployment.
public struct DeploymentEvent: Hashable, Sendable {
    /// The state that it was in from then on.
    public let state: DeploymentState
    /// One line for people; may be empty.
    public let message: String
    /// When.
    public let at: Timestamp
}

/// A deployment and what happened to it, oldest first.
public struct DeploymentHistory: Hashable, Sendable {
    /// The deployment as it is.
    public let deployment: Deployment
    /// What happened; the first event is that it was queued.
    public let events: [DeploymentEvent]

    /// Adds the event that every deployment begins with, which no row keeps.
    init(_ deployment: Deployment, later: [DeploymentEvent]) {
        self.deployment = deployment
        events =
            [DeploymentEvent(state: .queued, message: "", at: deployment.createdAt)] + later
    }

    private init(_ deployment: Deployment, all events: [DeploymentEvent]) {
        self.deployment = deployment
        self.events = events
    }

    /// See ``Deployment/withoutText()``; of several events that differ in their text alone the first
    /// is left.
    func withoutText() -> DeploymentHistory {
        var moves: [DeploymentEvent] = []
        for event in events where event.state != moves.last?.state {
            moves.append(DeploymentEvent(state: event.state, message: "", at: event.at))
        }
        return DeploymentHistory(deployment.withoutText(), all: moves)
    }
}
