import Domain

/// What is true of a service now.
public enum ServiceState: Hashable, Sendable {
    /// Nothing was ever deployed.
    case notDeployed
    /// A deployment waits for its agent, and nothing runs.
    case queued
    /// An agent is at work on it.
    case deploying
    /// Proven to answer, and its container runs.
    case running
    /// The latest deployment failed, and nothing runs.
    case failed
    /// The latest deployment was cancelled before it ran, and nothing runs.
    case cancelled
    /// The container ended by itself, or is gone.
    case crashed
    /// Its server's agent is away: what it does is not known.
    case offline
    /// Deleted; its container is being removed.
    case deleting
    /// Deleted; nothing of it runs, its data is kept.
    case deleted
    /// Deleted; its data is gone.
    case purged

    /// Derives the state: the first line that fits, as docs/architecture/deployment-engine.md has it.
    ///
    /// - Parameter condition: `nil` when the service was never deployed.
    init(service: Service, condition: ServiceCondition?) {
        if service.deletedAt != nil {
            self =
                service.purgedAt != nil
                ? .purged : service.tornDownAt != nil ? .deleted : .deleting
            return
        }
        guard let condition else {
            self = .notDeployed
            return
        }
        switch (condition.newest, condition.container, condition.agentIsOnline) {
        case (.queued, .none, _): self = .queued
        // What has ended without anything running is known, whether the agent is there or not.
        case (.failed, .none, _): self = .failed
        case (.cancelled, .none, _), (.superseded, .none, _): self = .cancelled
        case (_, _, false): self = .offline
        case (.queued, _, _), (.claimed, _, _), (.pulling, _, _), (.starting, _, _),
            (.verifying, _, _):
            self = .deploying
        case (_, .down, _): self = .crashed
        // A deployment that runs has a container; without one it is on its way.
        case (.running, .none, _): self = .deploying
        case (_, .running, _): self = .running
        }
    }
}

/// A service and what is true of it now.
public struct ServiceStatus: Hashable, Sendable {
    /// The service.
    public let service: Service
    /// Its state.
    public let state: ServiceState
    /// One line for people about the state; may be empty.
    public var message = ""

    init(service: Service, state: ServiceState, message: String = "") {
        self.service = service
        self.state = state
        self.message = message
    }

    /// A service with its state, from the conditions of those that were ever deployed.
    ///
    /// - Parameter showsText: Whether the caller may read what containers write.
    init(
        of service: Service, _ conditions: [ServiceID: ServiceCondition], showsText: Bool = true
    ) {
        let known = conditions[service.id]
        let condition = showsText ? known : known?.withoutText()
        let state = ServiceState(service: service, condition: condition)
        self.init(
            service: service, state: state,
            message: condition.map { ServiceStatus.message(of: state, $0) } ?? "")
    }

    private static func message(of state: ServiceState, _ condition: ServiceCondition) -> String {
        switch state {
        case .notDeployed, .purged: return ""
        case .deleted:
            return condition.obstacle.isEmpty
                ? ""
                : "its data could not be removed, and will be tried again: \(condition.obstacle)"
        case .deleting:
            guard condition.agentIsOnline else {
                return "waits for the agent of its server, which is away"
            }
            return condition.obstacle.isEmpty
                ? ""
                : "its container could not be removed, and will be tried again: "
                    + condition.obstacle
        case .queued:
            guard condition.agentIsOnline else {
                return "waits for the agent of its server, which is away"
            }
            return condition.awaitsNamesake
                ? "waits until the containers of the deleted service of this name are removed" : ""
        case .offline: return "the agent of its server is away"
        case .deploying, .failed, .cancelled: return condition.message
        case .crashed:
            guard case .down(let message) = condition.container else { return "" }
            return [message, restart(condition)].filter { !$0.isEmpty }.joined(separator: "; ")
        case .running:
            switch condition.newest {
            case .failed, .cancelled:
                let end = condition.newest == .failed ? "failed" : "was cancelled"
                let why = condition.message.isEmpty ? "" : ": \(condition.message)"
                return "the newest deployment \(end), the one before it runs\(why)"
            case .queued, .claimed, .pulling, .starting, .verifying, .running, .superseded:
                return restart(condition)
            }
        }
    }

    private static func restart(_ condition: ServiceCondition) -> String {
        guard let failure = condition.restartFailure else { return "" }
        let why = failure.message.isEmpty ? "" : ": \(failure.message)"
        return "the last restart failed (\(failure.reason))\(why)"
    }
}
