import DockerEngine
import EventLoops

/// The Docker Engine as ``ContainerEngine``.
final class DockerContainerEngine: ContainerEngine {
    /// How long the end of a container is waited for in one call; its callers have deadlines of their
    /// own, which are shorter.
    static let endWaitMax = Duration.seconds(60 * 60)

    private let client: DockerClient
    private let workers: WorkerPool
    /// What was last learned of the engine, and how often that had been out of reach then.
    private var known: (traits: EngineTraits, outages: Int)?

    /// - Parameter workers: Where folders are renamed.
    init(client: DockerClient, workers: WorkerPool) {
        self.client = client
        self.workers = workers
    }

    // MARK: Images

    func image(_ name: String) async throws -> EngineImage? {
        try await client.image(name).map { EngineImage(id: $0.id, repositoryDigests: $0.digests) }
    }

    func pull(
        _ image: ImageReference, within limit: Duration, progress: (String) -> Void
    ) async throws {
        var layers = PullTally()
        try await client.pullImage(image, deadline: limit) { step in
            if let line = layers.note(step) { progress(line) }
        }
    }

    // MARK: Networks

    func hasNetwork(_ name: String) async throws -> Bool {
        // Docker also takes the beginning of an id for a name.
        try await client.network(name)?.name == name
    }

    func createNetwork(_ network: NetworkSpecification) async throws {
        do {
            _ = try await client.createNetwork(network)
        } catch  where error.isConflict {
            // Made by someone else between the look and the act.
            return
        }
    }

    func removeNetwork(_ name: String) async throws { try await client.removeNetwork(name) }

    func networks(labels: [String: String]) async throws -> [String] {
        try await client.networks(labels: labels).map(\.name)
    }

    func connect(_ container: String, to place: NetworkAttachment) async throws {
        do {
            try await client.connect(container, to: place)
        } catch  where error.status == 403 {
            guard try await client.container(container)?.networks[place.network] != nil else {
                throw error
            }
        }
    }

    func disconnect(_ container: String, from network: String) async throws {
        do {
            try await client.disconnect(container, from: network)
        } catch {
            guard let details = try await client.container(container),
                details.networks[network] == nil
            else { throw error }
        }
    }

    // MARK: Volumes

    func volume(_ name: String) async throws -> EngineVolume? {
        try await client.volume(name).map { EngineVolume(name: $0.name, labels: $0.labels) }
    }

    func volumes(labels: [String: String]) async throws -> [EngineVolume] {
        try await client.volumes(labels: labels).map {
            EngineVolume(name: $0.name, labels: $0.labels)
        }
    }

    func createVolume(_ name: String, labels: [String: String]) async throws {
        _ = try await client.createVolume(name, labels: labels)
    }

    func removeVolume(_ name: String) async throws { try await client.removeVolume(name) }

    func exchangeVolumes(_ one: String, _ other: String) async throws -> Bool {
        guard let first = try await client.volume(one)?.folder,
            let second = try await client.volume(other)?.folder
        else { return false }
        try await workers.run { try VolumeFolders.exchange(first, second) }
        return true
    }

    // MARK: Containers

    func containers(labels: [String: String]) async throws -> [EngineContainer] {
        try await client.containers(labels: labels).map {
            EngineContainer(id: $0.id, name: $0.name, labels: $0.labels, status: $0.status)
        }
    }

    func container(_ id: String) async throws -> EngineContainerDetails? {
        try await client.container(id).map { EngineContainerDetails($0) }
    }

    func createContainer(_ container: ContainerSpecification) async throws -> String {
        try await client.createContainer(container.fitted(to: try await traits()))
    }

    /// What the engine is, asked for once while it stays: another may come back.
    private func traits() async throws(DockerError) -> EngineTraits {
        let outages = client.outageCount
        if let known, known.outages == outages { return known.traits }
        let traits = EngineTraits(
            isPodman: try await client.version().isPodman,
            processors: try await client.information().processors)
        known = (traits, outages)
        return traits
    }

    func startContainer(_ id: String) async throws { try await client.startContainer(id) }

