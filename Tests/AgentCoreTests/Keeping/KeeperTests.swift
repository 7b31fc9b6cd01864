import BerthMessages
import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

@Suite struct KeeperTests {
    private final class NoWork: JobWork {
        func run(_ control: JobControl, on loop: isolated EventLoop) async {}
    }

    private final class Reports {
        var inventories: [AgentV1.Inventory] = []
    }

    private final class Memory: DesiredMemory {
        var desired: [ServiceID: DeploymentID]?
        init(_ desired: [ServiceID: DeploymentID]? = nil) { self.desired = desired }
        func load() async -> [ServiceID: DeploymentID]? { desired }
        func save(_ desired: [ServiceID: DeploymentID], on loop: isolated EventLoop) {
            self.desired = desired
        }
    }

    private static func keeper(
        _ engine: FakeEngine, _ reactor: Reactor, _ reports: Reports,
        board: JobBoard = JobBoard(work: NoWork()), memory: Memory? = nil,
        starts: GuardedStarts? = nil
    ) -> Keeper {
        Keeper(
            Keeper.Tools(
                engine: engine, starts: starts ?? GuardedStarts(engine: engine),
                presence: engine, board: board, serverID: Sample.server,
                answers: Answers(prober: FakeProber(engine)), memory: memory, reactor: reactor,
                logger: Sample.silence, mayStart: { true },
                report: { reports.inventories.append($0) }))
    }

    /// An engine with one deployed database, whose container has ended, and the container's id.
    private static func ended(
        _ reactor: Reactor, on loop: isolated EventLoop
    ) async throws -> (engine: FakeEngine, id: String) {
        let engine = FakeEngine()
        _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
        let id = try #require(engine.running.first).id
        engine.containers[id]?.status = .exited
        engine.clearEffects()
        return (engine, id)
    }

    /// Services of the server, each with a container that has ended.
    private static func ended(
        _ count: Int, _ engine: FakeEngine
    ) async throws -> [ServiceID: DeploymentID] {
        var desired: [ServiceID: DeploymentID] = [:]
        for number in 1...UInt64(count) {
            let service = ServiceID(high: 1, low: number)
            var order = Sample.order(DeploymentID(high: 2, low: number))
            order.volume.name = "berth-data-of-\(number)"
            let plan = ContainerPlan(
                order: order,
                job: JobIdentity(
                    reference: Sample.reference(1, order.deploymentID), serviceID: service),
                serverID: Sample.server)
            try await engine.createNetwork(plan.network)
            try await engine.createVolume(order.volume.name, labels: plan.volumeLabels)
            engine.volumes[order.volume.name]?.files = [
                plan.place.markerPath: plan.place.marker, plan.place.versionPath: [],
            ]
            var container = plan.container(imageID: "x")
            container.network = plan.attachment
            let id = try await engine.createContainer(container)
            engine.containers[id]?.status = .exited
            desired[service] = order.deploymentID
        }
        return desired
    }

    /// Sweeps until the condition holds, for a minute at most.
    private static func until(
        _ reactor: Reactor, _ keeper: Keeper, on loop: isolated EventLoop,
        _ condition: () -> Bool
    ) async throws {
        let end = Instant.now().advanced(by: .seconds(60))
        while !condition(), Instant.now() < end {
            await keeper.sweep(on: loop)
            try await reactor.sleep(for: .milliseconds(10))
        }
        #expect(condition())
    }

