import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// The agent dies after each effect in turn, and the job comes again with a higher token.
@Suite struct KilledRunTests {
    @Test("a first deployment ends the same wherever the agent was killed")
    func cold() async throws {
        try await onLoop { loop, reactor in
            var deaths = 0
            while true {
                let engine = FakeEngine()
                engine.diesAfter = deaths
                let died = try await KilledRunTests.dies(
                    Sample.run(engine, reactor, token: 1), on: loop)
                engine.diesAfter = nil
                let outcome = try await Sample.run(engine, reactor, token: 2).run(on: loop)
                KilledRunTests.expectOneOfEach(engine, outcome)
                guard died else { break }
                deaths += 1
            }
            // Volume, both networks, container, start, marker, joining, leaving.
            #expect(deaths >= 8)
        }
    }

    @Test("a first deployment from a spare volume ends the same wherever the agent was killed")
    func warm() async throws {
        try await onLoop { loop, reactor in
            var deaths = 0
            while true {
                let engine = FakeEngine()
                let first = Sample.spares(engine, reactor, count: 1, on: loop)
                _ = await first.fill(on: loop)
                #expect(first.waiting.count == 1)
                engine.clearEffects()
                engine.diesAfter = deaths
                let died = try await KilledRunTests.dies(
                    Sample.run(engine, reactor, token: 1, spares: first), on: loop)
                first.stop()
                engine.diesAfter = nil
                // The next process knows nothing of the spares of the first.
                let second = Sample.spares(engine, reactor, count: 0, on: loop)
                _ = await second.fill(on: loop)
                let outcome = try await Sample.run(engine, reactor, token: 2, spares: second)
                    .run(on: loop)
                KilledRunTests.expectOneOfEach(engine, outcome)
                second.stop()
                guard died else { break }
                deaths += 1
            }
            // As without one, and the exchange and the handing over.
            #expect(deaths >= 10)
        }
    }

    @Test("a redeploy keeps the data wherever the agent was killed, once or twice")
    func redeploy() async throws {
        try await onLoop { loop, reactor in
            var deaths = 0
            while true {
                let engine = FakeEngine()
                let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
                let order = Sample.order(
                    Sample.otherDeployment, initialized: true,
                    identifier: first.systemIdentifier)
                engine.clearEffects()
                engine.diesAfter = deaths
                let died = try await KilledRunTests.dies(
                    Sample.run(engine, reactor, token: 2, order: order), on: loop)
                engine.clearEffects()
                engine.diesAfter = deaths / 2
                _ = try await KilledRunTests.dies(
                    Sample.run(engine, reactor, token: 3, order: order), on: loop)
                engine.diesAfter = nil
                let outcome = try await Sample.run(engine, reactor, token: 4, order: order)
                    .run(on: loop)
                #expect(outcome.systemIdentifier == first.systemIdentifier)
                KilledRunTests.expectOneOfEach(engine, outcome)
                guard died else { break }
                deaths += 1
            }
            #expect(deaths >= 4)
        }
    }

