import DockerEngine
import Domain
import EventLoops

/// The jobs that make no container: restart, teardown, purge, and the undoing of a job that no run of
/// this process knows. Each looks first and then acts, so it can be repeated.
struct OtherJobs {
    let engine: any ContainerEngine
    let starts: GuardedStarts
    let verification: Verification
    let networks: EnvironmentNetworks
    /// Why no container may be started now; nil when they may.
    var obstacle: () -> JobFailed? = { nil }

    private func containers(of service: ServiceID) async throws -> [EngineContainer] {
        try await engine.containers(labels: Label.containers(of: "\(service)"))
    }

    /// Stops the service's container, starts it again and logs in.
    func restart(
        _ order: RestartOrder, of service: ServiceID, tell: DeployRun.Tell,
        on loop: isolated EventLoop
    ) async throws {
        let all = try await containers(of: service)
        let running = all.filter(\.isActive)
        let chosen = (running.isEmpty ? all : running).max { $0.fencingToken < $1.fencingToken }
        guard let chosen, let details = try await engine.container(chosen.id) else {
            throw JobFailed(.containerMissing, "The service has no container on this server.")
        }
        // What runs over files that are gone may be all that is left of them: it is not stopped.
        try await starts.requireData(of: chosen.id)
        tell(.starting, "Stopping the container", nil)
        // Two postmasters never share a volume.
        for container in running {
            try await engine.stopContainer(container.id, gracePeriod: order.timeouts.stop)
        }
        tell(.starting, "Starting the container", nil)
        do {
            if let obstacle = obstacle() { throw obstacle }
            try await starts.start(chosen.id)
        } catch let error as DockerError where error.kind == .refused || error.kind == .failed {
            throw JobFailed(starting: error)
        }
        tell(.verifying, "Logging in to PostgreSQL", nil)
        let proof = try await verification.logIn(
            Verification.Target(
                containerID: chosen.id, network: DockerNames.network(of: order.environmentID),
                port: order.port, probe: order.probe, redactor: SecretRedactor(of: details),
                deadline: Instant.now().advanced(by: order.timeouts.start)), on: loop)
        try await starts.requireIdentifier(
            proof.systemIdentifier, known: order.systemIdentifier, of: chosen.id,
            gracePeriod: order.timeouts.stop)
    }

    /// Removes the service's containers; its volume stays.
    func tearDown(_ order: TeardownOrder, of service: ServiceID, tell: DeployRun.Tell) async throws
    {
        tell(.starting, "Removing the service's containers", nil)
        for container in try await containers(of: service) {
            if container.isActive {
                try await engine.stopContainer(container.id, gracePeriod: order.timeouts.stop)
            }
            try await engine.removeContainer(container.id)
        }
        guard try await containers(of: service).isEmpty else {
            throw JobFailed(.internalFault, "A container of the service is still there.")
        }
        // What runs in it, if anything, keeps the network; the proof is about the service.
        try? await networks.removeIfUnused(order.environmentID)
    }

    /// Removes a volume that is the service's by its label, and no container's; then tries to remove
    /// the environment's network, if the teardown could not.
    ///
    /// What is proven is that the data is gone: a network that somebody else holds hinders nothing.
    ///
    /// - Returns: Why the network could not be removed; nil when it was, or is still needed.
    @discardableResult
    func purge(
        _ volumeName: String, in environment: EnvironmentID? = nil, of service: ServiceID
    ) async throws -> (any Error)? {
        try await removeVolume(volumeName, of: service)
        guard let environment else { return nil }
        do {
            try await networks.removeIfUnused(environment)
            return nil
        } catch {
            return error
        }
    }

    private func removeVolume(_ volumeName: String, of service: ServiceID) async throws {
        guard let volume = try await engine.volume(volumeName) else { return }
        guard volume.labels[Label.service] == "\(service)" else {
            throw JobFailed(.volumeConflict, "The volume \(volumeName) is not this service's.")
        }
        guard try await containers(of: service).isEmpty else {
            throw JobFailed(.volumeConflict, "A container still uses the volume \(volumeName).")
        }
        try await engine.removeVolume(volumeName)
    }

    /// Undoes a deployment whose run this process does not know: an agent before it was at work.
    ///
    /// - Parameter previous: The deployment that should run, as far as it is known.
    func undo(_ job: JobIdentity, previous: DeploymentID?) async throws {
        let all = try await containers(of: job.serviceID)
        guard all.allSatisfy({ $0.fencingToken <= job.reference.fencingToken }) else { return }
        let isUndone = { (container: EngineContainer) in
            container.labels[Label.deployment] == "\(job.reference.jobID)"
        }
        for container in all where isUndone(container) {
            try await engine.removeContainer(container.id)
        }
        let left = all.filter { !isUndone($0) }
        guard let previous, !left.contains(where: \.isActive),
            let kept = left.last(where: { $0.labels[Label.deployment] == "\(previous)" })
        else { return }
        if let obstacle = obstacle() { throw obstacle }
        try await starts.start(kept.id)
    }
}