    @Test(
        "before it is told what shall run it only looks; then it starts what ended, after a pause")
    func starts() async throws {
        try await onLoop { loop, reactor in
            let (engine, _) = try await KeeperTests.ended(reactor, on: loop)
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, reactor, reports)
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.first?.state == .exited)
            #expect(engine.effects.isEmpty)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.first?.state == .restarting)
            #expect(engine.effects.isEmpty)
            try await KeeperTests.until(reactor, keeper, on: loop) { !engine.running.isEmpty }
            #expect(engine.effects == ["start berth-db-0d6c1b1f2a04-1"])
            try await KeeperTests.until(reactor, keeper, on: loop) {
                reports.inventories.last?.containers.first?.state == .running
            }
            #expect(reports.inventories.last?.containers.first?.restartCount == 1)
            keeper.stop()
        }
    }

    @Test("a Docker that is about to end is asked to start nothing; once it is back, it is")
    func endingEngine() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let desired = try await KeeperTests.ended(1, engine)
            engine.clearEffects()
            engine.isAnswering = false
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, reactor, reports)
            keeper.replaceDesired(desired, on: loop)
            let pauseIsOver = Instant.now().advanced(by: RestartPauses.pauseMin * 2)
            try await KeeperTests.until(reactor, keeper, on: loop) { Instant.now() > pauseIsOver }
            #expect(engine.effects.isEmpty)
            engine.isAnswering = true
            try await KeeperTests.until(reactor, keeper, on: loop) { !engine.running.isEmpty }
            #expect(reports.inventories.allSatisfy { $0.containers.count == 1 })
            keeper.stop()
        }
    }

    @Test("what a Docker refuses that was told to end meanwhile counts for nothing")
    func refusalAtTheEnd() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let desired = try await KeeperTests.ended(1, engine)
            engine.startError = DockerError(
                .refused, operation: "start container", status: 500,
                message: "the daemon is shutting down")
            engine.endsAtStart = true
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, reactor, reports)
            keeper.replaceDesired(desired, on: loop)
            // One more than would make it gone.
            for refusal in 1...Int32(Keeper.refusalsMax + 1) {
                try await KeeperTests.until(reactor, keeper, on: loop) {
                    reports.inventories.last?.containers.first?.restartCount == refusal
                }
                engine.isAnswering = true
            }
            #expect(reports.inventories.allSatisfy { $0.containers.count == 1 })
            keeper.stop()
        }
    }

    @Test("a container that Docker refuses to start twice is told as gone, and not tried again")
    func unstartable() async throws {
        try await onLoop { loop, reactor in
            let (engine, id) = try await KeeperTests.ended(reactor, on: loop)
            engine.startError = DockerError(
                .refused, operation: "start container", status: 500,
                message: "task \(id): already exists")
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, reactor, reports)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.count == 1)
            // After one second, and two more.
            try await KeeperTests.until(reactor, keeper, on: loop) {
                reports.inventories.last?.containers.isEmpty == true
            }
            #expect(engine.containers[id] != nil, "the keeper removes nothing")
            // Whoever starts it after all makes it good again.
            engine.containers[id]?.status = .running
            try await KeeperTests.until(reactor, keeper, on: loop) {
                reports.inventories.last?.containers.first?.state == .running
            }
            keeper.stop()
        }
    }

    @Test("a container whose data is gone is not started, is told why, and is not tried again")
    func dataMissing() async throws {
        try await onLoop { loop, reactor in
            let (engine, _) = try await KeeperTests.ended(reactor, on: loop)
            let whole = engine.volumes
            engine.empty("berth-data-1")
            let reports = Reports()
            let starts = GuardedStarts(engine: engine)
            let keeper = KeeperTests.keeper(engine, reactor, reports, starts: starts)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            func told() -> Bool {
                let last = reports.inventories.last?.containers.first
                return last?.state == .exited
                    && last?.message
                        == "DATA_MISSING: The volume berth-data-1 holds no data of the service."
            }
            try await KeeperTests.until(reactor, keeper, on: loop, told)
            let pauseIsOver = Instant.now().advanced(by: RestartPauses.pauseMin * 3)
            try await KeeperTests.until(reactor, keeper, on: loop) { Instant.now() > pauseIsOver }
            #expect(told())
            #expect(reports.inventories.last?.containers.first?.restartCount == 1)
            #expect(engine.effects.isEmpty)
            #expect(engine.running.isEmpty)
            // Put back, it runs once somebody asks for that: who copies files knows when all are there.
            engine.volumes = whole
            await keeper.sweep(on: loop)
            #expect(told())
            let id = try #require(engine.containers.keys.first)
            try await starts.start(id)
            try await KeeperTests.until(reactor, keeper, on: loop) {
                reports.inventories.last?.containers.first?.state == .running
            }
            #expect(engine.violations.isEmpty)
            keeper.stop()
        }
    }

    @Test("starts that take long hold up no report, and only so many are begun at once")
    func slowStarts() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            // One that serves, and more than are started at once that do not run.
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            var desired = try await KeeperTests.ended(Keeper.startsAtOnceMax + 2, engine)
            desired[Sample.service] = Sample.deployment
            engine.holdsStartsOn = reactor
            engine.networks[DockerNames.initNetwork] = ContainerPlan.initNetwork
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, reactor, reports)
            keeper.replaceDesired(desired, on: loop)
            try await KeeperTests.until(reactor, keeper, on: loop) {
                engine.startsWaiting == Keeper.startsAtOnceMax
            }
            // All of them hang now, and what changes elsewhere is told all the same.
            let id = try #require(engine.running.first).id
            engine.containers[id]?.status = .exited
            try await KeeperTests.until(reactor, keeper, on: loop) {
                let told = reports.inventories.last?.containers ?? []
                return told.count == desired.count
                    && told.allSatisfy { $0.state == .restarting }
            }
            #expect(engine.startsWaiting == Keeper.startsAtOnceMax)
            engine.letStartsGo()
            // The others follow, as soon as there is room.
            try await KeeperTests.until(reactor, keeper, on: loop) {
                engine.running.count == desired.count
            }
            keeper.stop()
        }
    }

    @Test("a container that is started again counts as running once PostgreSQL answers, not before")
    func unproven() async throws {
        try await onLoop { loop, reactor in
            let (engine, id) = try await KeeperTests.ended(reactor, on: loop)
            engine.behaviour = .hangs
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, reactor, reports)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            try await KeeperTests.until(reactor, keeper, on: loop) { !engine.running.isEmpty }
            let doubt = "runs, and PostgreSQL does not answer: "
            func told(_ state: AgentV1.ContainerState, _ message: String) -> Bool {
                let last = reports.inventories.last?.containers.first
                return last?.state == state && last?.message == message
            }
            try await KeeperTests.until(reactor, keeper, on: loop) {
                told(.restarting, doubt + "timeout")
            }
            #expect(!reports.inventories.contains { $0.containers.first?.state == .running })
            engine.behaviour = .serves
            try await KeeperTests.until(reactor, keeper, on: loop) {
                reports.inventories.last?.containers.first?.state == .running
            }
            // Taken off its network by hand: nobody reaches it, whatever the engine says.
            engine.containers[id]?.networks = []
            engine.containers[id]?.startedAt = "2026-02-02T00:00:00Z"
            try await KeeperTests.until(reactor, keeper, on: loop) {
                told(.restarting, doubt + "the container is not on its environment's network")
            }
            engine.containers[id]?.status = .paused
            try await KeeperTests.until(reactor, keeper, on: loop) { told(.exited, "paused") }
            keeper.stop()
        }
    }

    @Test("while the control plane is away, what it said last is started, after a while")
    func alone() async throws {
        try await onLoop { loop, reactor in
            // The machine was switched off and on again.
            let (engine, _) = try await KeeperTests.ended(reactor, on: loop)
            let memory = Memory([Sample.service: Sample.deployment])
            let keeper = KeeperTests.keeper(engine, reactor, Reports(), memory: memory)
            keeper.begin(aloneAfter: .milliseconds(20), on: loop)
            try await eventually(reactor) { !engine.running.isEmpty }
            #expect(engine.effects == ["start berth-db-0d6c1b1f2a04-1"])
            #expect(keeper.desired(Sample.service) == Sample.deployment)
            // It is back, and wants nothing to run.
            keeper.replaceDesired([:], on: loop)
            #expect(memory.desired == [:])
            keeper.stop()
        }
    }

    @Test("what the control plane says counts at once, and is remembered with each change")
    func remembers() async throws {
        try await onLoop { loop, reactor in
            let (engine, _) = try await KeeperTests.ended(reactor, on: loop)
            let memory = Memory([Sample.service: Sample.deployment])
            let keeper = KeeperTests.keeper(engine, reactor, Reports(), memory: memory)
            keeper.begin(aloneAfter: .milliseconds(20), on: loop)
            keeper.replaceDesired([:], on: loop)
            try await reactor.sleep(for: .milliseconds(50))
            await keeper.sweep(on: loop)
            #expect(engine.effects.isEmpty)
            keeper.change(Sample.service, to: Sample.otherDeployment, on: loop)
            #expect(memory.desired == [Sample.service: Sample.otherDeployment])
            keeper.change(Sample.service, to: nil, on: loop)
            #expect(memory.desired == [:])
            keeper.stop()
        }
    }

    @Test("it leaves a service alone while a job has it, and one that shall not run")
    func leaves() async throws {
        try await onLoop { loop, reactor in
            let (engine, _) = try await KeeperTests.ended(reactor, on: loop)
            let board = JobBoard(work: NoWork())
            let keeper = KeeperTests.keeper(engine, reactor, Reports(), board: board)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            let isHeld = board.hold(Sample.service)
            #expect(isHeld)
            for _ in 0..<60 {
                await keeper.sweep(on: loop)
                try await reactor.sleep(for: .milliseconds(20))
            }
            #expect(engine.effects.isEmpty)
            board.release(Sample.service, on: loop)
            keeper.change(Sample.service, to: nil, on: loop)
            for _ in 0..<60 {
                await keeper.sweep(on: loop)
                try await reactor.sleep(for: .milliseconds(20))
            }
            #expect(engine.effects.isEmpty)
            keeper.stop()
        }
    }
}
