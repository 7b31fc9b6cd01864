import DockerEngine
import Domain
import PostgresClient

@testable import AgentCore

/// A container engine in memory, with a PostgreSQL in each container that runs. It can die: after so
/// many effects every call fails, as for an agent that was killed.
final class FakeEngine: ContainerEngine {
    struct Volume {
        var labels: [String: String]
        var files: [String: [UInt8]] = [:]
        /// The system identifier of the data; nil while there is none.
        var identifier: String?
        /// Who may log in; nil while there is no data.
        var owner: LoginProbe?
    }

    struct Container {
        var id: String
        var specification: ContainerSpecification
        var status = ContainerState.Status.created
        var exitCode: Int64 = 0
        var wasOutOfMemory = false
        var networks: Set<String>
        var aliases: [String]
    }

    /// What a container does once it is started.
    enum Behaviour: Equatable {
        case serves
        case exits(code: Int64, outOfMemory: Bool)
        case hangs
        case refusesLogins
    }

    var images: [String: EngineImage] = [
        "postgres:16": EngineImage(id: "sha256:" + String(repeating: "1", count: 64))
    ]
    var registry: [String: EngineImage] = [:]
    var pullError: DockerError?
    var networks: [String: NetworkSpecification] = [:]
    var volumes: [String: Volume] = [:]
    var containers: [String: Container] = [:]
    var behaviour = Behaviour.serves
    var output: [String] = []
    var startError: DockerError?

    /// Every effect in order, such as `start berth-db-…`.
    private(set) var effects: [String] = []
    /// How many effects happen before the agent dies; nil for ever.
    var diesAfter: Int?
    /// Whether volumes are folders that can be swapped.
    var canExchange = true
    /// Whether PostgreSQL takes the names of a service in place of a spare's.
    var canHandOver = true

    /// What must never happen, and did.
    private(set) var violations: [String] = []
    /// The identifiers of data that siblings could reach, by volume.
    private(set) var published: [String: Set<String>] = [:]
    private var made = 0

    struct Killed: Error {}

    private var isDead: Bool { diesAfter.map { effects.count >= $0 } ?? false }
    private func look() throws {
        try Task.checkCancellation()
        if isDead { throw Killed() }
    }
    private func act(_ effect: String) throws {
        try look()
        effects.append(effect)
    }
    func clearEffects() { effects = [] }

    private func missing(_ operation: String) -> DockerError {
        DockerError(.refused, operation: operation, status: 404, message: "no such thing")
    }

    // MARK: Images

    func image(_ name: String) async throws -> EngineImage? {
        try look()
        return images[name] ?? images.values.first { $0.id == name }
    }

    func pull(
        _ image: ImageReference, within limit: Duration, progress: (String) -> Void
    ) async throws {
        try act("pull \(image)")
        if let pullError { throw pullError }
        guard let found = registry["\(image)"] else { throw missing("pull image") }
        progress("Fetching the image: 1 of 1 layers are here")
        images["\(image)"] = found
    }

    // MARK: Networks

    func hasNetwork(_ name: String) async throws -> Bool {
        try look()
        return networks[name] != nil
    }

    func createNetwork(_ network: NetworkSpecification) async throws {
        try act("create network \(network.name)")
        networks[network.name] = network
    }

    func removeNetwork(_ name: String) async throws {
        try act("remove network \(name)")
        networks[name] = nil
    }

    func networks(labels: [String: String]) async throws -> [String] {
        try look()
        return networks.values.filter { $0.labels.has(labels) }.map(\.name).sorted()
    }

    func connect(_ container: String, to place: NetworkAttachment) async throws {
        guard networks[place.network] != nil else { throw missing("connect") }
        try act("connect \(name(container)) to \(place.network)")
        containers[container]?.networks.insert(place.network)
        containers[container]?.aliases = place.aliases
        publish()
    }

    func disconnect(_ container: String, from network: String) async throws {
        try act("disconnect \(name(container)) from \(network)")
        containers[container]?.networks.remove(network)
    }

    // MARK: Volumes

    func volume(_ name: String) async throws -> EngineVolume? {
        try look()
        return volumes[name].map { EngineVolume(name: name, labels: $0.labels) }
    }

    func volumes(labels: [String: String]) async throws -> [EngineVolume] {
        try look()
        return volumes.filter { $0.value.labels.has(labels) }.sorted { $0.key < $1.key }
            .map { EngineVolume(name: $0.key, labels: $0.value.labels) }
    }

