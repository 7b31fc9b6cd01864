public import Domain

/// What is said on PostgreSQL's notification channel ``channel`` when an agent's stream begins or ends.
public struct AgentSessionNotice: Hashable, Sendable {
    /// The channel's name.
    public static let channel = "berth_agent_sessions"

    /// What happened to a stream.
    public enum Change: String, Hashable, Sendable {
        /// It is the server's newest from now on.
        case began
        /// It is over.
        case ended
    }

    /// What happened.
    public let change: Change
    /// Whose stream it is.
    public let serverID: ServerID
    /// The stream; nil when the agent was replaced and no stream is the newest.
    public let sessionID: AgentSessionID?

    /// Makes a notice.
    public init(change: Change, serverID: ServerID, sessionID: AgentSessionID?) {
        self.change = change
        self.serverID = serverID
        self.sessionID = sessionID
    }

    /// What is sent: three words, `-` for what is absent.
    public var payload: String {
        let session = sessionID.map { Hexadecimal.text($0.bytes) } ?? "-"
        return "\(change.rawValue) \(serverID) \(session)"
    }

    /// Reads what was sent, or returns nil when it is not that.
    public init?(payload: String) {
        let words = payload.split(separator: " ").map(String.init)
        guard words.count == 3, let change = Change(rawValue: words[0]),
            let server = ServerID(words[1])
        else { return nil }
        if words[2] == "-" {
            self.init(change: change, serverID: server, sessionID: nil)
        } else {
            guard let bytes = Hexadecimal.bytes(words[2]), bytes.count == 16 else { return nil }
            self.init(
                change: change, serverID: server, sessionID: AgentSessionID(bytes: bytes))
        }
    }
}
