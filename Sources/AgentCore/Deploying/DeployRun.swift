import DockerEngine
import Domain
import EventLoops

/// One run of a deploy job: each step looks first and then acts, so that a run which was killed at any
/// point is completed by the next one, which has a higher fencing token.
final class DeployRun {
    /// What the run works with.
    struct Tools {
        let engine: any ContainerEngine
        let starts: GuardedStarts
        let verification: Verification
        let networks: EnvironmentNetworks
        let serverID: ServerID
        /// Nil when every volume is initialised on demand.
        var spares: SpareVolumes?
        /// Why no container may be started now; nil when they may.
        var obstacle: () -> JobFailed? = { nil }
    }

    /// Tells how far the run is.
    typealias Tell = (JobProgress.State, String, JobOutcome?) -> Void

    let order: DeployOrder
    let job: JobIdentity
    let plan: ContainerPlan
    let tools: Tools
    let tell: Tell
    /// The deployment that should run if this one fails, as far as it is known.
    let previous: DeploymentID?
    var engine: any ContainerEngine { tools.engine }

    /// The container of this run, once it is made.
    private(set) var containerID: String?
    /// Set once the data has its marker.
    private(set) var outcome: JobOutcome?

    init(
        order: DeployOrder, job: JobIdentity, previous: DeploymentID?, tools: Tools,
        tell: @escaping Tell
    ) {
        self.order = order
        self.job = job
        self.previous = previous
        self.tools = tools
        self.tell = tell
        plan = ContainerPlan(order: order, job: job, serverID: tools.serverID)
    }

    /// Makes the service run.
    /// - Throws: ``JobFailed``, ``JobStale``, `DockerError`, `CancellationError`; what was made is
    ///   still there then: see ``undo(on:)``.
    func run(on loop: isolated EventLoop) async throws -> JobOutcome {
        var attempt = 1
        while true {
            do {
                return try await attemptRun(on: loop)
            } catch let error as DockerError
                where error.isNotFound && attempt < DeployRun.attemptsMax
            {
                // What an agent that was killed asked Docker to remove went under our hands.
                attempt += 1
                try await tools.verification.reactor.sleep(for: DeployRun.discardPause)
            }
        }
    }

    /// How often a run begins again when something of it is gone.
    private static let attemptsMax = 3

    private func attemptRun(on loop: isolated EventLoop) async throws -> JobOutcome {
        (containerID, outcome) = (nil, nil)
        let survey = try await survey(on: loop)
        try requireNewest(survey.containers)
        let image = try await image(survey)
        tell(.starting, "Preparing the container", nil)
        for container in survey.containers where container.name == plan.containerName {
            try await engine.removeContainer(container.id)
        }
        let others = survey.containers.filter { $0.name != plan.containerName }
        if try await isDataPresent(survey, image, on: loop) {
            try await stop(others)
            // One that a killed agent asked for may have come up since we looked.
            let late = try await engine.containers(
                labels: Label.containers(of: "\(job.serviceID)"))
            try requireNewest(late)
            try await stop(late.filter { $0.id != containerID })
            try await serveData(image, on: loop)
        } else {
            // Nobody could ever write a row to data without a marker.
            try await discard(survey.volume, on: loop)
            try await initializeData(image, on: loop)
        }
        try await removeOthers()
        guard let outcome else {
            throw JobFailed(.internalFault, "The data was not proven.")
        }
        return outcome
    }

    // MARK: Looking

    /// What is there.
    private struct Survey {
        let containers: [EngineContainer]
        let image: EngineImage?
        let volume: EngineVolume?
    }

    private func survey(on loop: isolated EventLoop) async throws -> Survey {
        let image = LoopTask(on: loop) { try await self.localImage() }
        let volume = LoopTask(on: loop) { try await self.engine.volume(self.order.volume.name) }
        let containers = try await engine.containers(
            labels: Label.containers(of: "\(job.serviceID)"))
        return Survey(
            containers: containers, image: try await image.value(),
            volume: try await volume.value())
    }

    private func requireNewest(_ containers: [EngineContainer]) throws {
        let newest = containers.map(\.fencingToken).max() ?? -1
        if newest > job.reference.fencingToken { throw JobStale() }
    }

    // MARK: Image

    private func localImage() async throws -> EngineImage? {
        guard let pinned = order.pinnedImage else { return try await engine.image(order.image) }
        if let image = try await engine.image(pinned) { return image }
        guard let reference = pinnedReference else { return nil }
        return try await engine.image("\(reference)")
    }

    /// The pinned content by its registry's digest.
    private var pinnedReference: ImageReference? {
        guard let pinned = order.pinnedImage, let image = ImageReference(order.image) else {
            return nil
        }
        return ImageReference("\(image.repository)@\(pinned)")
    }

