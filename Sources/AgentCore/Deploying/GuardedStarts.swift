import DockerEngine
import EventLoops

/// Starts containers over data that is there, and over no other: an image takes an empty folder for
/// one to be initialised, and a new database would stand in the place of the lost one.
///
/// One for all that starts a service's container again. It remembers which must not be started, so
/// that whoever looks after them need not try.
final class GuardedStarts {
    private let engine: any ContainerEngine
    /// Why containers must not be started, by their ids, and when that was found.
    private var refusals: [String: (failed: JobFailed, at: Instant)] = [:]

    init(engine: any ContainerEngine) { self.engine = engine }

    /// Why the container was not started when it was last tried; nil when it was.
    func refusal(of id: String) -> JobFailed? { refusals[id]?.failed }

    /// Forgets all containers but these, which had ended when a look around began.
    ///
    /// What was found since stays: a container that ran then may have been stopped for it.
    func forget(allBut ids: Set<String>, asOf begunAt: Instant) {
        guard !refusals.isEmpty else { return }
        refusals = refusals.filter { ids.contains($0.key) || $0.value.at > begunAt }
    }

    /// Starts a container whose service's data is there.
    ///
    /// - Throws: As ``requireData(of:)``.
    func start(_ id: String) async throws {
        try await requireData(of: id)
        try await engine.startContainer(id)
    }

    /// Looks whether a container, which need not run, has its service's data mounted.
    ///
    /// - Throws: ``JobFailed``: `.dataMissing`, `.wrongData`. `DockerError`, not found for a container
    ///   that is gone.
    func requireData(of id: String) async throws {
        if let obstacle = try await obstacle(id) {
            refusals[id] = (obstacle, Instant.now())
            throw obstacle
        }
        refusals[id] = nil
    }

    private func obstacle(_ id: String) async throws -> JobFailed? {
        let details = try await details(of: id)
        guard let place = DataPlace(details) else {
            return JobFailed(
                .dataMissing,
                "The container \(details.name) mounts no volume that the data could be on.")
        }
        let obstacle = place.obstacle(try await place.look(in: id, of: engine))
        // A container that went meanwhile looks as if its files had gone.
        if obstacle != nil { _ = try await self.details(of: id) }
        return obstacle
    }

    private func details(of id: String) async throws -> EngineContainerDetails {
        guard let details = try await engine.container(id) else {
            throw DockerError(
                .refused, operation: "start a container", status: 404,
                message: "there is no such container")
        }
        return details
    }

    /// Compares what a login has shown with what is known of the service's data, and stops a
    /// container that serves another PostgreSQL's.
    ///
    /// - Parameter found: The system identifier; empty when the login could not see it.
    /// - Parameter known: The service's; nil while it is not known.
    /// - Throws: ``JobFailed``: `.wrongData`. `DockerError`.
    func requireIdentifier(
        _ found: String, known: String?, of id: String, gracePeriod: Duration
    ) async throws {
        guard let failed = JobFailed(identifier: found, known: known) else { return }
        try await engine.stopContainer(id, gracePeriod: gracePeriod)
        refusals[id] = (failed, Instant.now())
        throw failed
    }
}

extension JobFailed {
    /// What it means that data has that system identifier; nil when it is the service's, as far as
    /// either is known.
    init?(identifier found: String, known: String?) {
        guard let known, !found.isEmpty, known != found else { return nil }
        self.init(
            .wrongData,
            "The data is another PostgreSQL's: its system identifier is \(found), the service's "
                + "is \(known).")
    }
}
