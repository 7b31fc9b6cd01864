import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// A container is started only over its service's data, whoever starts it.
@Suite struct GuardedStartsTests {
    private static let volume = "berth-data-1"
    private static let marker = "/var/lib/postgresql/data/berth.marker"
    private static let version = "/var/lib/postgresql/data/pgdata/PG_VERSION"

    private static func failure(_ work: () async throws -> Void) async -> JobFailed? {
        do {
            try await work()
            return nil
        } catch {
            return JobFailed(any: error)
        }
    }

    @Test("what is missing in a volume keeps its container from being started")
    func starts() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let id = try #require(engine.running.first).id
            engine.containers[id]?.status = .exited
            engine.clearEffects()
            let files = try #require(engine.volumes[GuardedStartsTests.volume]).files
            let starts = GuardedStarts(engine: engine)
            func expect(_ files: [String: [UInt8]], _ reason: FailureReason) async {
                engine.volumes[GuardedStartsTests.volume]?.files = files
                let failed = await GuardedStartsTests.failure { try await starts.start(id) }
                #expect(failed?.reason == reason)
                #expect(starts.refusal(of: id) == failed)
            }
            await expect([:], .dataMissing)
            await expect(files.filter { $0.key != GuardedStartsTests.marker }, .dataMissing)
            await expect(files.filter { $0.key != GuardedStartsTests.version }, .dataMissing)
            await expect(
                files.merging([GuardedStartsTests.marker: [1]]) { $1 }, .wrongData)
            #expect(engine.effects.isEmpty)
            engine.volumes[GuardedStartsTests.volume]?.files = files
            try await starts.start(id)
            #expect(starts.refusal(of: id) == nil)
            #expect(engine.running.count == 1)
        }
    }

    @Test("a container that is gone is no news about data")
    func gone() async throws {
        try await onLoop { _, _ in
            let starts = GuardedStarts(engine: FakeEngine())
            await #expect {
                try await starts.start("c1")
            } throws: {
                ($0 as? DockerError)?.isNotFound == true
            }
            #expect(starts.refusal(of: "c1") == nil)
        }
    }

    @Test("a restart over a volume that was emptied stops nothing, and starts nothing")
    func restart() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.empty(GuardedStartsTests.volume)
            engine.clearEffects()
            let failed = await GuardedStartsTests.failure {
                try await Sample.jobs(engine, reactor).restart(
                    Sample.restart(), of: Sample.service, tell: { _, _, _ in }, on: loop)
            }
            #expect(failed?.reason == .dataMissing)
            #expect(engine.effects.isEmpty)
            // Neither does one of a container that has ended.
            for id in engine.containers.keys { engine.containers[id]?.status = .exited }
            let again = await GuardedStartsTests.failure {
                try await Sample.jobs(engine, reactor).restart(
                    Sample.restart(), of: Sample.service, tell: { _, _, _ in }, on: loop)
            }
            #expect(again == failed)
            #expect(engine.effects.isEmpty)
        }
    }

    @Test("a restart that finds another PostgreSQL's data stops it, and it stays so")
    func otherIdentifier() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let jobs = Sample.jobs(engine, reactor)
            try await jobs.restart(
                Sample.restart(first.systemIdentifier), of: Sample.service,
                tell: { _, _, _ in }, on: loop)
            let id = try #require(engine.running.first).id
            let begunAt = Instant.now()
            let failed = await GuardedStartsTests.failure {
                try await jobs.restart(
                    Sample.restart("7000"), of: Sample.service, tell: { _, _, _ in }, on: loop)
            }
            #expect(failed?.reason == .wrongData)
            #expect(engine.running.isEmpty)
            // A look around that began before saw it running, and knows less.
            jobs.starts.forget(allBut: [], asOf: begunAt)
            #expect(jobs.starts.refusal(of: id) == failed)
            jobs.starts.forget(allBut: [id], asOf: Instant.now())
            #expect(jobs.starts.refusal(of: id) == failed)
            jobs.starts.forget(allBut: [], asOf: Instant.now())
            #expect(jobs.starts.refusal(of: id) == nil)
        }
    }

    @Test("undoing a deployment that failed starts nothing over a volume that was emptied")
    func undo() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            engine.behaviour = .exits(code: 1, outOfMemory: false)
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
            let run = Sample.run(
                engine, reactor, token: 2, order: order, previous: Sample.deployment)
            _ = try? await run.run(on: loop)
            engine.behaviour = .serves
            engine.empty(GuardedStartsTests.volume)
            let note = await run.undo(on: loop)
            #expect(
                note == "What ran before could not be started again: The volume berth-data-1 "
                    + "holds no data of the service.")
            #expect(engine.running.isEmpty)
            // Nor does the undoing by an agent that knows no run of it.
            let failed = await GuardedStartsTests.failure {
                try await Sample.jobs(engine, reactor).undo(
                    Sample.identity(3, Sample.otherDeployment), previous: Sample.deployment)
            }
            #expect(failed?.reason == .dataMissing)
            #expect(engine.running.isEmpty)
            #expect(engine.violations.isEmpty)
        }
    }

    @Test("undoing tells of another PostgreSQL's data, and stops it")
    func undoOverOtherData() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            _ = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: "7000")
            let run = Sample.run(
                engine, reactor, token: 2, order: order, previous: Sample.deployment)
            _ = try? await run.run(on: loop)
            let note = await run.undo(on: loop)
            #expect(note.contains("The data is another PostgreSQL's"))
            #expect(engine.running.isEmpty)
        }
    }

    @Test("a volume that is emptied while what ran before is stopped is not initialised")
    func emptiedMeanwhile() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let first = try await Sample.run(engine, reactor, token: 1).run(on: loop)
            let order = Sample.order(
                Sample.otherDeployment, initialized: true, identifier: first.systemIdentifier)
            let run = Sample.run(engine, reactor, token: 2, order: order) { _, message, _ in
                if message.hasPrefix("Starting") { engine.empty(GuardedStartsTests.volume) }
            }
            let failed = await GuardedStartsTests.failure { _ = try await run.run(on: loop) }
            #expect(failed?.reason == .dataMissing)
            #expect(engine.running.isEmpty)
            #expect(engine.violations.isEmpty)
        }
    }

    @Test("the data lies on the innermost volume around its folder")
    func place() {
        var details = EngineContainerDetails(id: "c", status: .exited)
        details.labels = [Label.service: "\(Sample.service)"]
        details.environment = ["PGDATA": "/var/lib/postgresql/data/pgdata"]
        #expect(DataPlace(details) == nil)
        details.mounts = [
            VolumeMount(volume: "image", path: "/var/lib/postgresql"),
            VolumeMount(volume: "data", path: "/var/lib/postgresql/data"),
            VolumeMount(volume: "other", path: "/var/lib/postgresql/data/pg"),
        ]
        #expect(DataPlace(details)?.volumeName == "data")
        #expect(DataPlace(details)?.markerPath == GuardedStartsTests.marker)
        #expect(DataPlace(details)?.versionPath == GuardedStartsTests.version)
    }
}