    private func image(_ survey: Survey) async throws -> EngineImage {
        if let image = survey.image { return image }
        guard
            let reference = order.pinnedImage == nil
                ? ImageReference(order.image) : pinnedReference
        else {
            throw JobFailed(.imageNotFound, "\(order.image) is not the name of an image.")
        }
        tell(.pulling, "Fetching the image \(order.image)", nil)
        do {
            try await engine.pull(reference, within: order.timeouts.pull) {
                self.tell(.pulling, $0, nil)
            }
        } catch let error as DockerError where error.kind != .cancelled {
            throw JobFailed(pulling: "\(reference)", error)
        }
        guard let image = try await engine.image("\(reference)") else {
            throw JobFailed(.pullFailed, "The image \(reference) is not there after its pull.")
        }
        return image
    }

    // MARK: Data

    /// Whether the volume holds the service's data, which is then mounted in this run's container.
    private func isDataPresent(
        _ survey: Survey, _ image: EngineImage, on loop: isolated EventLoop
    ) async throws -> Bool {
        guard let volume = survey.volume else {
            guard !order.volume.initialized else {
                throw JobFailed(.dataMissing, "The volume \(order.volume.name) is gone.")
            }
            return false
        }
        guard volume.labels[Label.service] == "\(job.serviceID)" else {
            throw JobFailed(
                .volumeConflict, "The volume \(order.volume.name) is not this service's.")
        }
        try await tools.networks.ensure(ContainerPlan.initNetwork)
        let container = try await create(image)
        let finding = try await plan.place.look(in: container, of: engine)
        if finding == .unmarked, !order.volume.initialized { return false }
        if let obstacle = plan.place.obstacle(finding) { throw obstacle }
        return true
    }

    /// Makes the container on the network where nobody else reaches it.
    private func create(_ image: EngineImage) async throws -> String {
        let id = try await engine.createContainer(plan.container(imageID: image.id))
        containerID = id
        return id
    }

    /// Two postmasters never share a volume.
    private func stop(_ others: [EngineContainer]) async throws {
        for container in others where container.isActive {
            tell(.starting, "Stopping the container that ran before", nil)
            try await engine.stopContainer(container.id, gracePeriod: order.timeouts.stop)
        }
    }

    /// Removes the containers that this one takes the place of: also one that a killed agent asked for,
    /// and that Docker made after we looked.
    private func removeOthers() async throws {
        let all = try await engine.containers(labels: Label.containers(of: "\(job.serviceID)"))
        try requireNewest(all)
        for container in all where container.id != containerID {
            try await engine.removeContainer(container.id)
        }
    }

    /// Removes what an interrupted first start left behind.
    ///
    /// An agent that was killed may have asked for a container that Docker made only after we looked:
    /// then its volume is in use, and we look again.
    private func discard(_ volume: EngineVolume?, on loop: isolated EventLoop) async throws {
        containerID = nil
        for attempt in 1...DeployRun.discardsMax {
            let all = try await engine.containers(
                labels: Label.containers(of: "\(job.serviceID)"))
            try requireNewest(all)
            for container in all { try await engine.removeContainer(container.id) }
            guard volume != nil else { return }
            do {
                return try await engine.removeVolume(order.volume.name)
            } catch let error as DockerError
                where error.isConflict && attempt < DeployRun.discardsMax
            {
                try await tools.verification.reactor.sleep(for: DeployRun.discardPause)
            }
        }
    }

    /// How often a volume that is in use is tried again.
    private static let discardsMax = 5
    private static let discardPause = Duration.milliseconds(200)

    // MARK: Starting

    /// Starts on data that is there.
    private func serveData(_ image: EngineImage, on loop: isolated EventLoop) async throws {
        guard let containerID else { return }
        let network = networkMade(on: loop)
        defer { network.cancel() }
        // Looked at again: stopping what ran before takes its time.
        let deadline = try await start { try await self.tools.starts.start(containerID) }
        let alone = try await logInAlone(containerID, deadline, on: loop)
        if let alone { try accept(alone, image) }
        try await network.value()
        let proof = try await join(containerID, shown: alone, deadline, on: loop)
        if alone == nil { try accept(proof, image) }
    }

    /// Logs in where nobody else reaches the container.
    ///
    /// - Returns: Nil when PostgreSQL admits no login from there: its pg_hba.conf may name its
    ///   environment's network alone, and that is where to decide.
    private func logInAlone(
        _ container: String, _ deadline: Instant, on loop: isolated EventLoop
    ) async throws -> LoginProof? {
        do {
            return try await logIn(container, DockerNames.initNetwork, deadline, on: loop)
        } catch let failed as JobFailed where failed.reason == .loginNotAdmitted {
            return nil
        }
    }

    /// Takes note of what a login to data that is there has shown.
    /// - Throws: ``JobFailed``: `.wrongData`.
    private func accept(_ proof: LoginProof, _ image: EngineImage) throws {
        let (found, known) = (proof.systemIdentifier, order.volume.systemIdentifier)
        if let failed = JobFailed(identifier: found, known: known) { throw failed }
        outcome = outcome(image, found)
    }

    /// Makes the environment's network while PostgreSQL starts, for it is needed only after.
    private func networkMade(on loop: isolated EventLoop) -> LoopTask<Void> {
        LoopTask(on: loop) {
            try await self.tools.networks.ensure(self.plan.network, of: self.order.environmentID)
        }
    }

