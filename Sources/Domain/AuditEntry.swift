/// Something that a caller or an agent did, for the audit trail.
public struct AuditEntry: Hashable, Sendable {
    /// What was acted on.
    public enum Target: Hashable, Sendable {
        /// A service.
        case service(ServiceID)
        /// A server.
        case server(ServerID)
        /// A workspace.
        case workspace(WorkspaceID)
    }

    /// Who acted.
    public enum Actor: Hashable, Sendable {
        /// A user, by a token.
        case user(Principal)
        /// A server, by its agent.
        case server(ServerID)
    }

    /// What was done, as `noun.verb_object`: `service.create_database`.
    public let action: String
    /// Who did it.
    public let actor: Actor
    /// What it was done to.
    public let target: Target
    /// The workspace that the target lies in.
    public let workspaceID: WorkspaceID
    /// The caller's own request id; empty when none was sent.
    public let requestID: String
    /// The id of the call, which the log also holds.
    public let callID: String
    /// What else there is to know, for people; holds no secret; may be empty.
    public let detail: String
    /// When.
    public let at: Timestamp

    /// Makes an entry of what a user did.
    public init(
        action: String, actor: Principal, target: Target, workspaceID: WorkspaceID,
        requestID: String, callID: String, detail: String = "", at: Timestamp
    ) {
        self.init(
            action: action, actor: .user(actor), target: target, workspaceID: workspaceID,
            requestID: requestID, callID: callID, detail: detail, at: at)
    }

    /// Makes an entry of what a server's agent did.
    public init(
        action: String, server: ServerID, workspaceID: WorkspaceID, callID: String, detail: String,
        at: Timestamp
    ) {
        self.init(
            action: action, actor: .server(server), target: .server(server),
            workspaceID: workspaceID, requestID: "", callID: callID, detail: detail, at: at)
    }

    private init(
        action: String, actor: Actor, target: Target, workspaceID: WorkspaceID,
        requestID: String, callID: String, detail: String, at: Timestamp
    ) {
        self.action = action
        self.actor = actor
        self.target = target
        self.workspaceID = workspaceID
        self.requestID = requestID
        self.callID = callID
        self.detail = detail
        self.at = at
    }
}
