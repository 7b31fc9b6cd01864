import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// Whom PostgreSQL lets in, and by what.
@Suite struct AdmissionTests {
    private static func failure(
        of run: DeployRun, on loop: isolated EventLoop
    ) async throws -> JobFailed? {
        do {
            _ = try await run.run(on: loop)
            return nil
        } catch let failed as JobFailed {
            return failed
        }
    }

    @Test("a database that asks for no password does not come to run")
    func trust() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.trustsEveryone = true
            let run = Sample.run(engine, reactor, token: 1)
            let failed = try await AdmissionTests.failure(of: run, on: loop)
            #expect(failed?.reason == .passwordNotRequired)
            #expect(failed?.message.contains("without asking for the password") == true)
            _ = await run.undo(on: loop)
            #expect(engine.containers.isEmpty)
        }
    }

    @Test("one that has come to ask for none is told so, and what ran before is left running")
    func trustLater() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.trustsEveryone = true
            await #expect {
                try await Sample.jobs(engine, reactor).restart(
                    Sample.restart(), of: Sample.service, tell: { _, _, _ in }, on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .passwordNotRequired
            }
            #expect(engine.running.count == 1)
            let run = Sample.run(
                engine, reactor, token: 2,
                order: Sample.order(Sample.otherDeployment, initialized: true),
                previous: Sample.deployment)
            let failed = try await AdmissionTests.failure(of: run, on: loop)
            #expect(failed?.reason == .passwordNotRequired)
            let note = await run.undo(on: loop)
            #expect(note.hasPrefix("The deployment that ran before runs again. PostgreSQL let"))
            #expect(engine.running.count == 1)
        }
    }

    @Test("siblings that hold every connection do not hide that no password is asked for")
    func saturatedTrust() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            (engine.trustsEveryone, engine.isSaturated) = (true, true)
            var order = Sample.order(Sample.otherDeployment, initialized: true)
            order.timeouts.start = Verification.saturatedMax + .seconds(3)
            let run = Sample.run(engine, reactor, token: 2, order: order)
            let failed = try await AdmissionTests.failure(of: run, on: loop)
            #expect(failed?.reason == .connectionsExhausted)
        }
    }

    @Test("a database that admits its environment alone is deployed again, and proven there")
    func environmentAlone() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.admitsItsEnvironmentAlone = true
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
            let outcome = try await Sample.run(engine, reactor, token: 2, order: order)
                .run(on: loop)
            #expect(outcome == first)
            #expect(engine.running.first?.networks == ["berth-env-\(Sample.environment)"])
            // What is proven there is whose the data is, too.
            let other = Sample.order(
                Sample.deployment, initialized: true, identifier: "7000")
            let failed = try await AdmissionTests.failure(
                of: Sample.run(engine, reactor, token: 3, order: other), on: loop)
            #expect(failed?.reason == .wrongData)
        }
    }

    @Test("new data that admits no login where it is alone fails, and siblings never reach it")
    func newData() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.admitsItsEnvironmentAlone = true
            let failed = try await AdmissionTests.failure(
                of: Sample.run(engine, reactor, token: 1), on: loop)
            #expect(failed?.reason == .loginNotAdmitted)
            #expect(failed?.message.contains("no pg_hba.conf entry") == true)
            #expect(engine.published.isEmpty)
        }
    }
}
