import DockerEngine
import Domain
import EventLoops

extension DeployRun {
    /// Removes what failed or was cancelled, and lets what ran before run again.
    ///
    /// - Returns: A sentence about what runs now.
    func undo(on loop: isolated EventLoop) async -> String {
        do {
            let all = try await engine.containers(
                labels: Label.containers(of: "\(job.serviceID)"))
            // A newer job is at work: what is there is its business.
            guard all.allSatisfy({ $0.fencingToken <= job.reference.fencingToken }) else {
                return ""
            }
            let kept = predecessor(among: all)
            for container in all where container.id != kept?.id {
                try await engine.removeContainer(container.id)
            }
            guard let kept else { return "" }
            return try await revive(kept, on: loop)
        } catch {
            return "What ran before could not be started again: \(JobFailed(any: error).message)"
        }
    }

    /// The container that should run after a failure: the one of the deployment that ran last.
    private func predecessor(among containers: [EngineContainer]) -> EngineContainer? {
        let older = containers.filter {
            $0.id != containerID && $0.labels[Label.deployment] != "\(order.deploymentID)"
        }
        if let previous,
            let match = older.last(where: { $0.labels[Label.deployment] == "\(previous)" })
        {
            return match
        }
        return older.first(where: \.isActive) ?? older.max { $0.fencingToken < $1.fencingToken }
    }

    private func revive(
        _ container: EngineContainer, on loop: isolated EventLoop
    ) async throws -> String {
        if container.status == .running { return "The deployment that ran before still runs." }
        if let obstacle = tools.obstacle() { throw obstacle }
        try await tools.starts.start(container.id)
        do {
            try await prove(container, on: loop)
        } catch let failed as JobFailed
            where [.connectionsExhausted, .passwordNotRequired].contains(failed.reason)
        {
            return "The deployment that ran before runs again. \(failed.message)"
        }
        return "The deployment that ran before runs again."
    }

    private func prove(_ container: EngineContainer, on loop: isolated EventLoop) async throws {
        let proof = try await tools.verification.logIn(
            Verification.Target(
                containerID: container.id, network: plan.attachment.network, port: order.port,
                probe: order.probe, redactor: plan.redactor,
                deadline: Instant.now().advanced(by: order.timeouts.start)), on: loop)
        try await tools.starts.requireIdentifier(
            proof.systemIdentifier, known: order.volume.systemIdentifier, of: container.id,
            gracePeriod: order.timeouts.stop)
    }
}

extension JobFailed {
    /// What any error of a run means.
    init(any error: any Error) {
        switch error {
        case let failed as JobFailed: self = failed
        case let docker as DockerError: self.init(docker)
        // The type alone: descriptions of what we do not know may hold anything.
        default: self.init(.internalFault, "The agent failed: \(type(of: error)).")
        }
    }
}
