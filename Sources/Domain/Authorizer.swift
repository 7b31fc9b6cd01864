/// What a caller showed: the SHA-256 of a bearer token, which no one has verified so far.
public struct Credential: Hashable, Sendable {
    /// 32 bytes.
    public let tokenHash: [UInt8]

    /// Makes a credential from the token's SHA-256.
    public init(tokenHash: [UInt8]) { self.tokenHash = tokenHash }

    /// Hashes eight of the bytes: those of a digest spread as well as all would.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(tokenHash.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}

/// Who calls, verified.
public struct Principal: Hashable, Sendable {
    /// The user that the token belongs to.
    public let userID: UserID
    /// The token that was shown.
    public let tokenID: AccessTokenID

    /// Names a user and the token shown.
    public init(userID: UserID, tokenID: AccessTokenID) {
        self.userID = userID
        self.tokenID = tokenID
    }
}

/// What a member of a workspace may do; each role may do all that the ones below it may.
public enum Role: String, CaseIterable, Comparable, Sendable {
    /// Reads everything but secrets.
    case viewer
    /// Creates, changes and deletes services and reads their secrets.
    case member
    /// Also manages servers and members.
    case admin
    /// Also disposes of the workspace.
    case owner

    /// Whether `left` may do less.
    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .member: 1
        case .admin: 2
        case .owner: 3
        }
    }
}

/// Something that a role allows or does not.
public enum Permission: Sendable {
    /// Read services, deployments and variables.
    case readServices
    /// Create, change, deploy and delete services.
    case writeServices
    /// Read a secret's value, and what containers write, which may hold one.
    case revealSecrets
    /// Add servers and let agents register for them.
    case manageServers

    /// The least role that has this permission.
    public var leastRole: Role {
        switch self {
        case .readServices: .viewer
        case .writeServices, .revealSecrets: .member
        case .manageServers: .admin
        }
    }
}

/// Where a permission is asked for.
public enum Scope: Hashable, Sendable {
    /// A workspace.
    case workspace(WorkspaceID)
    /// A project.
    case project(ProjectID)
    /// An environment and, when given, a server that must be of the same workspace.
    case environment(EnvironmentID, server: ServerID?)
    /// A service, deleted or not.
    case service(ServiceID)
    /// A deployment.
    case deployment(DeploymentID)
    /// A server.
    case server(ServerID)
}

/// Proof that a caller may do what was asked, and the scope's place in the world.
public struct Grant: Hashable, Sendable {
    /// Who calls.
    public let principal: Principal
    /// The caller's role in the workspace.
    public let role: Role
    /// The workspace that the scope lies in.
    public let workspaceID: WorkspaceID
    /// The project, when the scope lies in one.
    public let projectID: ProjectID?
    /// The environment, when the scope lies in one.
    public let environmentID: EnvironmentID?

    /// Makes a grant; only an ``Authorizer`` has a reason to.
    public init(
        principal: Principal, role: Role, workspaceID: WorkspaceID, projectID: ProjectID? = nil,
        environmentID: EnvironmentID? = nil
    ) {
        self.principal = principal
        self.role = role
        self.workspaceID = workspaceID
        self.projectID = projectID
        self.environmentID = environmentID
    }
}

extension Grant {
    /// Whether the caller's role has another permission too, in the same scope.
    public func allows(_ permission: Permission) -> Bool { role >= permission.leastRole }
}

/// Decides whether a caller may do something, in at most one round trip.
public protocol Authorizer {
    /// Verifies the credential and the permission together.
    ///
    /// - Throws: ``Problem`` of kind `unauthenticated` for a bad token; `notFound` when the scope
    ///   does not exist or the caller is no member of its workspace; `permissionDenied` when the
    ///   caller's role is too low, before anything is said of a server.
    func authorize(
        _ credential: Credential, _ permission: Permission, in scope: Scope
    ) async throws -> Grant

    /// Verifies the credential alone, for calls that have no scope, or a malformed one.
    ///
    /// - Throws: ``Problem`` of kind `unauthenticated`.
    func authenticate(_ credential: Credential) async throws -> Principal
}
