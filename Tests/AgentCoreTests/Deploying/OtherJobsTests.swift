import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

@Suite struct OtherJobsTests {
    private static let teardown = TeardownOrder(
        environmentID: Sample.environment, timeouts: Sample.order().timeouts)

    @Test("a restart stops the container, starts it and logs in")
    func restart() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.clearEffects()
            let order = Sample.restart()
            let jobs = Sample.jobs(engine, reactor)
            try await jobs.restart(order, of: Sample.service, tell: { _, _, _ in }, on: loop)
            let name = "berth-db-0d6c1b1f2a04-1"
            #expect(engine.effects == ["stop \(name)", "start \(name)"])
            engine.containers = [:]
            await #expect {
                try await jobs.restart(order, of: Sample.service, tell: { _, _, _ in }, on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .containerMissing
            }
        }
    }

    @Test("a teardown leaves the volume alone, and takes the network that nobody needs")
    func tearDown() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let jobs = Sample.jobs(engine, reactor)
            let order = OtherJobsTests.teardown
            try await jobs.tearDown(order, of: Sample.service) { _, _, _ in }
            #expect(engine.containers.isEmpty)
            #expect(engine.volumes.count == 1)
            #expect(engine.networks.keys.sorted() == ["berth-init"])
            // Again: nothing is left to do.
            try await jobs.tearDown(order, of: Sample.service) { _, _, _ in }
        }
    }

    @Test("a network in which a sibling's container is stays, even while that does not run")
    func sibling() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let plan = ContainerPlan(
                order: Sample.order(Sample.otherDeployment),
                job: JobIdentity(
                    reference: Sample.reference(1, Sample.otherDeployment),
                    serviceID: ServiceID(high: 1, low: 2)), serverID: Sample.server)
            _ = try await engine.createContainer(plan.container(imageID: "x"))
            let jobs = Sample.jobs(engine, reactor)
            try await jobs.tearDown(OtherJobsTests.teardown, of: Sample.service) { _, _, _ in }
            #expect(engine.containers.count == 1)
            #expect(engine.networks["berth-env-\(Sample.environment)"] != nil)
        }
    }

    @Test("a purge removes the service's own volume, and no other, and none in use")
    func purge() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let jobs = Sample.jobs(engine, reactor)
            engine.volumes["berth-data-1"] = FakeEngine.Volume(labels: [Label.service: "other"])
            await #expect {
                try await jobs.purge("berth-data-1", of: Sample.service)
            } throws: {
                ($0 as? JobFailed)?.reason == .volumeConflict
            }
            engine.volumes = [:]
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            await #expect {
                try await jobs.purge("berth-data-1", of: Sample.service)
            } throws: {
                ($0 as? JobFailed)?.reason == .volumeConflict
            }
            #expect(engine.volumes.count == 1)
            engine.containers = [:]
            engine.volumes["berth-data-1"]?.labels = [Label.service: "\(Sample.service)"]
            #expect(engine.effects.contains { $0.hasPrefix("remove volume") } == false)
        }
    }

    @Test("a purge takes the environment's network that the teardown left, unless it is used")
    func purgeTakesNetwork() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let network = "berth-env-\(Sample.environment)"
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let jobs = Sample.jobs(engine, reactor)
            // Another service's volume: its purge leaves the network to those who use it.
            try await jobs.purge(
                "berth-data-2", in: Sample.environment, of: ServiceID(high: 1, low: 2))
            #expect(engine.networks[network] != nil)
            engine.containers = [:]
            let volume = try #require(engine.volumes.keys.first)
            try await jobs.purge(volume, in: Sample.environment, of: Sample.service)
            #expect(engine.networks[network] == nil)
            #expect(engine.volumes.isEmpty)
            // Again, with nothing left to do.
            try await jobs.purge(volume, in: Sample.environment, of: Sample.service)
        }
    }

    @Test("a purge is done once the data is gone, whoever holds the environment's network")
    func purgeLeavesHeldNetwork() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let network = "berth-env-\(Sample.environment)"
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            // Somebody's own container, which no label of ours tells of.
            var guest = try #require(engine.containers.first?.value)
            guest.specification.labels = [:]
            guest.specification.mounts = []
            engine.containers = ["guest": guest]
            let volume = try #require(engine.volumes.keys.first)
            let jobs = Sample.jobs(engine, reactor)
            let left = try await jobs.purge(volume, in: Sample.environment, of: Sample.service)
            #expect((left as? DockerError)?.message == "has active endpoints")
            #expect(engine.volumes.isEmpty)
            #expect(engine.networks[network] != nil)
            // The next purge of the environment takes what this one left.
            engine.containers = [:]
            let next = ServiceID(high: 1, low: 2)
            #expect(try await jobs.purge("berth-data-2", in: Sample.environment, of: next) == nil)
            #expect(engine.networks[network] == nil)
        }
    }

    @Test("a deployment of an agent before this one is undone, and what ran before runs again")
    func undo() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
            engine.clearEffects()
            // Made, stopped the old one, started: and died.
            engine.diesAfter = 3
            _ = try? await Sample.run(engine, reactor, token: 2, order: order).run(on: loop)
            engine.diesAfter = nil
            try await Sample.jobs(engine, reactor).undo(
                Sample.identity(2, Sample.otherDeployment), previous: Sample.deployment)
            #expect(engine.running.map(\.specification.name) == ["berth-db-0d6c1b1f2a04-1"])
            #expect(engine.containers.count == 1)
        }
    }
}
