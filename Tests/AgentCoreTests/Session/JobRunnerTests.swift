import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// What the runner starts while the firewall's rule is not in force.
@Suite struct JobRunnerTests {
    private final class Presence: EnginePresence {
        var outageCount: Int { 0 }
        func answers() async -> Bool { true }
    }

    private final class Told {
        var progress: [JobProgress] = []
    }

    private static func runner(
        _ engine: FakeEngine, _ reactor: Reactor, _ told: Told, obstacle: JobFailed?
    ) -> JobRunner {
        JobRunner(
            tools: Sample.tools(engine, reactor),
            surroundings: JobRunner.Surroundings(
                report: { told.progress.append($0) }, refuse: { _, _ in },
                desired: { _ in Sample.deployment }, changed: { _, _ in },
                obstacle: { obstacle }, engine: Presence()),
            reactor: reactor, logger: Sample.silence)
    }

    /// A service whose redeployment stopped the old container and then lost its agent.
    private static func interrupted(
        _ reactor: Reactor, on loop: isolated EventLoop
    ) async throws -> FakeEngine {
        let engine = FakeEngine()
        let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
        engine.clearEffects()
        engine.diesAfter = 2
        _ = try? await Sample.run(
            engine, reactor, token: 2,
            order: Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
        ).run(on: loop)
        engine.diesAfter = nil
        engine.clearEffects()
        #expect(engine.running.isEmpty)
        return engine
    }

    @Test(
        "undoing starts no container without the rule, whichever way it is asked for",
        arguments: [true, false])
    func undo(isCancelled: Bool) async throws {
        try await onLoop { loop, reactor in
            let engine = try await JobRunnerTests.interrupted(reactor, on: loop)
            let told = Told()
            let reference = Sample.reference(3, Sample.otherDeployment)
            let job = AgentJob(
                reference: reference, serviceID: Sample.service,
                kind: isCancelled
                    ? .deploy(Sample.order(Sample.otherDeployment, initialized: true)) : .cancel)
            let control = JobControl(job)
            if isCancelled { control.end(as: .cancelled) }
            let blocked = JobFailed(.firewallUnavailable, "The rule is not in force.")
            await JobRunnerTests.runner(engine, reactor, told, obstacle: blocked)
                .run(control, on: loop)
            #expect(!engine.effects.contains { $0.hasPrefix("start") }, "\(engine.effects)")
            #expect(engine.containers.count == 1, "what the deployment made is gone all the same")
            if isCancelled {
                #expect(told.progress.last?.message == "Cancelled; not everything was undone.")
            } else {
                #expect(told.progress.last?.failure?.reason == "FIREWALL_UNAVAILABLE")
            }
            // With the rule it is.
            let again = JobControl(job)
            if isCancelled { again.end(as: .cancelled) }
            await JobRunnerTests.runner(engine, reactor, told, obstacle: nil).run(again, on: loop)
            #expect(engine.running.count == 1)
            #expect(told.progress.last?.state == .cancelled)
        }
    }
}
