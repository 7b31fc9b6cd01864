/// Tells that something changed, so that who cares reads it again.
///
/// A notice is a hint: it may come twice or, when a connection was lost, not at all; so a
/// subscription also wakes now and then by itself.
public protocol ChangeFeed: AnyObject {
    /// Begins to listen.
    func subscribe(to topic: ChangeTopic) -> any ChangeSubscription
}

/// What to be told of.
public enum ChangeTopic: Hashable, Sendable {
    /// Any service or deployment of the environment.
    case environment(EnvironmentID)
    /// The deployment.
    case deployment(DeploymentID)
    /// Something for the server's agent to do.
    case work(ServerID)
}

/// One listener's place in a feed; ends with ``cancel()`` or when nobody holds it.
public protocol ChangeSubscription: AnyObject {
    /// Waits for a change since the last call, or since the subscription began; returns at once when
    /// there was one, and at the latest after the feed's own interval.
    ///
    /// - Throws: `CancellationError`; ``Problem`` of kind `unavailable` when the server stops.
    func next() async throws
    /// Stops listening; a waiting ``next()`` throws.
    func cancel()
}

/// What is said on PostgreSQL's notification channel ``channel`` after each commit that changed
/// something.
public struct ChangeNotice: Hashable, Sendable {
    /// The channel's name.
    public static let channel = "berth_changes"

    /// Whether there is something for the server's agent to do: work was queued, or a job that it works
    /// on shall be cancelled.
    public let hasWork: Bool
    /// The server; nil when none is chosen.
    public let serverID: ServerID?
    /// The environment.
    public let environmentID: EnvironmentID
    /// The service.
    public let serviceID: ServiceID
    /// The deployment; nil when the change is of the service alone.
    public let deploymentID: DeploymentID?

    /// Makes a notice.
    public init(
        hasWork: Bool, serverID: ServerID?, environmentID: EnvironmentID, serviceID: ServiceID,
        deploymentID: DeploymentID?
    ) {
        self.hasWork = hasWork
        self.serverID = serverID
        self.environmentID = environmentID
        self.serviceID = serviceID
        self.deploymentID = deploymentID
    }

    /// What is sent: five words, `-` for what is absent.
    public var payload: String {
        let words: [String] = [
            hasWork ? "work" : "change", serverID?.description ?? "-", environmentID.description,
            serviceID.description, deploymentID?.description ?? "-",
        ]
        return words.joined(separator: " ")
    }

    /// Reads what was sent, or returns nil when it is not that.
    public init?(payload: String) {
        let words = payload.split(separator: " ").map(String.init)
        guard words.count == 5, words[0] == "work" || words[0] == "change",
            let environment = EnvironmentID(words[2]), let service = ServiceID(words[3])
        else { return nil }
        self.init(
            hasWork: words[0] == "work", serverID: ServerID(words[1]), environmentID: environment,
            serviceID: service, deploymentID: DeploymentID(words[4]))
    }
}
