public import Domain

/// One deployable component of an environment.
public struct Service: Hashable, Sendable {
    /// What a service is for.
    public enum Kind: String, Sendable {
        /// A program of the user's.
        case application
        /// A database that Berth manages.
        case database
    }

    /// Where a service's container comes from.
    public enum Source: Hashable, Sendable {
        /// An image that the user named.
        case image
        /// An entry of the control plane's catalogue.
        case template(String)
    }

    /// Who can reach a service.
    public enum Visibility: String, Sendable {
        /// Its siblings on the environment's network alone.
        case `private`
        /// Everyone, through a route.
        case `public`
    }

    /// Names the service.
    public let id: ServiceID
    /// The workspace it lies in.
    public let workspaceID: WorkspaceID
    /// The project it lies in.
    public let projectID: ProjectID
    /// The environment it lies in.
    public let environmentID: EnvironmentID
    /// The name that its creator gave it.
    public let name: String
    /// Its host name on the environment's network.
    public let slug: ServiceSlug
    /// What it is for.
    public let kind: Kind
    /// Where its container comes from.
    public let source: Source
    /// The container image.
    public let image: String
    /// The network port it listens on inside the environment, 1 to 65535.
    public let port: Int32
    /// Who can reach it.
    public let visibility: Visibility
    /// The server it is meant for; `nil` until it is known.
    public let serverID: ServerID?
    /// When it was created.
    public let createdAt: Timestamp
    /// When its row last changed.
    public let updatedAt: Timestamp
    /// When it was deleted; `nil` while it lives.
    public let deletedAt: Timestamp?
}

/// What is true of a service now, derived from its row and its latest deployment.
public enum ServiceState: Sendable {
    /// Nothing was ever deployed.
    case notDeployed
    /// A deployment waits for its agent.
    case queued
    /// An agent is at work on it.
    case deploying
    /// Proven to answer.
    case running
    /// The latest deployment failed.
    case failed
    /// The latest deployment was cancelled before it ran.
    case cancelled
    /// Deleted; its row is a tombstone.
    case deleted

    init(service: Service, latestDeployment: DeploymentState?) {
        guard service.deletedAt == nil else {
            self = .deleted
            return
        }
        self =
            switch latestDeployment {
            case nil: .notDeployed
            case .queued: .queued
            case .claimed, .pulling, .starting, .verifying: .deploying
            case .running: .running
            case .failed: .failed
            case .superseded, .cancelled: .cancelled
            }
    }
}

/// A service and what is true of it now.
public struct ServiceStatus: Hashable, Sendable {
    /// The service.
    public let service: Service
    /// Its state.
    public let state: ServiceState
}