    /// Starts on an empty volume: alone, and among siblings only once the data is marked.
    private func initializeData(_ image: EngineImage, on loop: isolated EventLoop) async throws {
        let network = networkMade(on: loop)
        defer { network.cancel() }
        let (container, deadline) = try await startInitialized(image, on: loop)
        let proof = try await logIn(container, DockerNames.initNetwork, deadline, on: loop)
        try await engine.writeFile(
            named: DockerNames.markerFile, plan.place.marker,
            inFolder: order.volume.mountPath, of: container)
        // Before anybody hears of the data: a marker that a power cut takes away would make it none.
        _ = try await engine.synchronize(
            file: DockerNames.markerFile, ofVolume: order.volume.name)
        outcome = outcome(image, proof.systemIdentifier)
        tell(.verifying, "The data is initialised; joining the environment's network", outcome)
        try await network.value()
        _ = try await join(container, shown: proof, deadline, on: loop)
    }

    /// Lets siblings reach a container that has proven itself, and proves that they do.
    ///
    /// Not before: siblings that reconnect all at once can hold every connection, and then no login
    /// tells a database that serves from one that does not.
    private func join(
        _ container: String, shown: LoginProof?, _ deadline: Instant,
        on loop: isolated EventLoop
    ) async throws -> LoginProof {
        try await engine.connect(container, to: plan.attachment)
        let leaving = LoopTask(on: loop) {
            try await self.engine.disconnect(container, from: DockerNames.initNetwork)
        }
        defer { leaving.cancel() }
        let proof = try await logIn(
            container, plan.attachment.network, deadline, shown: shown, on: loop)
        try await leaving.value()
        return proof
    }

    /// Starts a container on data that is initialised: ahead, if a spare volume fits, else by itself.
    private func startInitialized(
        _ image: EngineImage, on loop: isolated EventLoop
    ) async throws -> (container: String, deadline: Instant) {
        try await engine.createVolume(order.volume.name, labels: plan.volumeLabels)
        try await tools.networks.ensure(ContainerPlan.initNetwork)
        guard
            let spare = await tools.spares?.place(for: order, imageID: image.id, on: loop)
        else {
            return try await startEmpty(image)
        }
        do {
            let (container, deadline) = try await startEmpty(image)
            tell(.verifying, "Taking over data that was initialised ahead", nil)
            try await tools.verification.handOver(
                spare, to: target(container, DockerNames.initNetwork, deadline), on: loop)
            return (container, deadline)
        } catch let failure as JobFailed {
            tools.spares?.note(failure.message)
            let volume = EngineVolume(name: order.volume.name, labels: plan.volumeLabels)
            try await discard(volume, on: loop)
            try await engine.createVolume(volume.name, labels: volume.labels)
            return try await startEmpty(image)
        }
    }

    /// Starts a container over a volume that nobody has used: its image initialises it, or a spare's
    /// data is there.
    private func startEmpty(
        _ image: EngineImage
    ) async throws -> (container: String, deadline: Instant) {
        let container = try await create(image)
        let deadline = try await start { try await self.engine.startContainer(container) }
        return (container, deadline)
    }

    private func start(_ begin: () async throws -> Void) async throws -> Instant {
        if let obstacle = tools.obstacle() { throw obstacle }
        tell(.starting, "Starting the container", nil)
        let deadline = Instant.now().advanced(by: order.timeouts.start)
        do {
            try await begin()
        } catch let error as DockerError where error.kind == .refused || error.kind == .failed {
            throw JobFailed(starting: error)
        }
        return deadline
    }

    private func logIn(
        _ container: String, _ network: String, _ deadline: Instant,
        shown: LoginProof? = nil,
        on loop: isolated EventLoop
    ) async throws -> LoginProof {
        tell(.verifying, "Logging in to PostgreSQL", outcome)
        var target = target(container, network, deadline)
        target.shownElsewhere = shown
        return try await tools.verification.logIn(target, on: loop)
    }

    private func target(
        _ container: String, _ network: String, _ deadline: Instant
    ) -> Verification.Target {
        Verification.Target(
            containerID: container, network: network, port: order.port, probe: order.probe,
            redactor: plan.redactor, deadline: deadline)
    }

    private func outcome(_ image: EngineImage, _ identifier: String) -> JobOutcome {
        JobOutcome(
            pinnedImage: DeployRun.pin(image, named: order.image), volumeName: order.volume.name,
            initialized: true,
            systemIdentifier: identifier.isEmpty
                ? order.volume.systemIdentifier ?? "" : identifier)
    }

    /// The registry's digest, by which the content can be fetched again; without one, the id, by
    /// which it is found on this machine.
    static func pin(_ image: EngineImage, named name: String) -> String {
        guard let repository = ImageReference(name)?.repository else { return image.id }
        let digests = image.repositoryDigests.compactMap { ImageReference($0) }
        return digests.first { $0.repository == repository }?.digest ?? image.id
    }
}
