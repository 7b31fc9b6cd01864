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

    private static func keeper(
        _ engine: FakeEngine, _ board: JobBoard, _ reactor: Reactor, _ reports: Reports
    ) -> Keeper {
        Keeper(
            engine: engine, board: board, serverID: Sample.server, reactor: reactor,
            logger: Sample.silence, mayStart: { true },
            report: { reports.inventories.append($0) })
    }

    /// Sweeps until the condition holds.
    private static func until(
        _ reactor: Reactor, _ keeper: Keeper, on loop: isolated EventLoop,
        _ condition: () -> Bool
    ) async throws {
        for _ in 0..<300 where !condition() {
            await keeper.sweep(on: loop)
            try await reactor.sleep(for: .milliseconds(10))
        }
        #expect(condition())
    }

    @Test(
        "before it is told what shall run it only looks; then it starts what ended, after a pause")
    func starts() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let id = try #require(engine.running.first).id
            engine.containers[id]?.status = .exited
            engine.clearEffects()
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, JobBoard(work: NoWork()), reactor, reports)
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.first?.state == .exited)
            #expect(engine.effects.isEmpty)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.first?.state == .restarting)
            #expect(engine.effects.isEmpty)
            try await KeeperTests.until(reactor, keeper, on: loop) { !engine.running.isEmpty }
            #expect(engine.effects == ["start berth-db-0d6c1b1f2a04-1"])
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.first?.state == .running)
            #expect(reports.inventories.last?.containers.first?.restartCount == 1)
            keeper.stop()
        }
    }

    @Test("a container that Docker refuses to start twice is told as gone, and not tried again")
    func unstartable() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let id = try #require(engine.running.first).id
            engine.containers[id]?.status = .exited
            engine.startError = DockerError(
                .refused, operation: "start container", status: 500,
                message: "task \(id): already exists")
            let reports = Reports()
            let keeper = KeeperTests.keeper(engine, JobBoard(work: NoWork()), reactor, reports)
            keeper.replaceDesired([Sample.service: Sample.deployment], on: loop)
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.count == 1)
            // After one second, and two more.
            let end = Instant.now().advanced(by: .seconds(20))
            while reports.inventories.last?.containers.isEmpty == false, Instant.now() < end {
                await keeper.sweep(on: loop)
                try await reactor.sleep(for: .milliseconds(10))
            }
            #expect(reports.inventories.last?.containers.isEmpty == true)
            #expect(engine.containers[id] != nil, "the keeper removes nothing")
            // Whoever starts it after all makes it good again.
            engine.containers[id]?.status = .running
            await keeper.sweep(on: loop)
            #expect(reports.inventories.last?.containers.first?.state == .running)
            keeper.stop()
        }
    }

    @Test("it leaves a service alone while a job has it, and one that shall not run")
    func leaves() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let id = try #require(engine.running.first).id
            engine.containers[id]?.status = .exited
            engine.clearEffects()
            let board = JobBoard(work: NoWork())
            let keeper = KeeperTests.keeper(engine, board, reactor, Reports())
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
