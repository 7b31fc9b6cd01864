/// Something that a caller did, for the audit trail.
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

    /// What was done, as `noun.verb_object`: `service.create_database`.
    public let action: String
    /// Who did it.
    public let actor: Principal
    /// What it was done to.
    public let target: Target
    /// The workspace that the target lies in.
    public let workspaceID: WorkspaceID
    /// The caller's own request id; empty when none was sent.
    public let requestID: String
    /// The id of the call, which the log also holds.
    public let callID: String
    /// When.
    public let at: Timestamp

    /// Makes an entry.
    public init(
        action: String, actor: Principal, target: Target, workspaceID: WorkspaceID,
        requestID: String, callID: String, at: Timestamp
    ) {
        self.action = action
        self.actor = actor
        self.target = target
        self.workspaceID = workspaceID
        self.requestID = requestID
        self.callID = callID
        self.at = at
    }
}
