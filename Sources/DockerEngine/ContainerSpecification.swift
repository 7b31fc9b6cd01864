/// A container to be made.
///
/// What is not here cannot be asked for: privileged mode, ports of the machine, its folders, its
/// devices, its namespaces. Every capability is dropped but those named, and no program in it gains
/// rights. Prints without the environment, which holds secrets.
public struct ContainerSpecification: Equatable, Sendable {
    /// The name, unique on the machine.
    public var name: String
    /// The image: a name with tag or digest, or an id.
    public var image: String
    /// The environment: variables and opened secrets.
    public var environment: [String: String] = [:]
    /// The arguments; nil for the image's own.
    public var command: [String]?
    /// The user that the first process runs as; nil for the image's own.
    public var user: String?
    /// Labels. Anyone who can list containers reads them.
    public var labels: [String: String] = [:]
    /// Named volumes.
    public var mounts: [VolumeMount] = []
    /// Memory file systems: their options, such as `size=64m,mode=1777`, by path.
    public var memoryFileSystems: [String: String] = [:]
    /// The one network; nil for none at all, loopback aside.
    public var network: NetworkAttachment?
    /// The addresses that are asked for names of no container; empty for the machine's own resolvers.
    public var nameServers: [String] = []
    /// What the engine does when the container ends by itself.
    public var restartPolicy = RestartPolicy.never
    /// What it may use.
    public var resources = ContainerResources()
    /// How much of its output is kept.
    public var logs = LogRetention()
    /// The capabilities that are not dropped, such as `CHOWN`.
    public var capabilities: [String] = []
    /// Whether its own layer cannot be written.
    public var hasReadOnlyRoot = false
    /// The signal that asks it to end, such as `SIGINT`; nil for the image's own.
    public var stopSignal: String?
    /// How long it has to end when the engine itself stops it; in whole seconds.
    public var stopTimeout: Duration?

    /// Describes a container with no rights, no network and the image's own command.
    public init(name: String, image: String) {
        self.name = name
        self.image = image
    }
}

/// A named volume in a container.
public struct VolumeMount: Equatable, Sendable {
    /// The volume's name; made by the engine when there is none.
    public var volume: String
    /// The path in the container.
    public var path: String
    /// Whether the container may only read it.
    public var isReadOnly: Bool
    /// Whether an empty volume begins with what the image has at that path, owner and mode included.
    public var copiesImageContent: Bool

    /// Describes a mount.
    public init(
        volume: String, path: String, isReadOnly: Bool = false, copiesImageContent: Bool = true
    ) {
        self.volume = volume
        self.path = path
        self.isReadOnly = isReadOnly
        self.copiesImageContent = copiesImageContent
    }
}

/// A container's place in a network.
public struct NetworkAttachment: Equatable, Sendable {
    /// The network's name or id.
    public var network: String
    /// Names by which the network's other containers find it.
    public var aliases: [String]

    /// Describes a place.
    public init(network: String, aliases: [String] = []) {
        self.network = network
        self.aliases = aliases
    }
}

/// What the engine does when a container ends by itself.
public enum RestartPolicy: Equatable, Sendable {
    /// Leaves it.
    case never
    /// Starts it again, unless it was stopped by a call; after the engine's own restart, even then.
    case always
    /// Starts it again, unless it was stopped by a call.
    case unlessStopped
    /// Starts it again after an exit code other than 0, at most that often.
    case onFailure(max: Int64)
}

/// What a container may use; nil is no limit.
public struct ContainerResources: Equatable, Sendable {
    /// Billionths of a processor: 1,500,000,000 is one and a half.
    public var nanoCPUs: Int64?
    /// Bytes of memory.
    public var memoryBytes: Int64?
    /// Bytes of memory and swap together; equal to ``memoryBytes``, there is no swap.
    public var memoryAndSwapBytes: Int64?
    /// Processes and threads.
    public var processesMax: Int64?
    /// Bytes of /dev/shm; Docker's own default is 64 MiB.
    public var sharedMemoryBytes: Int64?

    /// No limits.
    public init() {}
}

/// How much of a container's output the engine keeps: so many files of so many bytes.
public struct LogRetention: Equatable, Sendable {
    /// Bytes of one file.
    public var fileBytesMax: Int64
    /// Files; the oldest goes first.
    public var filesMax: Int64

    /// Describes a limit.
    public init(fileBytesMax: Int64 = 10 * 1024 * 1024, filesMax: Int64 = 3) {
        self.fileBytesMax = fileBytesMax
        self.filesMax = filesMax
    }
}

extension ContainerSpecification: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The name and the image.
    public var description: String { "\(name) of \(image)" }
    /// As ``description``.
    public var debugDescription: String { description }
    /// Shows nothing of the environment to `dump`.
    public var customMirror: Mirror { Mirror(self, children: ["name": name, "image": image]) }
}
