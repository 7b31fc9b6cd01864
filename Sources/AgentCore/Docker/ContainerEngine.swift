import DockerEngine

/// What the agent needs of a container engine; Docker in life, a fake in unit tests.
///
/// Every call can be repeated, and is given up when its task is cancelled; what was asked for may then
/// have happened all the same. All throw `DockerError`.
protocol ContainerEngine: AnyObject {
    /// The image of that name or id; nil when it is not on the machine.
    func image(_ name: String) async throws -> EngineImage?
    /// Fetches an image; `progress` hears a line now and then.
    func pull(
        _ image: ImageReference, within limit: Duration, progress: (String) -> Void
    ) async throws

    /// Whether there is a network of that name.
    func hasNetwork(_ name: String) async throws -> Bool
    func createNetwork(_ network: NetworkSpecification) async throws
    /// Removes a network if it is there; refused while a container runs in it.
    func removeNetwork(_ name: String) async throws
    /// The names of the networks with these labels.
    func networks(labels: [String: String]) async throws -> [String]
    /// Puts a container into a network; without effect when it is in it.
    func connect(_ container: String, to place: NetworkAttachment) async throws
    /// Takes a container out of a network; without effect when it is not in it.
    func disconnect(_ container: String, from network: String) async throws

    func volume(_ name: String) async throws -> EngineVolume?
    func volumes(labels: [String: String]) async throws -> [EngineVolume]
    func createVolume(_ name: String, labels: [String: String]) async throws
    func removeVolume(_ name: String) async throws
    /// Swaps what two volumes hold, neither of which a container uses.
    /// - Returns: False, and nothing has changed, where the engine's volumes are no plain folders of
    ///   this machine.
    /// - Throws: `SystemError` where the folders cannot be swapped; nothing has changed then either.
    func exchangeVolumes(_ one: String, _ other: String) async throws -> Bool

    /// The containers with these labels, whatever their state.
    func containers(labels: [String: String]) async throws -> [EngineContainer]
    /// The container of that name or id; nil when there is none.
    func container(_ id: String) async throws -> EngineContainerDetails?
    /// Makes a container.
    /// - Returns: Its id.
    func createContainer(_ container: ContainerSpecification) async throws -> String
    /// Starts a container; what it finds empty its image initialises: see ``GuardedStarts``.
    func startContainer(_ id: String) async throws
    /// Asks a container to end, and kills it after the grace period; without effect when it does
    /// not run.
    func stopContainer(_ id: String, gracePeriod: Duration) async throws
    /// Removes a container, killing it if it runs; without effect when there is none.
    func removeContainer(_ id: String) async throws
    /// Waits until a container does not run.
    func waitForEnd(of id: String) async throws

    /// The last lines of a container's output, oldest first, each without its end.
    func lastLines(of id: String, count: Int) async throws -> [String]
    /// A container's output as a stream.
    func logs(of id: String, tail: Int, follows: Bool) async throws -> any EngineLogStream

    /// A small file's bytes, also of a volume, and also while the container does not run; nil when
    /// there is none.
    func readFile(_ path: String, in container: String) async throws -> [UInt8]?
    /// Writes a file, readable by all, into a folder that exists.
    func writeFile(
        named name: String, _ bytes: [UInt8], inFolder folder: String, of container: String
    ) async throws
    /// Waits until a file in a volume's topmost folder, and its name there, are on the disk.
    /// - Returns: False where the engine's volumes are no folders that this process can open.
    func synchronize(file name: String, ofVolume volume: String) async throws -> Bool
}

/// An image on the machine.
struct EngineImage: Equatable, Sendable {
    /// `sha256:` and 64 digits.
    var id: String
    /// The names with digests by which registries know it.
    var repositoryDigests: [String] = []
}

/// A volume.
struct EngineVolume: Equatable, Sendable {
    var name: String
    var labels: [String: String]
}

/// A container in a list.
struct EngineContainer: Equatable, Sendable {
    var id: String
    var name: String
    var labels: [String: String]
    var status: ContainerState.Status

    /// The token of its label; -1 without one.
    var fencingToken: Int64 { labels[Label.fencingToken].flatMap { Int64($0) } ?? -1 }

    /// Whether a process of it may be at work, or be started by the engine itself.
    var isActive: Bool {
        switch status {
        case .running, .paused, .restarting, .removing, .unknown: true
        case .created, .exited, .dead: false
        }
    }
}

/// A container as inspected.
struct EngineContainerDetails: Equatable, Sendable {
    var id: String
    var name: String = ""
    var labels: [String: String] = [:]
    var status: ContainerState.Status
    var exitCode: Int64 = 0
    var wasOutOfMemory = false
    /// The engine's own reason for a failed start; empty without one.
    var error = ""
    /// RFC 3339; nil when never.
    var startedAt: String?
    /// How often the engine itself started it again.
    var restartCount: Int64 = 0
    /// Its addresses by the networks' names; only while it runs.
    var addresses: [String: String] = [:]
    /// Its environment, secrets included: never shown.
    var environment: [String: String] = [:]
    /// The volumes in it.
    var mounts: [VolumeMount] = []
}

/// A container's output as it is written.
protocol EngineLogStream: AnyObject {
    /// Waits for the next piece; nil at the end.
    /// - Throws: `DockerError`: `.timedOut` when nothing came in time, after which it goes on.
    func next(within limit: Duration?) async throws -> EngineLogPiece?
    func close()
}

/// A line of output, its end included, or a part of a long one.
struct EngineLogPiece: Equatable, Sendable {
    /// RFC 3339.
    var timestamp: String
    var isStandardError: Bool
    var bytes: [UInt8]
}
