/// What deployments and agents tell of a service that was ever deployed.
public struct ServiceCondition: Hashable, Sendable {
    /// How the container of the deployment that runs is.
    public enum Container: Hashable, Sendable {
        /// No deployment runs.
        case none
        /// It runs.
        case running
        /// It ended, ends again and again, or is gone; with one line for people.
        case down(String)
    }

    /// The state of the newest deployment.
    public let newest: DeploymentState
    /// What the newest deployment says to people.
    public let message: String
    /// How the container of the deployment that runs is.
    public let container: Container
    /// Whether the server's agent was heard of lately.
    public let agentIsOnline: Bool
    /// What hindered the removal of a deleted service when it was last tried; empty when nothing
    /// did.
    public let obstacle: String

    /// Describes a service.
    public init(
        newest: DeploymentState, message: String, container: Container, agentIsOnline: Bool,
        obstacle: String = ""
    ) {
        self.newest = newest
        self.message = message
        self.container = container
        self.agentIsOnline = agentIsOnline
        self.obstacle = obstacle
    }
}
