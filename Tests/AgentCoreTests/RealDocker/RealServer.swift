import DockerEngine
import Domain
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import AgentCore

/// The machine's own Docker with the agent's parts on it, and one environment with one service;
/// everything of both is removed at the test's end.
final class RealServer {
    let engine: DockerContainerEngine
    var tools: DeployRun.Tools
    let reactor: Reactor
    let environment = EnvironmentID.new(at: SystemWallClock().now())
    let service = ServiceID.new(at: SystemWallClock().now())
    let server = ServerID.new(at: SystemWallClock().now())
    private var token: Int64 = 0

    /// The image that scripts/test-image builds.
    static let image = variable("BERTH_TEST_IMAGE") ?? "berth/postgres-test:16"
    static let socketPath =
        variable("BERTH_TEST_DOCKER_SOCKET") ?? DockerClient.socketPathDefault

    static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    init(_ reactor: Reactor, socketPath: String) throws {
        self.reactor = reactor
        engine = DockerContainerEngine(
            client: try DockerClient(reactor: reactor, socketPath: socketPath),
            workers: try sharedWorkers())
        tools = DeployRun.Tools(
            engine: engine, starts: GuardedStarts(engine: engine),
            verification: Verification(
                engine: engine,
                prober: PostgresLoginProber(reactor: reactor, workers: try sharedWorkers()),
                reactor: reactor),
            networks: EnvironmentNetworks(engine: engine), serverID: server)
    }

    var volume: String { "berth-data-\(service)" }
    var network: String { DockerNames.network(of: environment) }
    let password = "p'\\ss wörd"

    func order(
        initialized: Bool = false, image: String = RealServer.image, password: String? = nil,
        start: Duration = .seconds(180)
    ) -> DeployOrder {
        DeployOrder(
            environmentID: environment,
            deploymentID: DeploymentID.new(at: SystemWallClock().now()), slug: "db", image: image,
            pinnedImage: nil, port: 5432,
            environment: [
                ConfigEntryDraft(key: "POSTGRES_DB", value: .variable("app")),
                ConfigEntryDraft(
                    key: "POSTGRES_PASSWORD", value: .secret(SecretText(self.password))),
                ConfigEntryDraft(key: "POSTGRES_USER", value: .variable("berth")),
            ],
            volume: VolumeOrder(
                name: volume, mountPath: "/var/lib/postgresql/data",
                dataPath: "/var/lib/postgresql/data/pgdata", initialized: initialized,
                systemIdentifier: nil),
            limits: ResourceLimits(
                cpuMillis: 0, memoryBytes: 512 << 20, pidsMax: 256, logFileBytesMax: 1 << 20,
                logFilesMax: 2, sharedMemoryBytes: 64 << 20),
            probe: LoginProbe(
                databaseName: "app", username: "berth",
                password: SecretText(password ?? self.password)),
            timeouts: JobTimeouts(pull: .seconds(180), start: start, stop: .seconds(20)))
    }

    /// One spare volume, once it is told the layout and filled; by the test alone, so that nothing is
    /// made while the test compares and removes.
    func makeSpares() -> SpareVolumes {
        SpareVolumes(
            count: 1,
            tools: SpareVolumes.Tools(
                engine: engine, verification: tools.verification, networks: tools.networks,
                serverID: server, logger: Sample.silence, mayWork: { true },
                fillPause: .seconds(3600)))
    }

    /// The next claim of a deployment.
    func run(
        _ order: DeployOrder, previous: DeploymentID? = nil,
        tell: @escaping DeployRun.Tell = { _, _, _ in }
    ) -> DeployRun {
        token += 1
        let id = JobID(high: order.deploymentID.high, low: order.deploymentID.low)
        return DeployRun(
            order: order,
            job: JobIdentity(
                reference: JobReference(jobID: id, fencingToken: token), serviceID: service),
            previous: previous, tools: tools, tell: tell)
    }

    func containers() async throws -> [EngineContainer] {
        try await engine.containers(labels: Label.containers(of: "\(service)"))
    }

    /// The service's own address on its network.
    func address() async throws -> String {
        let id = try #require(try await containers().first).id
        let details = try #require(try await engine.container(id))
        return try #require(details.addresses[network])
    }

    /// Runs SQL in a container of its own on some network, as an application would.
    ///
    /// - Parameter patienceSeconds: Short for who is to find nobody.
    func psql(
        _ sql: String, host: String = "db", network: String? = nil, database: String = "app",
        patienceSeconds: Int = 60
    ) async throws -> String {
        let password = "PGPASSWORD=\(self.password)"
        let target =
            "host=\(host) port=5432 dbname=\(database) user=berth "
            + "connect_timeout=\(patienceSeconds)"
        let command = [
            "docker", "run", "--rm", "--network", network ?? self.network, "--label",
            "berth.agent-test=\(service)", "--env", password, "--entrypoint", "psql",
            RealServer.image, target, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql,
        ]
        return try await sharedWorkers().run { try Command.run(command) }
    }

    /// Runs a program of the tests' machine.
    func command(_ command: String...) async throws -> String {
        try await sharedWorkers().run { try Command.run(command) }
    }

    /// Removes everything; again while Docker is still busy with what was asked for before.
    fileprivate func removeAll() async throws {
        tools.spares?.stop()
        let end = Instant.now().advanced(by: .seconds(60))
        while true {
            do {
                return try await removeWhatIsThere()
            } catch is DockerError where Instant.now() < end {
                try await reactor.sleep(for: .milliseconds(500))
            }
        }
    }

    private func removeWhatIsThere() async throws {
        let spares = Label.all(.spare, of: "\(server)")
        for container in try await engine.containers(labels: spares) {
            try await engine.removeContainer(container.id)
        }
        for volume in try await engine.volumes(labels: spares) {
            try await engine.removeVolume(volume.name)
        }
        for container in try await containers() { try await engine.removeContainer(container.id) }
        try await engine.removeVolume(volume)
        for network in try await engine.networks(labels: Label.all(.environment, of: "\(server)")) {
            try await engine.removeNetwork(network)
        }
    }
}

/// Runs `body` with the machine's Docker, and removes what it made.
@discardableResult
func withRealServer<Result: Sendable>(
    socketPath: String = RealServer.socketPath,
    _ body: @escaping @Sendable (isolated EventLoop, RealServer) async throws -> Result
) async throws -> Result {
    try await onLoop { loop, reactor in
        let server = try RealServer(reactor, socketPath: socketPath)
        do {
            let result = try await body(loop, server)
            try await server.removeAll()
            return result
        } catch {
            // The first failure is the one to tell.
            try? await server.removeAll()
            throw error
        }
    }
}