    func createVolume(_ name: String, labels: [String: String]) async throws {
        try act("create volume \(name)")
        if volumes[name] == nil { volumes[name] = Volume(labels: labels) }
    }

    func removeVolume(_ name: String) async throws {
        let isUsed = containers.values.contains { $0.specification.mounts.first?.volume == name }
        if isUsed { throw DockerError(.refused, operation: "remove", status: 409, message: "used") }
        try act("remove volume \(name)")
        if published[name]?.isEmpty == false { violations.append("published data was removed") }
        volumes[name] = nil
    }

    func exchangeVolumes(_ one: String, _ other: String) async throws -> Bool {
        guard canExchange else { return false }
        guard let first = volumes[one], let second = volumes[other] else {
            throw missing("exchange volumes")
        }
        try act("exchange \(one) \(other)")
        let used = containers.values.compactMap { $0.specification.mounts.first?.volume }
        if used.contains(one) || used.contains(other) { violations.append("used data was moved") }
        volumes[one] = second
        volumes[one]?.labels = first.labels
        volumes[other] = first
        volumes[other]?.labels = second.labels
        return true
    }

    // MARK: Containers

    func containers(labels: [String: String]) async throws -> [EngineContainer] {
        try look()
        return containers.values.filter { $0.specification.labels.has(labels) }
            .sorted { $0.specification.name < $1.specification.name }
            .map {
                EngineContainer(
                    id: $0.id, name: $0.specification.name, labels: $0.specification.labels,
                    status: $0.status)
            }
    }

    func container(_ id: String) async throws -> EngineContainerDetails? {
        try look()
        return containers[id].map { container in
            EngineContainerDetails(
                id: id, name: container.specification.name, labels: container.specification.labels,
                status: container.status, exitCode: container.exitCode,
                wasOutOfMemory: container.wasOutOfMemory,
                addresses: container.status == .running
                    ? Dictionary(
                        uniqueKeysWithValues: container.networks.map { ($0, "\(id)@\($0)") }) : [:],
                environment: container.specification.environment)
        }
    }

    func createContainer(_ container: ContainerSpecification) async throws -> String {
        if containers.values.contains(where: { $0.specification.name == container.name }) {
            throw DockerError(.refused, operation: "create", status: 409, message: "name in use")
        }
        guard let network = container.network, networks[network.network] != nil,
            let volume = container.mounts.first?.volume
        else { throw missing("create container") }
        try act("create \(container.name)")
        if volumes[volume] == nil { violations.append("Docker made a volume by itself") }
        made += 1
        let id = "c\(made)"
        containers[id] = Container(
            id: id, specification: container, networks: [network.network],
            aliases: network.aliases)
        return id
    }

    func startContainer(_ id: String) async throws {
        guard let container = containers[id],
            let volume = container.specification.mounts.first?.volume
        else { throw missing("start container") }
        try act("start \(name(id))")
        if let startError { throw startError }
        let isShared = containers.values.contains {
            $0.id != id && $0.status == .running
                && $0.specification.mounts.first?.volume == volume
        }
        if isShared { violations.append("two containers ran on \(volume)") }
        if case .exits(let code, let outOfMemory) = behaviour {
            containers[id]?.status = .exited
            containers[id]?.exitCode = code
            containers[id]?.wasOutOfMemory = outOfMemory
            return
        }
        containers[id]?.status = .running
        let version = "\(container.specification.environment["PGDATA"] ?? "")/PG_VERSION"
        if volumes[volume]?.files[version] == nil {
            volumes[volume]?.files[version] = Array("16\n".utf8)
            made += 1
            volumes[volume]?.identifier = "70000000\(made)"
            volumes[volume]?.owner = FakeEngine.owner(container.specification.environment)
        }
        publish()
    }

    func stopContainer(_ id: String, gracePeriod: Duration) async throws {
        try act("stop \(name(id))")
        containers[id]?.status = .exited
    }

    func removeContainer(_ id: String) async throws {
        try act("remove \(name(id))")
        containers[id] = nil
    }

    func waitForEnd(of id: String) async throws {
        try look()
        if containers[id]?.status == .running {
            // As long as the test runs.
            let forever = AsyncStream<Void> { _ in }
            for await _ in forever {}
        }
        try look()
    }

