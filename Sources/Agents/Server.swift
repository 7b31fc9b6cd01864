public import Domain

/// A machine of a workspace, and what is known of its agent.
public struct Server: Hashable, Sendable {
    /// Names the server.
    public let id: ServerID
    /// The workspace that it belongs to.
    public let workspaceID: WorkspaceID
    /// The name as its creator wrote it.
    public let name: String
    /// When it was created.
    public let createdAt: Timestamp
    /// Its agent; nil when none has registered.
    public let agent: ServerAgent?
    /// The first of the things on it of which nothing is known; empty in lists.
    public var orphans: [ServerOrphan] = []
}

/// Something with Berth's labels on a server of which nothing is known.
public struct ServerOrphan: Hashable, Sendable {
    /// What it is; the names are those of the schema.
    public enum Kind: String, Hashable, Sendable {
        /// A container.
        case container
        /// A volume.
        case volume
        /// A network.
        case network
    }

    /// What it is.
    public let kind: Kind
    /// Its name in Docker.
    public let name: String

    /// What the names of environments' networks begin with, before the environment's id.
    static let networkPrefix = "berth-env-"
}

/// Something that happened to an agent's streams, for who wonders why a server comes and goes.
public struct AgentEvent: Hashable, Sendable {
    /// One line for people.
    public let text: String
    /// When.
    public let at: Timestamp
}

/// What is known of a server's agent.
public struct ServerAgent: Hashable, Sendable {
    /// Whether it is connected and was heard of within 30 seconds.
    public let isOnline: Bool
    /// When it was last heard of; nil when it never connected.
    public let lastSeenAt: Timestamp?
    /// Its version; empty when it never connected.
    public let version: String
    /// The machine as it last told.
    public let host: HostFacts
    /// Why the last of its streams that ended did; nil when none did.
    public let streamEnd: AgentEvent?
    /// What was last refused, by it or of it; nil when nothing was.
    public let refusal: AgentEvent?
    /// How many things are on the server of which nothing is known.
    public let orphanCount: Int32
}

/// Facts of an agent's machine. Text is cut to ``textBytesMax`` bytes where it comes in.
public struct HostFacts: Hashable, Sendable {
    /// The bytes that each text may have.
    public static let textBytesMax = 256

    /// The host name.
    public var hostname = ""
    /// The operating system, such as `Debian GNU/Linux 12 (bookworm)`.
    public var operatingSystem = ""
    /// The processor's architecture, such as `x86_64`.
    public var architecture = ""
    /// The Docker Engine's version; empty while it does not answer.
    public var dockerVersion = ""
    /// How many processors there are.
    public var processors: Int32 = 0
    /// Memory in bytes.
    public var memoryTotalBytes: Int64 = 0
    /// Memory that programs could still have, in bytes.
    public var memoryAvailableBytes: Int64 = 0
    /// The size of the file system that holds Docker's data, in bytes.
    public var diskTotalBytes: Int64 = 0
    /// What is free of it, in bytes.
    public var diskAvailableBytes: Int64 = 0

    /// Facts of which nothing is known.
    public init() {}
}
