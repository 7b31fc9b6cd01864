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

    /// Why a service was not restarted as it was asked to be.
    public struct RestartFailure: Hashable, Sendable {
        /// For programs: upper case with underscores, such as `CONTAINER_MISSING`.
        public let reason: String
        /// One line for people; may be empty.
        public let message: String

        /// Describes a failure.
        public init(reason: String, message: String) {
            self.reason = reason
            self.message = message
        }
    }

    /// The state of the newest deployment.
    public let newest: DeploymentState
    /// What the newest deployment says to people.
    public private(set) var message: String
    /// Why the newest deployment failed, for programs; empty unless it did.
    public let reason: String
    /// How the container of the deployment that runs is.
    public private(set) var container: Container
    /// Whether the server's agent was heard of lately.
    public let agentIsOnline: Bool
    /// What hindered the removal of a deleted service when it was last tried; empty when nothing
    /// did.
    public private(set) var obstacle: String
    /// Whether the newest deployment waits for the containers of a deleted service of the same name.
    public let awaitsNamesake: Bool
    /// Why the last restart failed; nil when it did not, or a later one or a deployment succeeded.
    public private(set) var restartFailure: RestartFailure?

    /// Describes a service.
    public init(
        newest: DeploymentState, message: String, reason: String = "", container: Container,
        agentIsOnline: Bool, obstacle: String = "", awaitsNamesake: Bool = false,
        restartFailure: RestartFailure? = nil
    ) {
        self.newest = newest
        self.message = message
        self.reason = reason
        self.container = container
        self.agentIsOnline = agentIsOnline
        self.obstacle = obstacle
        self.awaitsNamesake = awaitsNamesake
        self.restartFailure = restartFailure
    }

    /// The condition as who may not read what containers write is told of it: text of agents can
    /// quote a container's last lines. The reasons' kinds stay.
    public func withoutText() -> ServiceCondition {
        var condition = self
        condition.message = reason
        if case .down = container { condition.container = .down("") }
        if !obstacle.isEmpty { condition.obstacle = "a member of the workspace may see why" }
        condition.restartFailure = restartFailure.map {
            RestartFailure(reason: $0.reason, message: "")
        }
        return condition
    }
}
