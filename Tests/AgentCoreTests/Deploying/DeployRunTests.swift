import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

@Suite struct DeployRunTests {
    private static let name = "berth-db-0d6c1b1f2a04"

    @Test("a first start is alone until its data is marked, and only then joins the siblings")
    func cold() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.networks[DockerNames.initNetwork] = ContainerPlan.initNetwork
            var states: [JobProgress.State] = []
            let run = Sample.run(engine, reactor, token: 1) { state, _, _ in states.append(state) }
            let outcome = try await run.run(on: loop)
            let network = "berth-env-\(Sample.environment)"
            let name = "\(DeployRunTests.name)-1"
            // The environment's network is made while PostgreSQL initialises.
            let effects = engine.effects.filter { $0 != "create network \(network)" }
            #expect(
                effects == [
                    "create volume berth-data-1", "create \(name)", "start \(name)",
                    "write berth.marker", "synchronize berth.marker",
                    "connect \(name) to \(network)", "disconnect \(name) from berth-init",
                ])
            let container = try #require(engine.running.first)
            #expect(container.networks == [network])
            #expect(container.aliases == ["db"])
            #expect(engine.networks[network]?.isInternal == true)
            #expect(
                outcome
                    == JobOutcome(
                        pinnedImage: "sha256:" + String(repeating: "1", count: 64),
                        volumeName: "berth-data-1", initialized: true,
                        systemIdentifier: engine.volumes["berth-data-1"]?.identifier ?? "none"))
            #expect(Set(states) == [.starting, .verifying])
            #expect(engine.violations.isEmpty)
        }
    }

    @Test("a redeploy stops the old container before the new one starts, and removes it after")
    func redeploy() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.clearEffects()
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
            let outcome = try await Sample.run(engine, reactor, token: 2, order: order)
                .run(on: loop)
            let new = "berth-db-0d6c1b1f2a05-2"
            let old = "\(DeployRunTests.name)-1"
            let network = "berth-env-\(Sample.environment)"
            #expect(
                engine.effects == [
                    "create \(new)", "stop \(old)", "start \(new)", "connect \(new) to \(network)",
                    "disconnect \(new) from berth-init", "remove \(old)",
                ])
            #expect(engine.running.first?.networks == [network])
            #expect(outcome.systemIdentifier == first.systemIdentifier)
            #expect(engine.violations.isEmpty)
            #expect(engine.published["berth-data-1"]?.count == 1)
        }
    }

    @Test("a service that had data gets no empty database in its place")
    func dataMissing() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let order = Sample.order(initialized: true)
            await #expect(throws: JobFailed.self) {
                try await Sample.run(engine, reactor, token: 1, order: order).run(on: loop)
            }
            #expect(engine.effects.isEmpty)
            // There, and empty.
            engine.volumes["berth-data-1"] = FakeEngine.Volume(
                labels: [Label.service: "\(Sample.service)"])
            let run = Sample.run(engine, reactor, token: 2, order: order)
            await #expect {
                try await run.run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .dataMissing
            }
            _ = await run.undo(on: loop)
            #expect(engine.containers.isEmpty)
            #expect(!engine.effects.contains { $0.hasPrefix("start") })
            // Marked, and the data folder gone: the image would initialise it.
            let marker = "/var/lib/postgresql/data/berth.marker"
            engine.volumes["berth-data-1"]?.files[marker] = Array("\(Sample.service)\n".utf8)
            await #expect {
                try await Sample.run(engine, reactor, token: 3, order: order).run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .dataMissing
            }
            #expect(!engine.effects.contains { $0.hasPrefix("start") })
        }
    }

    @Test("a volume of another service is left alone")
    func foreignVolume() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.volumes["berth-data-1"] = FakeEngine.Volume(labels: [:])
            await #expect {
                try await Sample.run(engine, reactor, token: 1).run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .volumeConflict
            }
            #expect(engine.effects.isEmpty)
        }
    }

    @Test("a newer job's container makes an older job stale")
    func stale() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 5).run(on: loop)
            engine.clearEffects()
            await #expect(throws: JobStale.self) {
                try await Sample.run(engine, reactor, token: 4).run(on: loop)
            }
            #expect(engine.effects.isEmpty)
        }
    }

    @Test(
        "what goes wrong after the start has a reason of its own, and the old container runs again",
        arguments: [
            (FakeEngine.Behaviour.exits(code: 1, outOfMemory: false), "CONTAINER_EXITED"),
            (.exits(code: 137, outOfMemory: true), "OUT_OF_MEMORY"),
            (.hangs, "START_TIMEOUT"), (.refusesLogins, "LOGIN_REFUSED"),
        ])
    func failures(behaviour: FakeEngine.Behaviour, reason: String) async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.output = ["FATAL: \(Sample.password) is wrong"]
            engine.behaviour = behaviour
            // One that hangs runs into it; what ran before has as long to prove itself.
            let order = Sample.order(
                Sample.otherDeployment, initialized: true,
                start: behaviour == .hangs ? .seconds(5) : .seconds(60))
            let run = Sample.run(
                engine, reactor, token: 2, order: order, previous: Sample.deployment)
            do {
                _ = try await run.run(on: loop)
                Issue.record("succeeded")
            } catch let failed as JobFailed {
                #expect(failed.reason.rawValue == reason)
                #expect(!failed.message.contains(Sample.password))
                if failed.reason == .containerExited {
                    #expect(failed.message.contains("exit code 1"))
                    #expect(failed.message.contains("FATAL: [redacted] is wrong"))
                }
            }
            engine.behaviour = .serves
            let note = await run.undo(on: loop)
            #expect(note == "The deployment that ran before runs again.")
            #expect(engine.containers.count == 1)
            #expect(engine.running.map(\.specification.name) == ["\(DeployRunTests.name)-1"])
            #expect(engine.violations.isEmpty)
        }
    }

    @Test("a container whose end nobody told of has ended all the same, and is not waited for")
    func endsUnseen() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.behaviour = .hangs
            let order = Sample.order(start: .seconds(300))
            let run = Sample.run(engine, reactor, token: 1, order: order)
            let task = LoopTask(on: loop) { try await run.run(on: loop) }
            try await eventually(reactor) { engine.running.count == 1 }
            // The fake's wait for an end goes on, as one whose answer was lost.
            let id = try #require(engine.running.first?.id)
            engine.containers[id]?.status = .exited
            engine.containers[id]?.exitCode = 1
            await #expect {
                try await task.value()
            } throws: {
                ($0 as? JobFailed)?.reason == .containerExited
            }
        }
    }

    @Test("siblings that hold every connection do not make a database fail that has proven itself")
    func saturated() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.isSaturated = true
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
            let outcome = try await Sample.run(engine, reactor, token: 2, order: order)
                .run(on: loop)
            #expect(outcome == first)
            #expect(engine.running.map(\.specification.name) == ["berth-db-0d6c1b1f2a05-2"])
            // Nobody has seen a login to this start: it is said why, and nothing is stopped for it.
            let jobs = Sample.jobs(engine, reactor)
            await #expect {
                try await jobs.restart(
                    Sample.restart(start: .seconds(5)), of: Sample.service,
                    tell: { _, _, _ in }, on: loop)
            } throws: {
                let failed = $0 as? JobFailed
                return failed?.reason == .connectionsExhausted
                    && failed?.message.contains("max_connections") == true
            }
            #expect(engine.running.count == 1)
        }
    }

    @Test("no container is started while the firewall's rule is not in force, not even to undo")
    func obstacle() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.behaviour = .refusesLogins
            var obstacle: JobFailed?
            let order = Sample.order(Sample.otherDeployment, initialized: true)
            var tools = Sample.tools(engine, reactor)
            tools.obstacle = { obstacle }
            let run = Sample.run(
                engine, reactor, token: 2, order: order, previous: Sample.deployment, tools: tools)
            _ = try? await run.run(on: loop)
            engine.behaviour = .serves
            engine.clearEffects()
            obstacle = JobFailed(.firewallUnavailable, "The rule is gone.")
            let note = await run.undo(on: loop)
            #expect(note.contains("The rule is gone."))
            #expect(!engine.effects.contains { $0.hasPrefix("start") }, "\(engine.effects)")
            #expect(engine.running.isEmpty)
            await #expect {
                try await run.run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .firewallUnavailable
            }
            #expect(!engine.effects.contains { $0.hasPrefix("start") }, "\(engine.effects)")
            obstacle = nil
            #expect(await run.undo(on: loop) == "The deployment that ran before runs again.")
        }
    }

    @Test("data of another PostgreSQL is noticed by its system identifier")
    func wrongData() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: "7000")
            await #expect {
                try await Sample.run(engine, reactor, token: 2, order: order).run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .wrongData
            }
        }
    }

    @Test("an image that is not here is pulled, a pinned one by its digest")
    func pulls() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.images = [:]
            let digest = "sha256:" + String(repeating: "a", count: 64)
            engine.registry["postgres@\(digest)"] = EngineImage(
                id: "sha256:" + String(repeating: "2", count: 64),
                repositoryDigests: ["postgres@\(digest)"])
            var order = Sample.order()
            order.pinnedImage = digest
            var told: [String] = []
            let run = Sample.run(engine, reactor, token: 1, order: order) { state, message, _ in
                if state == .pulling { told.append(message) }
            }
            let outcome = try await run.run(on: loop)
            #expect(outcome.pinnedImage == digest)
            #expect(engine.effects.contains("pull postgres@\(digest)"))
            #expect(told.first == "Fetching the image postgres:16")
            // An image that no registry has.
            order.pinnedImage = nil
            order.image = "nobody/nothing:1"
            await #expect {
                try await Sample.run(engine, reactor, token: 2, order: order).run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .imageNotFound
            }
        }
    }

    @Test("a cancelled run stops where it is, and is undone afterwards")
    func cancelled() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let order = Sample.order(Sample.otherDeployment, initialized: true)
            let run = Sample.run(
                engine, reactor, token: 2, order: order, previous: Sample.deployment)
            engine.behaviour = .hangs
            let task = LoopTask(on: loop) { try await run.run(on: loop) }
            try await reactor.sleep(for: .milliseconds(50))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value() }
            engine.behaviour = .serves
            _ = await run.undo(on: loop)
            #expect(engine.running.map(\.specification.name) == ["\(DeployRunTests.name)-1"])
            #expect(engine.containers.count == 1)
            #expect(engine.violations.isEmpty)
        }
    }
}
