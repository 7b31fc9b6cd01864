import DockerEngine
import Domain
import EventLoops

@testable import AgentCore

/// A container engine in memory, with a PostgreSQL in each container that runs. The agent can die:
/// after so many effects every call fails; what it asked for last may still happen later. Answers can be
/// lost: an effect happens, and the caller hears of a broken connection.
final class FakeEngine: ContainerEngine, EnginePresence {
    /// Whether it takes a new connection.
    var isAnswering = true
    var outageCount: Int { 0 }
    func answers() async -> Bool { isAnswering }

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
        var startedAt: String?
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
    /// Whether it is told to end whenever it is asked to start a container.
    var endsAtStart = false

    /// Every effect in order, such as `start berth-db-…`.
    private(set) var effects: [String] = []
    /// How many effects happen before the agent dies; nil for ever.
    var diesAfter: Int? { didSet { hasDied = false } }
    /// After how many calls of the next agent that happens which this one asked for as it died; nil
    /// when it never does.
    var completesAfter: Int?
    private var late: (callsLeft: Int, change: () -> Void)?
    /// Which effect's answer is lost, counted from the next one; nil for none.
    var losesAnswerOf: Int?
    /// Whether volumes are folders that can be swapped.
    var canExchange = true
    /// Why folders that should be swappable are not.
    var exchangeError: SystemError?
    /// Whether siblings hold every connection of a PostgreSQL that they reach.
    var isSaturated = false
    /// Whether PostgreSQL asks for no password.
    var trustsEveryone = false
    /// Whether PostgreSQL's pg_hba.conf names the environment's network, and no other.
    var admitsItsEnvironmentAlone = false
    /// Set to hold up starts until ``letStartsGo()``.
    var holdsStartsOn: Reactor?
    private var heldStarts: [LoopSignal] = []
    var startsWaiting: Int { heldStarts.count }
    func letStartsGo() {
        holdsStartsOn = nil
        for start in heldStarts { start.raise() }
        heldStarts = []
    }
    /// Whether PostgreSQL takes the names of a service in place of a spare's.
    var canHandOver = true

    /// What must never happen, and did.
    private(set) var violations: [String] = []
    /// The identifiers of data that siblings could reach, by volume.
    private(set) var published: [String: Set<String>] = [:]
    private var made = 0
    private var starts = 0

    struct Killed: Error {}

