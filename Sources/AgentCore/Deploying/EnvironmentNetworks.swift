import DockerEngine
import Domain

/// Makes and removes the networks of environments, so that none goes while a job counts on it.
final class EnvironmentNetworks {
    private let engine: any ContainerEngine
    private let gate = KeyedGate<EnvironmentID>()
    private var users: [EnvironmentID: Int] = [:]

    init(engine: any ContainerEngine) { self.engine = engine }

    /// Runs a job during which the environment's network is not removed.
    func using<Result>(
        _ environment: EnvironmentID, _ job: () async throws -> Result
    ) async rethrows -> Result {
        users[environment, default: 0] += 1
        defer {
            let left = users[environment, default: 1] - 1
            users[environment] = left > 0 ? left : nil
        }
        return try await job()
    }

    /// Makes the network when it is missing.
    func ensure(_ network: NetworkSpecification, of environment: EnvironmentID) async throws {
        try await gate.alone(environment) {
            try await ensure(network)
        }
    }

    /// Makes a network when it is missing. One that a killed agent asked for may come up between the
    /// look and the act: Docker refuses the second then.
    func ensure(_ network: NetworkSpecification) async throws {
        guard try await !engine.hasNetwork(network.name) else { return }
        do {
            try await engine.createNetwork(network)
        } catch let error as DockerError {
            guard try await engine.hasNetwork(network.name) else { throw error }
        }
    }

    /// Removes the network when no container is made for it and no job counts on it. A container that
    /// does not run counts too: without its network it could not be started again.
    func removeIfUnused(_ environment: EnvironmentID) async throws {
        try await gate.alone(environment) {
            guard users[environment] == nil else { return }
            let labels = Label.containers(inEnvironment: "\(environment)")
            guard try await engine.containers(labels: labels).isEmpty, users[environment] == nil
            else { return }
            try await engine.removeNetwork(DockerNames.network(of: environment))
        }
    }
}
