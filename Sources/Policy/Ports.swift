public import Domain
public import PostgresClient

/// What is known of a credential and a scope: everything that a decision needs, in one row.
public struct Standing: Hashable, Sendable {
    /// Whose token it is.
    public let principal: Principal
    /// The scope's place; `nil` when the scope does not exist.
    public let place: Place?
    /// The user's role in the scope's workspace; `nil` for a stranger.
    public let role: Role?
    /// Whether the server asked for is of the scope's workspace; true when none was asked for.
    public let serverIsKnown: Bool

    /// Where a scope lies.
    public struct Place: Hashable, Sendable {
        /// The workspace.
        public let workspaceID: WorkspaceID
        /// The project, when the scope lies in one.
        public let projectID: ProjectID?
        /// The environment, when the scope lies in one.
        public let environmentID: EnvironmentID?

        /// Names a place.
        public init(
            workspaceID: WorkspaceID, projectID: ProjectID?, environmentID: EnvironmentID?
        ) {
            self.workspaceID = workspaceID
            self.projectID = projectID
            self.environmentID = environmentID
        }
    }

    /// Makes a standing.
    public init(principal: Principal, place: Place?, role: Role?, serverIsKnown: Bool) {
        self.principal = principal
        self.place = place
        self.role = role
        self.serverIsKnown = serverIsKnown
    }
}

/// Reads standings.
public protocol StandingStore {
    /// Asks for the standing of a live token in a scope, without waiting; `nil` when no live token
    /// has that hash. One statement.
    func standing(
        of credential: Credential, in scope: Scope, session: Session
    ) -> Pending<Standing?>

    /// The owner of a live token, or `nil`. One round trip.
    func principal(of credential: Credential, session: Session) async throws -> Principal?
}
