import Cryptography
import DockerEngine
import Domain
import EventLoops
import Glibc
import Logging

/// Keeps a few spare volumes for services to come; see docs/architecture/agent.md.
///
/// Known to this process only: what an earlier one left is removed before the first is made.
final class SpareVolumes {
    /// Spare volumes of each layout.
    static let countDefault = 2
    static let countMax = 16
    /// Layouts of which spares are kept; further ones are left out.
    static let layoutsMax = 16
    /// How long the agent waits for its jobs to end before it looks again.
    static let calmPause = Duration.seconds(2)
    /// How long it waits after a failure, and for an image that is not on the machine.
    static let failurePause = Duration.seconds(60)
    static let startTimeout = Duration.seconds(60)
    static let stopTimeout = Duration.seconds(30)

    /// What the spares are made with.
    struct Tools {
        let engine: any ContainerEngine
        let verification: Verification
        let networks: EnvironmentNetworks
        let serverID: ServerID
        let logger: Logger
        /// Whether nothing more urgent is done, and containers may be started.
        let mayWork: () -> Bool
        /// How long after a change it begins to fill.
        var fillPause = SpareVolumes.calmPause
    }

    /// Whether the folders of volumes can be swapped here: without that no spare is of any use.
    private enum Exchange {
        case unknown
        case works
        case impossible
    }

    private let count: Int
    private let tools: Tools
    private var engine: any ContainerEngine { tools.engine }
    private var reactor: Reactor { tools.verification.reactor }

    private var layouts: [DataLayout] = []
    private var ready: [SpareVolume] = []
    private var isSwept = false
    private var exchange = Exchange.unknown
    private var isStopped = false
    private var filling: LoopTask<Void>?
    private var timer: LoopTimer?

    init(count: Int, tools: Tools) {
        self.count = count
        self.tools = tools
    }

    /// The spares that wait to be taken, oldest first.
    var waiting: [SpareVolume] { ready }

    /// The control plane said what its templates are like.
    func replaceLayouts(_ layouts: [DataLayout], on loop: isolated EventLoop) {
        self.layouts = Array(layouts.prefix(SpareVolumes.layoutsMax))
        fillSoon(after: tools.fillPause, on: loop)
    }

    /// Does nothing any more.
    func stop() {
        isStopped = true
        timer?.cancel()
        filling?.cancel()
    }

    // MARK: Taking

    /// Puts the data of a spare volume into a service's volume, which is empty and which no container
    /// uses.
    ///
    /// - Returns: Whose data it is now, still under the spare's names; nil when the image must
    ///   initialise the volume.
    func place(
        for order: DeployOrder, imageID: String, on loop: isolated EventLoop
    ) async -> SpareVolume? {
        guard order.takesSpare,
            let index = ready.firstIndex(where: { order.fits($0, imageID: imageID) })
        else { return nil }
        let spare = ready.remove(at: index)
        fillSoon(after: tools.fillPause, on: loop)
        do {
            let isExchanged = try await engine.exchangeVolumes(spare.name, order.volume.name)
            if !isExchanged { note("the engine's volumes are no folders here") }
            // Beside the deployment: the volume is empty, or goes as it is.
            _ = LoopTask(on: loop) { try await self.engine.removeVolume(spare.name) }
            return isExchanged ? spare : nil
        } catch let error as SystemError {
            // It worked when it was tried: the machine is another now, and every spare would go so.
            _ = LoopTask(on: loop) { try await self.engine.removeVolume(spare.name) }
            giveUp(SpareVolumes.cause(error), errorNumber: error.code)
            return nil
        } catch {
            note("\(error)")
            return nil
        }
    }

    /// Tells why a spare volume was of no use.
    func note(_ reason: String) {
        tools.logger.warning(
            "a spare volume was not used", metadata: ["cause": "\(reason)"])
    }

    // MARK: Filling

    private func fillSoon(after pause: Duration, on loop: isolated EventLoop) {
        guard !isStopped, filling == nil else { return }
        timer?.cancel()
        timer = reactor.schedule(after: pause) { [weak self] in self?.begin(on: loop) }
    }

    private func begin(on loop: isolated EventLoop) {
        guard !isStopped, filling == nil else { return }
        filling = LoopTask(on: loop) {
            // Lets the beginner finish: what it notes must be whole before the work ends.
            await Task.yield()
            let pause = await self.fill(on: loop)
            self.filling = nil
            if let pause { self.fillSoon(after: pause, on: loop) }
        }
    }

    /// Makes what is missing, one after the other.
    /// - Returns: When to look again by itself; nil when nothing is missing.
    func fill(on loop: isolated EventLoop) async -> Duration? {
        do {
            if !isSwept { try await sweep() }
            guard exchange != .impossible else { return nil }
            var isComplete = true
            for layout in count > 0 ? layouts : [] {
                guard let image = try await engine.image(layout.image) else {
                    isComplete = false
                    continue
                }
                try await dropStale(layout, imageID: image.id)
                while ready.filter({ $0.layout == layout }).count < count {
                    guard tools.mayWork() else { return SpareVolumes.calmPause }
                    guard try await canExchange(on: loop) else { return nil }
                    ready.append(try await make(layout, imageID: image.id, on: loop))
                }
            }
            return isComplete ? nil : SpareVolumes.failurePause
        } catch {
            guard !isStopped else { return nil }
            tools.logger.warning(
                "no volume could be initialised ahead",
                metadata: ["cause": "\(JobFailed(any: error).message)"])
            return SpareVolumes.failurePause
        }
    }