    /// Whether it died over something that it asked for, which is late then.
    private var hasDied = false
    private var isAtItsEnd: Bool { diesAfter.map { effects.count >= $0 } ?? false }
    /// With something to be late it dies as it asks for that, and not as it looks.
    private var isDead: Bool { hasDied || (completesAfter == nil && isAtItsEnd) }
    private func look() throws {
        try Task.checkCancellation()
        if isDead { throw Killed() }
        guard let pending = late else { return }
        late = pending.callsLeft > 0 ? (pending.callsLeft - 1, pending.change) : nil
        if pending.callsLeft <= 0 { pending.change() }
    }
    private func act(_ effect: String, _ change: @escaping () -> Void) throws {
        try look()
        if isAtItsEnd, let calls = completesAfter {
            (completesAfter, hasDied) = (nil, true)
            late = (calls, change)
            throw Killed()
        }
        effects.append(effect)
        change()
        guard let left = losesAnswerOf else { return }
        losesAnswerOf = left > 0 ? left - 1 : nil
        if left == 0 {
            throw DockerError(.interrupted, operation: effect, message: "the answer was lost")
        }
    }
    func clearEffects() { effects = [] }
    /// Whether something that was asked for is yet to happen.
    var isSomethingLate: Bool { late != nil }

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
        try act("pull \(image)") {}
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
        try act("create network \(network.name)") { self.networks[network.name] = network }
    }

    func removeNetwork(_ name: String) async throws {
        let hasEndpoints = containers.values.contains {
            $0.status == .running && $0.networks.contains(name)
        }
        if hasEndpoints {
            throw DockerError(
                .refused, operation: "remove network", status: 403, message: "has active endpoints")
        }
        try act("remove network \(name)") { self.networks[name] = nil }
    }

    func networks(labels: [String: String]) async throws -> [String] {
        try look()
        return networks.values.filter { $0.labels.has(labels) }.map(\.name).sorted()
    }

    func connect(_ container: String, to place: NetworkAttachment) async throws {
        guard networks[place.network] != nil else { throw missing("connect") }
        guard containers[container] != nil else { throw missing("connect") }
        try act("connect \(name(container)) to \(place.network)") {
            self.containers[container]?.networks.insert(place.network)
            self.containers[container]?.aliases = place.aliases
            self.publish()
        }
    }

    func disconnect(_ container: String, from network: String) async throws {
        try act("disconnect \(name(container)) from \(network)") {
            self.containers[container]?.networks.remove(network)
        }
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

    /// What somebody does who removes everything in a volume.
    func empty(_ name: String) {
        volumes[name] = volumes[name].map { Volume(labels: $0.labels) }
    }

    func createVolume(_ name: String, labels: [String: String]) async throws {
        try act("create volume \(name)") {
            if self.volumes[name] == nil { self.volumes[name] = Volume(labels: labels) }
        }
    }

    func removeVolume(_ name: String) async throws {
        let isUsed = {
            self.containers.values.contains { $0.specification.mounts.first?.volume == name }
        }
        if isUsed() {
            throw DockerError(.refused, operation: "remove", status: 409, message: "used")
        }
        try act("remove volume \(name)") {
            guard !isUsed() else { return }
            if self.published[name]?.isEmpty == false {
                self.violations.append("published data was removed")
            }
            self.volumes[name] = nil
        }
    }

    func exchangeVolumes(_ one: String, _ other: String) async throws -> Bool {
        guard canExchange else { return false }
        if let exchangeError { throw exchangeError }
        guard let first = volumes[one], let second = volumes[other] else {
            throw missing("exchange volumes")
        }
        try act("exchange \(one) \(other)") {}
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
                wasOutOfMemory: container.wasOutOfMemory, startedAt: container.startedAt,
                addresses: container.status == .running
                    ? Dictionary(
                        uniqueKeysWithValues: container.networks.map { ($0, "\(id)@\($0)") }) : [:],
                environment: container.specification.environment,
                mounts: container.specification.mounts)
        }
    }

    func createContainer(_ container: ContainerSpecification) async throws -> String {
        if containers.values.contains(where: { $0.specification.name == container.name }) {
            throw DockerError(.refused, operation: "create", status: 409, message: "name in use")
        }
        guard let network = container.network, networks[network.network] != nil,
            let volume = container.mounts.first?.volume
        else { throw missing("create container") }
        made += 1
        let id = "c\(made)"
        try act("create \(container.name)") {
            if self.volumes[volume] == nil {
                // A late one whose volume went is Docker's to refuse; what it makes in time is not.
                self.violations.append("Docker made a volume by itself")
            }
            self.containers[id] = Container(
                id: id, specification: container, networks: [network.network],
                aliases: network.aliases)
        }
        return id
    }

    func startContainer(_ id: String) async throws {
        guard containers[id] != nil else { throw missing("start container") }
        if let holdsStartsOn {
            let start = LoopSignal(reactor: holdsStartsOn)
            heldStarts.append(start)
            try await start.wait()
        }
        try act("start \(name(id))") {
            if self.startError == nil { self.bringUp(id) }
        }
        if endsAtStart { isAnswering = false }
        if let startError { throw startError }
    }

    private func bringUp(_ id: String) {
        guard let container = containers[id],
            let volume = container.specification.mounts.first?.volume
        else { return }
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
        starts += 1
        containers[id]?.status = .running
        containers[id]?.startedAt = "2026-01-01T00:00:00.\(starts)Z"
        let version = "\(container.specification.environment["PGDATA"] ?? "")/PG_VERSION"
        if volumes[volume]?.files[version] == nil {
            if published[volume]?.isEmpty == false {
                violations.append("an empty database stands in the place of a lost one")
            }
            volumes[volume]?.files[version] = Array("16\n".utf8)
            made += 1
            volumes[volume]?.identifier = "70000000\(made)"
            volumes[volume]?.owner = FakeEngine.owner(container.specification.environment)
        }
        publish()
    }

    func stopContainer(_ id: String, gracePeriod: Duration) async throws {
        try act("stop \(name(id))") { self.containers[id]?.status = .exited }
    }

    func removeContainer(_ id: String) async throws {
        try act("remove \(name(id))") { self.containers[id] = nil }
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
        guard let volume = containers[container]?.specification.mounts.first?.volume else {
            throw missing("write file")
        }
        try act("write \(name)") { self.volumes[volume]?.files["\(folder)/\(name)"] = bytes }
    }

    func synchronize(file name: String, ofVolume volume: String) async throws -> Bool {
        try act("synchronize \(name)") {}
        return true
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
