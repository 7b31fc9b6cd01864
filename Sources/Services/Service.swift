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
    /// When it was proven that nothing of the deleted service runs.
    public var tornDownAt: Timestamp?
    /// Until when the deleted service's data is kept.
    public var purgeAt: Timestamp?
    /// When it was proven that the deleted service's data is gone.
    public var purgedAt: Timestamp?
}