    /// Removes what an earlier process left; none of it ever held anybody's data.
    private func sweep() async throws {
        let labels = Label.all(.spare, of: "\(tools.serverID)")
        for container in try await engine.containers(labels: labels) {
            try await engine.removeContainer(container.id)
        }
        for volume in try await engine.volumes(labels: labels) {
            try await engine.removeVolume(volume.name)
        }
        isSwept = true
    }

    /// Swaps two empty volumes, once: a spare that cannot be moved would be made for nothing, again
    /// and again.
    private func canExchange(on loop: isolated EventLoop) async throws -> Bool {
        guard exchange == .unknown else { return exchange == .works }
        let suffix = Hexadecimal.text(try SecureRandom.bytes(8))
        let names = ["one", "other"].map { DockerNames.spare("probe-\(suffix)-\($0)") }
        // In a task of its own: this one may be cancelled, and the volumes shall go all the same.
        let probing = LoopTask(on: loop) {
            let outcome: (cause: String, errorNumber: Int32?)?
            do {
                outcome = try await self.exchangeObstacle(names)
            } catch {
                await self.removeVolumes(names)
                throw error
            }
            await self.removeVolumes(names)
            if let outcome {
                self.giveUp(outcome.cause, errorNumber: outcome.errorNumber)
            } else {
                self.exchange = .works
            }
        }
        try await probing.value()
        return exchange == .works
    }

    /// Why two new volumes of these names cannot be swapped; nil when they can.
    private func exchangeObstacle(
        _ names: [String]
    ) async throws -> (cause: String, errorNumber: Int32?)? {
        let labels = Label.all(.spare, of: "\(tools.serverID)")
        for name in names { try await engine.createVolume(name, labels: labels) }
        do {
            guard try await !engine.exchangeVolumes(names[0], names[1]) else { return nil }
            return ("the engine's volumes are no folders of this machine", nil)
        } catch let error as SystemError {
            return (SpareVolumes.cause(error), error.code)
        }
    }

    private func removeVolumes(_ names: [String]) async {
        for name in names { try? await engine.removeVolume(name) }
    }

    /// Makes no more spares for as long as this process lives.
    private func giveUp(_ cause: String, errorNumber: Int32?) {
        exchange = .impossible
        ready = []
        var metadata: Logger.Metadata = ["cause": "\(cause)"]
        if let errorNumber { metadata["errno"] = "\(errorNumber)" }
        tools.logger.error(
            """
            no volumes are initialised ahead: their folders cannot be exchanged; the agent needs \
            write access to Docker's folder of volumes, on one file system
            """,
            metadata: metadata)
    }

    /// The error with its name, where it is one that says what to change.
    static func cause(_ error: SystemError) -> String {
        switch error.code {
        case EROFS: "EROFS, \(error)"
        case EXDEV: "EXDEV, \(error)"
        case EACCES: "EACCES, \(error)"
        case EPERM: "EPERM, \(error)"
        case ENOENT: "ENOENT, \(error)"
        default: "\(error)"
        }
    }

    /// Removes spares of an image that the layout's name does not mean any more.
    private func dropStale(_ layout: DataLayout, imageID: String) async throws {
        let stale = ready.filter { $0.layout == layout && $0.imageID != imageID }
        ready.removeAll { stale.contains($0) }
        for spare in stale { try await engine.removeVolume(spare.name) }
    }

    private func make(
        _ layout: DataLayout, imageID: String, on loop: isolated EventLoop
    ) async throws -> SpareVolume {
        let plan = SparePlan(
            layout: layout, serverID: tools.serverID,
            suffix: Hexadecimal.text(try SecureRandom.bytes(8)),
            password: SecretText(Hexadecimal.text(try SecureRandom.privateBytes(24))))
        try await tools.networks.ensure(ContainerPlan.initNetwork)
        try await engine.createVolume(plan.name, labels: plan.labels)
        do {
            let container = try await engine.createContainer(
                plan.container(imageID: imageID, stopTimeout: SpareVolumes.stopTimeout))
            let identifier = try await initialize(plan, in: container, on: loop)
            try await engine.removeContainer(container)
            return SpareVolume(
                name: plan.name, layout: layout, imageID: imageID, owner: plan.owner,
                systemIdentifier: identifier)
        } catch {
            // In a task of its own: this one may be cancelled.
            await LoopTask(on: loop) { try await self.remove(plan) }.settled()
            throw error
        }
    }

    private func initialize(
        _ plan: SparePlan, in container: String, on loop: isolated EventLoop
    ) async throws -> String {
        try await engine.startContainer(container)
        let proof = try await tools.verification.logIn(
            Verification.Target(
                containerID: container, network: DockerNames.initNetwork, port: plan.layout.port,
                probe: plan.owner, redactor: SecretRedactor([plan.password]),
                deadline: Instant.now().advanced(by: SpareVolumes.startTimeout)), on: loop)
        try await engine.stopContainer(container, gracePeriod: SpareVolumes.stopTimeout)
        // A server that did not end well would have to recover at the worst moment.
        guard let details = try await engine.container(container), details.exitCode == 0 else {
            throw JobFailed(.containerExited, "PostgreSQL did not shut down cleanly.")
        }
        return proof.systemIdentifier
    }

    private func remove(_ plan: SparePlan) async throws {
        for container in try await engine.containers(labels: plan.labels)
        where container.name == plan.name {
            try await engine.removeContainer(container.id)
        }
        try await engine.removeVolume(plan.name)
    }
}