    @Test("a first deployment that initialised and was not heard of keeps what it made")
    func unheardInitialisation() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            // The control plane still believes that there is no data.
            let second = try await Sample.run(engine, reactor, token: 2).run(on: loop)
            #expect(second.systemIdentifier == first.systemIdentifier)
            KilledRunTests.expectOneOfEach(engine, second)
        }
    }

    @Test("what Docker does only after the agent died changes nothing in the end")
    func lateEffects() async throws {
        try await onLoop { loop, reactor in
            for isRedeploy in [false, true] {
                // As many calls as the next run makes before it starts anything.
                for calls in 0..<5 {
                    var deaths = 0
                    var landed = 0
                    while true {
                        let engine = FakeEngine()
                        var order = Sample.order()
                        if isRedeploy {
                            let first = try await Sample.run(engine, reactor, token: 1)
                                .run(on: loop)
                            order = Sample.order(
                                Sample.otherDeployment, initialized: true,
                                identifier: first.systemIdentifier)
                            engine.clearEffects()
                        }
                        (engine.diesAfter, engine.completesAfter) = (deaths, calls)
                        let died = try await KilledRunTests.dies(
                            Sample.run(engine, reactor, token: 2, order: order), on: loop)
                        let isLate = engine.isSomethingLate
                        engine.diesAfter = nil
                        let outcome = try await Sample.run(
                            engine, reactor, token: 3, order: order
                        ).run(on: loop)
                        if isLate, !engine.isSomethingLate { landed += 1 }
                        KilledRunTests.expectOneOfEach(engine, outcome)
                        guard died else { break }
                        deaths += 1
                    }
                    #expect(landed >= 4, "redeploy \(isRedeploy), after \(calls) calls")
                }
            }
        }
    }

    @Test("an answer that is lost costs another attempt and nothing else, whichever it is")
    func lostAnswers() async throws {
        try await onLoop { loop, reactor in
            for isRedeploy in [false, true] {
                var lost = 0
                while true {
                    let engine = FakeEngine()
                    var order = Sample.order()
                    if isRedeploy {
                        let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
                        order = Sample.order(
                            Sample.otherDeployment, initialized: true,
                            identifier: first.systemIdentifier)
                    }
                    engine.losesAnswerOf = lost
                    let run = Sample.run(engine, reactor, token: 2, order: order)
                    var outcome: JobOutcome?
                    do {
                        outcome = try await run.run(on: loop)
                    } catch let error as DockerError {
                        #expect(error.kind == .interrupted)
                    }
                    let isDone = outcome != nil
                    // As the runner does once Docker answers again: the same run, from its beginning.
                    let last = try await isDone ? outcome : run.run(on: loop)
                    KilledRunTests.expectOneOfEach(engine, try #require(last))
                    // Past the last effect nothing is lost.
                    if isDone, engine.losesAnswerOf != nil { break }
                    lost += 1
                }
                #expect(lost >= (isRedeploy ? 6 : 9))
            }
        }
    }

    @Test("undoing a failure ends the same wherever the agent was killed")
    func undo() async throws {
        try await onLoop { loop, reactor in
            for deaths in 0..<4 {
                let engine = FakeEngine()
                let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
                let order = Sample.order(
                    Sample.otherDeployment, initialized: true,
                    identifier: first.systemIdentifier)
                engine.behaviour = .refusesLogins
                let failing = Sample.run(
                    engine, reactor, token: 2, order: order, previous: Sample.deployment)
                _ = try? await failing.run(on: loop)
                engine.clearEffects()
                engine.diesAfter = deaths
                _ = await failing.undo(on: loop)
                engine.diesAfter = nil
                let again = Sample.run(
                    engine, reactor, token: 3, order: order, previous: Sample.deployment)
                _ = try? await again.run(on: loop)
                engine.behaviour = .serves
                _ = await again.undo(on: loop)
                #expect(engine.running.map(\.specification.name) == ["berth-db-0d6c1b1f2a04-1"])
                #expect(engine.containers.count == 1)
                #expect(engine.violations.isEmpty)
            }
        }
    }

    /// Whether the agent died on the way.
    private static func dies(
        _ run: DeployRun, on loop: isolated EventLoop
    ) async throws -> Bool {
        do {
            _ = try await run.run(on: loop)
            return false
        } catch is FakeEngine.Killed {
            return true
        }
    }

    private static func expectOneOfEach(_ engine: FakeEngine, _ outcome: JobOutcome) {
        #expect(engine.containers.count == 1)
        #expect(engine.running.count == 1)
        #expect(engine.volumes.count == 1)
        #expect(engine.running.first?.networks == ["berth-env-\(Sample.environment)"])
        #expect(engine.running.first?.aliases == ["db"])
        #expect(engine.volumes["berth-data-1"]?.identifier == outcome.systemIdentifier)
        #expect(engine.published["berth-data-1"] == [outcome.systemIdentifier])
        #expect(engine.violations.isEmpty)
    }
}