    // MARK: Output and files

    func lastLines(of id: String, count: Int) async throws -> [String] {
        try look()
        return output.suffix(count)
    }

    func logs(of id: String, tail: Int, follows: Bool) async throws -> any EngineLogStream {
        try look()
        return FakeLogStream(output.suffix(tail))
    }

    func readFile(_ path: String, in container: String) async throws -> [UInt8]? {
        try look()
        return containers[container].flatMap {
            volumes[$0.specification.mounts[0].volume]?.files[path]
        }
    }

    func writeFile(
        named name: String, _ bytes: [UInt8], inFolder folder: String, of container: String
    ) async throws {
        try act("write \(name)")
        guard let volume = containers[container]?.specification.mounts.first?.volume else {
            throw missing("write file")
        }
        volumes[volume]?.files["\(folder)/\(name)"] = bytes
    }

    // MARK: What a sibling would find

    private func name(_ id: String) -> String { containers[id]?.specification.name ?? id }

    /// Notes which data is reachable on environments' networks now.
    private func publish() {
        for container in containers.values where container.status == .running {
            guard container.networks.contains(where: { $0.hasPrefix("berth-env-") }),
                let volume = container.specification.mounts.first?.volume,
                let identifier = volumes[volume]?.identifier
            else { continue }
            published[volume, default: []].insert(identifier)
            if volumes[volume]?.owner?.username == SparePlan.placeholder {
                violations.append("data was published under a spare's names")
            }
        }
    }

    /// Who the image says may log in.
    private static func owner(_ environment: [String: String]) -> LoginProbe {
        LoginProbe(
            databaseName: environment["POSTGRES_DB"] ?? "",
            username: environment["POSTGRES_USER"] ?? "",
            password: SecretText(environment["POSTGRES_PASSWORD"] ?? ""))
    }

    /// Whose the data in a container is.
    func owner(of container: Container) -> LoginProbe? {
        volumes[container.specification.mounts[0].volume]?.owner
    }

    func handOver(_ container: Container, to owner: LoginProbe) {
        effects.append("hand over \(container.specification.mounts[0].volume)")
        volumes[container.specification.mounts[0].volume]?.owner = owner
    }

    /// The running container whose address that is, for the prober.
    func serving(at address: String) -> Container? {
        containers.values.first { container in
            container.status == .running
                && container.networks.contains { address == "\(container.id)@\($0)" }
        }
    }

    func identifier(of container: Container) -> String? {
        volumes[container.specification.mounts[0].volume]?.identifier
    }

    var running: [Container] { containers.values.filter { $0.status == .running } }
}

private final class FakeLogStream: EngineLogStream {
    private var lines: [String]
    init(_ lines: some Sequence<String>) { self.lines = Array(lines) }
    func next(within limit: Duration?) async throws -> EngineLogPiece? {
        guard !lines.isEmpty else { return nil }
        return EngineLogPiece(
            timestamp: "2026-01-01T00:00:00.5Z", isStandardError: false,
            bytes: Array((lines.removeFirst() + "\n").utf8))
    }
    func close() {}
}

extension [String: String] {
    /// Whether all of these are among them.
    func has(_ labels: [String: String]) -> Bool { labels.allSatisfy { self[$0.key] == $0.value } }
}

/// Logs in to the fake's PostgreSQL.
final class FakeProber: LoginProber {
    private let engine: FakeEngine
    private(set) var addresses: [String] = []

    init(_ engine: FakeEngine) { self.engine = engine }

    func attempt(
        at address: String, port: Int32, _ probe: LoginProbe, within limit: Duration
    ) async -> LoginOutcome {
        addresses.append(address)
        guard let container = engine.serving(at: address), engine.behaviour != .hangs else {
            return .notYet("connection refused")
        }
        if engine.behaviour == .refusesLogins || engine.owner(of: container) != probe {
            return .refused("password authentication failed")
        }
        return .proven(systemIdentifier: engine.identifier(of: container) ?? "")
    }

    func handOver(
        at address: String, port: Int32, from spare: LoginProbe, to owner: LoginProbe,
        within limit: Duration
    ) async throws {
        guard let container = engine.serving(at: address), engine.owner(of: container) == spare,
            engine.canHandOver
        else {
            throw PostgresError(.serverError, function: "ALTER ROLE", message: "refused")
        }
        engine.handOver(container, to: owner)
    }
}
