public import Domain

/// What is said on PostgreSQL's notification channel ``channel`` when someone wants to read logs, or no
/// longer does; whichever loop has the stream of the server's agent acts on it.
public struct LogRequestNotice: Hashable, Sendable {
    /// The channel's name.
    public static let channel = "berth_log_requests"

    /// What is wanted.
    public enum Wish: Hashable, Sendable {
        /// The last lines, and what follows if asked for.
        case begin(tailLines: Int32, follow: Bool)
        /// Nothing more.
        case stop
    }

    /// Names the request: 32 hexadecimal digits.
    public let tailID: String
    /// The server.
    public let serverID: ServerID
    /// The service.
    public let serviceID: ServiceID
    /// What is wanted.
    public let wish: Wish

    /// Makes a notice.
    public init(tailID: String, serverID: ServerID, serviceID: ServiceID, wish: Wish) {
        self.tailID = tailID
        self.serverID = serverID
        self.serviceID = serviceID
        self.wish = wish
    }

    /// What is sent: four words or five.
    public var payload: String {
        let words: [String] =
            switch wish {
            case .begin(let tailLines, let follow):
                [follow ? "follow" : "tail", tailID, "\(serverID)", "\(serviceID)", "\(tailLines)"]
            case .stop: ["stop", tailID, "\(serverID)", "\(serviceID)"]
            }
        return words.joined(separator: " ")
    }

    /// Reads what was sent, or returns nil when it is not that.
    public init?(payload: String) {
        let words = payload.split(separator: " ").map(String.init)
        guard words.count >= 4, let server = ServerID(words[2]), let service = ServiceID(words[3])
        else { return nil }
        switch (words[0], words.count) {
        case ("stop", 4):
            self.init(tailID: words[1], serverID: server, serviceID: service, wish: .stop)
        case ("tail", 5), ("follow", 5):
            guard let lines = Int32(words[4]) else { return nil }
            self.init(
                tailID: words[1], serverID: server, serviceID: service,
                wish: .begin(tailLines: lines, follow: words[0] == "follow"))
        default: return nil
        }
    }
}
