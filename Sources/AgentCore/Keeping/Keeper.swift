import BerthMessages
import DockerEngine
import Domain
import EventLoops
import Logging

/// Looks after the containers that shall run: starts again what ended, and tells what is there.
///
/// Before the control plane has said what shall run, it touches nothing, unless that stays away: then
/// what it said last counts. It never removes anything.
final class Keeper {
    /// How often it looks when nothing seems to happen.
    static let sweepInterval = Duration.seconds(30)
    /// How long it gathers events before it looks.
    static let eventPause = Duration.milliseconds(200)
    /// Containers that are started at once.
    static let startsAtOnceMax = 8
    /// How long after the agent's start what the control plane said last counts, if it says nothing.
    static let aloneAfter = Duration.seconds(15)
    /// A container that Docker refused to start so often in turn is told as gone, so that the control
    /// plane has the service deployed anew. A Docker that was killed while it started a container
    /// refuses that one for ever ("task … already exists").
    static let refusalsMax = 2

    /// What the keeper works with.
    struct Tools {
        let engine: any ContainerEngine
        let starts: GuardedStarts
        let presence: any EnginePresence
        let board: JobBoard
        let serverID: ServerID
        let answers: Answers
        /// Nil to know nothing but what the control plane says now.
        var memory: (any DesiredMemory)?
        let reactor: Reactor
        let logger: Logger
        /// Whether containers may be started now.
        let mayStart: () -> Bool
        let report: (AgentV1.Inventory) -> Void
    }

    private let tools: Tools
    private var engine: any ContainerEngine { tools.engine }
    private var board: JobBoard { tools.board }
    private var reactor: Reactor { tools.reactor }
    private var logger: Logger { tools.logger }

    private var desired: [ServiceID: DeploymentID]?
    private var pauses = RestartPauses()
    /// How often in turn Docker refused to start containers, by their ids.
    private var refusals: [String: Int] = [:]
    private var timer: LoopTimer?
    /// When the next look is planned for.
    private var dueAt: Instant?
    private var aloneTimer: LoopTimer?
    private var isSweeping = false
    private var isStopped = false
    /// Services whose containers are being started.
    private var starting: Set<ServiceID> = []

    init(_ tools: Tools) { self.tools = tools }

    /// Goes by what the control plane said last, if it says nothing for a while.
    func begin(aloneAfter pause: Duration = Keeper.aloneAfter, on loop: isolated EventLoop) {
        guard tools.memory != nil else { return }
        aloneTimer = reactor.schedule(after: pause) { [weak self] in self?.beginAlone(on: loop) }
    }

    private func beginAlone(on loop: isolated EventLoop) {
        guard desired == nil, !isStopped else { return }
        _ = LoopTask(on: loop) { await self.goAlone(on: loop) }
    }

    private func goAlone(on loop: isolated EventLoop) async {
        guard let remembered = await tools.memory?.load(), desired == nil, !isStopped else {
            return
        }
        logger.notice(
            "the control plane is away: what it said last shall run",
            metadata: ["services": "\(remembered.count)"])
        desired = remembered
        sweepSoon(after: .zero, on: loop)
    }

    /// The deployment that shall run, as far as it is known.
    func desired(_ service: ServiceID) -> DeploymentID? { desired?[service] }

    /// The control plane said what shall run here.
    func replaceDesired(_ services: [ServiceID: DeploymentID], on loop: isolated EventLoop) {
        desired = services
        tools.memory?.save(services, on: loop)
        sweepSoon(after: .zero, on: loop)
    }

    /// A job has changed what shall run.
    func change(
        _ service: ServiceID, to deployment: DeploymentID?, on loop: isolated EventLoop
    ) {
        // Unknown as a whole, one service's wish would make orphans of all others.
        desired?[service] = deployment
        if let desired { tools.memory?.save(desired, on: loop) }
        pauses.forget(service)
        sweepSoon(after: Keeper.eventPause, on: loop)
    }

    /// Looks soon: something may have happened.
    func sweepSoon(on loop: isolated EventLoop) { sweepSoon(after: Keeper.eventPause, on: loop) }

