import EventLoops
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import DockerEngine

/// The machine's own Docker, and what a test makes in it: everything carries the test's label and is
/// removed at its end.
final class RealEngine {
    let docker: DockerClient
    let labels: [String: String]
    private let prefix: String
    private static let count = Atomic<Int>(0)
    private static let run = UInt32.random(in: 0 ... .max)

    /// The image that scripts/test-image builds.
    static let image = variable("BERTH_TEST_IMAGE") ?? "berth/postgres-test:16"
    static let socketPath = variable("BERTH_TEST_DOCKER_SOCKET") ?? DockerClient.socketPathDefault

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    init(_ reactor: Reactor) throws {
        docker = try DockerClient(reactor: reactor, socketPath: RealEngine.socketPath)
        let number = RealEngine.count.add(1, ordering: .relaxed).newValue
        // What a killed run left behind may have this process's number.
        prefix = "berth-engine-test-\(getpid())-\(RealEngine.run)-\(number)"
        labels = ["berth.engine-test": prefix]
    }

    func name(_ suffix: String) -> String { "\(prefix)-\(suffix)" }

    /// A container of the test image that runs a shell script.
    func container(_ suffix: String, _ script: String) -> ContainerSpecification {
        var container = ContainerSpecification(name: name(suffix), image: RealEngine.image)
        container.command = ["sh", "-c", script]
        container.labels = labels
        return container
    }

    /// Makes and starts one.
    func start(_ container: ContainerSpecification) async throws -> String {
        let id = try await docker.createContainer(container)
        try await docker.startContainer(id)
        return id
    }

    /// All of a container's standard output.
    func output(of id: String, _ selection: LogSelection = LogSelection()) async throws -> String {
        let logs = try await docker.logs(of: id, selection)
        var bytes: [UInt8] = []
        while let record = try await logs.next(within: .seconds(30)) {
            if record.source == .output { bytes += record.bytes }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate func removeAll() async throws {
        for container in try await docker.containers(labels: labels) {
            try await docker.removeContainer(container.id, force: true)
        }
        for network in try await docker.networks(labels: labels) {
            try await docker.removeNetwork(network.id)
        }
        for volume in try await docker.volumes(labels: labels) {
            try await docker.removeVolume(volume.name)
        }
    }
}

/// Runs `body` with the machine's Docker, and removes what it made.
func withRealEngine(
    _ body: @escaping @Sendable (isolated EventLoop, Reactor, RealEngine) async throws -> Void
) async throws {
    try await onLoop { loop, reactor in
        let engine = try RealEngine(reactor)
        do {
            try await body(loop, reactor, engine)
        } catch {
            try await engine.removeAll()
            throw error
        }
        try await engine.removeAll()
    }
}
