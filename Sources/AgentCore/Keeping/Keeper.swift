import BerthMessages
import DockerEngine
import Domain
import EventLoops
import Logging

/// Looks after the containers that shall run: starts again what ended, and tells what is there.
///
/// Before the control plane has said what shall run, it touches nothing; it never removes anything.
final class Keeper {
    /// How often it looks when nothing seems to happen.
    static let sweepInterval = Duration.seconds(30)
    /// How long it gathers events before it looks.
    static let eventPause = Duration.milliseconds(200)
    /// A container that Docker refused to start so often in turn is told as gone, so that the control
    /// plane has the service deployed anew. A Docker that was killed while it started a container
    /// refuses that one for ever ("task … already exists").
    static let refusalsMax = 2

    private let engine: any ContainerEngine
    private let board: JobBoard
    private let serverID: ServerID
    private let reactor: Reactor
    private let logger: Logger
    private let report: (AgentV1.Inventory) -> Void
    private let mayStart: () -> Bool

    private var desired: [ServiceID: DeploymentID]?
    private var pauses = RestartPauses()
    /// How often in turn Docker refused to start containers, by their ids.
    private var refusals: [String: Int] = [:]
    private var timer: LoopTimer?
    /// When the next look is planned for.
    private var dueAt: Instant?
    private var isSweeping = false
    private var isStopped = false

    init(
        engine: any ContainerEngine, board: JobBoard, serverID: ServerID, reactor: Reactor,
        logger: Logger, mayStart: @escaping () -> Bool,
        report: @escaping (AgentV1.Inventory) -> Void
    ) {
        self.engine = engine
        self.board = board
        self.serverID = serverID
        self.reactor = reactor
        self.logger = logger
        self.mayStart = mayStart
        self.report = report
    }

    /// The deployment that shall run, as far as it is known.
    func desired(_ service: ServiceID) -> DeploymentID? { desired?[service] }

    /// The control plane said what shall run here.
    func replaceDesired(_ services: [ServiceID: DeploymentID], on loop: isolated EventLoop) {
        desired = services
        sweepSoon(after: .zero, on: loop)
    }

    /// A job has changed what shall run.
    func change(
        _ service: ServiceID, to deployment: DeploymentID?, on loop: isolated EventLoop
    ) {
        // Unknown as a whole, one service's wish would make orphans of all others.
        desired?[service] = deployment
        pauses.forget(service)
        sweepSoon(after: Keeper.eventPause, on: loop)
    }

    /// Looks soon: something may have happened.
    func sweepSoon(on loop: isolated EventLoop) { sweepSoon(after: Keeper.eventPause, on: loop) }

    /// Does nothing any more.
    func stop() {
        isStopped = true
        timer?.cancel()
    }

    private func sweepSoon(after delay: Duration, on loop: isolated EventLoop) {
        guard !isStopped else { return }
        let instant = Instant.now().advanced(by: delay)
        // Only ever sooner: events that keep coming must not put it off.
        if let dueAt, dueAt <= instant { return }
        dueAt = instant
        timer?.cancel()
        timer = reactor.schedule(at: instant) { [weak self] in self?.beginSweep(on: loop) }
    }

    private func beginSweep(on loop: isolated EventLoop) {
        _ = LoopTask(on: loop) { await self.sweep(on: loop) }
    }

    /// Looks at everything, starts what is due, reports, and plans the next look.
    func sweep(on loop: isolated EventLoop) async {
        dueAt = nil
        guard !isStopped else { return }
        // What was asked for meanwhile is looked at right after.
        guard !isSweeping else {
            sweepSoon(after: Keeper.eventPause, on: loop)
            return
        }
        isSweeping = true
        var next = Keeper.sweepInterval
        do {
            let surveyed = usable(try await survey())
            if let wait = await startDue(surveyed, on: loop) { next = min(next, wait) }
            report(
                surveyed.inventory(
                    desired ?? [:], isBusy: { board.isBusy($0) },
                    restarts: { pauses.restarts(of: $0) }))
        } catch {
            logger.warning("Docker was not surveyed", metadata: ["cause": "\(error)"])
        }
        isSweeping = false
        sweepSoon(after: next, on: loop)
    }

    private func survey() async throws -> Surveyed {
        var surveyed = Surveyed(begunAt: Instant.now())
        let server = "\(serverID)"
        for container in try await engine.containers(labels: Label.all(.service, of: server)) {
            // One that goes meanwhile is no more.
            if let details = try await engine.container(container.id) {
                surveyed.containers.append(details)
            }
        }
        surveyed.volumes = try await engine.volumes(labels: Label.all(.data, of: server))
        surveyed.networks = try await engine.networks(labels: Label.all(.environment, of: server))
        return surveyed
    }

    /// What was surveyed without the containers that cannot be started.
    private func usable(_ surveyed: Surveyed) -> Surveyed {
        let ended = Set(surveyed.containers.filter { $0.status != .running }.map(\.id))
        refusals = refusals.filter { ended.contains($0.key) }
        var surveyed = surveyed
        surveyed.containers.removeAll { refusals[$0.id, default: 0] >= Keeper.refusalsMax }
        return surveyed
    }

    /// Starts the containers whose pause is over.
    /// - Returns: How long until the next one's is; nil when none waits.
    private func startDue(_ surveyed: Surveyed, on loop: isolated EventLoop) async -> Duration? {
        guard let desired, mayStart() else { return nil }
        var wait: Duration?
        for kept in surveyed.startable(desired) where !board.isBusy(kept.service) {
            let now = Instant.now()
            let due = pauses.due(kept.service, now: now)
            if due <= now {
                await start(kept, on: loop)
            } else {
                wait = min(wait ?? Keeper.sweepInterval, now.duration(to: due))
            }
        }
        return wait
    }

    private func start(_ kept: Surveyed.Kept, on loop: isolated EventLoop) async {
        guard board.hold(kept.service) else { return }
        defer { board.release(kept.service, on: loop) }
        do {
            // Looked at again now that no job can come between.
            let all = try await engine.containers(labels: Label.containers(of: "\(kept.service)"))
            guard !all.contains(where: \.isActive),
                all.contains(where: { $0.id == kept.details.id })
            else { return }
            pauses.started(kept.service, now: Instant.now())
            logger.notice(
                "starting a container again",
                metadata: [
                    "container": "\(kept.details.name)",
                    "exit_code": "\(kept.details.exitCode)",
                ])
            try await engine.startContainer(kept.details.id)
        } catch {
            if (error as? DockerError)?.kind == .refused {
                refusals[kept.details.id, default: 0] += 1
            }
            logger.warning(
                "a container could not be started again",
                metadata: ["container": "\(kept.details.name)", "cause": "\(error)"])
        }
    }
}