    /// Does nothing any more.
    func stop() {
        isStopped = true
        timer?.cancel()
        aloneTimer?.cancel()
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

    /// Looks at everything, asks what runs whether it serves, reports, begins to start what is due, and
    /// plans the next look.
    ///
    /// Waits for no start: a report must not be older than what it tells of.
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
            await tools.answers.refresh(worthAsking(surveyed), on: loop)
            report(surveyed)
            if let wait = startDue(surveyed, on: loop) { next = min(next, wait) }
            if let due = tools.answers.due { next = min(next, Instant.now().duration(to: due)) }
        } catch {
            logger.warning("Docker was not surveyed", metadata: ["cause": "\(error)"])
        }
        isSweeping = false
        sweepSoon(after: max(next, Keeper.eventPause), on: loop)
    }

    private func report(_ surveyed: Surveyed) {
        let inventory = surveyed.inventory(
            desired ?? [:], isBusy: { board.isBusy($0) },
            restarts: { pauses.restarts(of: $0) }, doubt: { tools.answers.doubt($0) },
            refusal: { tools.starts.refusal(of: $0).map { "\($0)" } })
        guard let inventory else {
            logger.error(
                "there are more containers than an inventory may name; none was sent",
                metadata: ["containers": "\(surveyed.containers.count)"])
            return
        }
        tools.report(inventory)
    }

    /// The containers that run for the control plane; one that a job is at work on proves itself to
    /// that.
    private func worthAsking(_ surveyed: Surveyed) -> [EngineContainerDetails] {
        surveyed.chosen(desired ?? [:]).values
            .filter { $0.details.status == .running && !board.isBusy($0.service) }
            .map(\.details)
    }

    private func survey() async throws -> Surveyed {
        var surveyed = Surveyed(begunAt: Instant.now())
        let server = "\(tools.serverID)"
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
        tools.starts.forget(allBut: ended, asOf: surveyed.begunAt)
        var surveyed = surveyed
        surveyed.containers.removeAll { refusals[$0.id, default: 0] >= Keeper.refusalsMax }
        return surveyed
    }

    /// Begins to start the containers whose pause is over, as many at once as may be; each one's end
    /// leads to another look.
    /// - Returns: How long until the next one's is; nil when none waits.
    private func startDue(_ surveyed: Surveyed, on loop: isolated EventLoop) -> Duration? {
        guard let desired, tools.mayStart() else { return nil }
        var wait: Duration?
        for kept in surveyed.startable(desired)
        where !board.isBusy(kept.service) && !starting.contains(kept.service)
            && tools.starts.refusal(of: kept.details.id) == nil
        {
            let now = Instant.now()
            let due = pauses.due(kept.service, now: now)
            if due <= now {
                guard starting.count < Keeper.startsAtOnceMax else { continue }
                starting.insert(kept.service)
                _ = LoopTask(on: loop) {
                    await self.start(kept, on: loop)
                    self.starting.remove(kept.service)
                    self.sweepSoon(on: loop)
                }
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
            guard !isStopped, tools.mayStart(), !all.contains(where: \.isActive),
                all.contains(where: { $0.id == kept.details.id })
            else { return }
            // An engine that is told to end stops its containers first, takes no new connections, and
            // obeys those it has: what it starts then it may leave in a state that it never starts from.
            guard await tools.presence.answers() else { return }
            pauses.started(kept.service, now: Instant.now())
            logger.notice(
                "starting a container again",
                metadata: [
                    "container": "\(kept.details.name)",
                    "exit_code": "\(kept.details.exitCode)",
                ])
            try await tools.starts.start(kept.details.id)
        } catch let failed as JobFailed {
            logger.error(
                "a container is not started again, for its data is not there",
                metadata: ["container": "\(kept.details.name)", "cause": "\(failed)"])
        } catch {
            // One that was told to end meanwhile refuses everything.
            if (error as? DockerError)?.kind == .refused, await tools.presence.answers() {
                refusals[kept.details.id, default: 0] += 1
            }
            logger.warning(
                "a container could not be started again",
                metadata: ["container": "\(kept.details.name)", "cause": "\(error)"])
        }
    }
}