    func stopContainer(_ id: String, gracePeriod: Duration) async throws {
        do {
            try await client.stopContainer(
                id, gracePeriod: gracePeriod, signal: ContainerPlan.stopSignal)
        } catch  where error.isNotFound {
            return
        }
    }

    func removeContainer(_ id: String) async throws {
        do {
            try await client.removeContainer(id, force: true)
        } catch  where error.isConflict {
            // Somebody else's removal is under way.
            _ = try await client.waitForContainer(
                id, .removed, deadline: DockerLimits.longDeadline)
        }
    }

    func waitForEnd(of id: String) async throws {
        _ = try await client.waitForContainer(
            id, .notRunning, deadline: DockerContainerEngine.endWaitMax)
    }

    // MARK: Output and files

    func lastLines(of id: String, count: Int) async throws -> [String] {
        let stream = try await client.logs(of: id, LogSelection(tail: count))
        defer { stream.close() }
        var lines: [String] = []
        while let record = try await stream.next(within: DockerLimits.shortDeadline) {
            lines.append(LogText.line(record.bytes))
        }
        return lines.suffix(count)
    }

    func logs(of id: String, tail: Int, follows: Bool) async throws -> any EngineLogStream {
        DockerLogStream(
            try await client.logs(
                of: id, LogSelection(tail: tail, follows: follows, hasTimestamps: true)))
    }

    func readFile(_ path: String, in container: String) async throws -> [UInt8]? {
        try await client.readFile(path, in: container)?.bytes
    }

    func writeFile(
        named name: String, _ bytes: [UInt8], inFolder folder: String, of container: String
    ) async throws {
        try await client.writeFile(
            ContainerFile(name: name, bytes: bytes), to: folder, in: container)
    }

    func synchronize(file name: String, ofVolume volume: String) async throws -> Bool {
        guard let folder = try await client.volume(volume)?.folder else { return false }
        do {
            try await workers.run { try VolumeFolders.synchronize(file: name, in: folder) }
            return true
        } catch is SystemError {
            return false
        }
    }
}

private final class DockerLogStream: EngineLogStream {
    private let stream: LogStream

    init(_ stream: LogStream) { self.stream = stream }

    func next(within limit: Duration?) async throws -> EngineLogPiece? {
        try await stream.next(within: limit).map {
            EngineLogPiece(
                timestamp: $0.timestamp ?? "", isStandardError: $0.source == .error,
                bytes: $0.bytes)
        }
    }

    func close() { stream.close() }
}

extension VolumeDetails {
    fileprivate var folder: String? {
        VolumeFolders.folder(of: name, driver: driver, mountpoint: mountpoint)
    }
}

extension EngineContainerDetails {
    fileprivate init(_ details: ContainerDetails) {
        self.init(
            id: details.id, name: details.name, labels: details.labels,
            status: details.state.status, exitCode: details.state.exitCode,
            wasOutOfMemory: details.state.wasOutOfMemory, error: details.state.error,
            startedAt: details.state.startedAt, restartCount: details.restartCount,
            addresses: details.networks.compactMapValues(\.ipv4Address),
            environment: details.environment,
            mounts: details.mounts.filter { $0.type == "volume" }.map {
                VolumeMount(volume: $0.name, path: $0.path, isReadOnly: !$0.isWritable)
            })
    }
}

/// Counts a pull's layers, for a line that says how far it is.
struct PullTally {
    private var layers: Set<String> = []
    private var done: Set<String> = []

    /// Notes a step.
    /// - Returns: A line when the count has changed.
    mutating func note(_ step: PullProgress) -> String? {
        note(layer: step.layer, status: step.status)
    }

    mutating func note(layer: String?, status: String) -> String? {
        guard let layer, layer.utf8.count == 12 else { return nil }
        let counts = (layers.count, done.count)
        layers.insert(layer)
        if status == "Pull complete" || status == "Already exists" { done.insert(layer) }
        guard counts != (layers.count, done.count) else { return nil }
        return "Fetching the image: \(done.count) of \(layers.count) layers are here"
    }
}
