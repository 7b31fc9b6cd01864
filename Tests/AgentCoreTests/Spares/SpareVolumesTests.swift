import DockerEngine
import Domain
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import AgentCore

@Suite struct SpareVolumesTests {
    private static func spareNames(_ engine: FakeEngine) -> Set<String> {
        Set(engine.volumes.filter { $0.value.labels[Label.role] == "spare" }.keys)
    }

    @Test("each spare volume is initialised by itself and shut down, and its container is gone")
    func fill() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let spares = Sample.spares(engine, reactor, count: 3, on: loop)
            defer { spares.stop() }
            #expect(await spares.fill(on: loop) == nil)
            #expect(Set(spares.waiting.map(\.systemIdentifier)).count == 3)
            #expect(Set(spares.waiting.map(\.owner.password.revealed)).count == 3)
            #expect(Set(spares.waiting.map(\.name)) == SpareVolumesTests.spareNames(engine))
            #expect(engine.containers.isEmpty)
            for spare in spares.waiting {
                let effects = engine.effects.filter { $0.contains(spare.name) }
                #expect(
                    effects
                        == ["create volume", "create", "start", "stop", "remove"].map {
                            "\($0) \(spare.name)"
                        })
            }
            // All there: nothing more is made.
            engine.clearEffects()
            _ = await spares.fill(on: loop)
            #expect(engine.effects.isEmpty)
        }
    }

    @Test("a container that initialises ahead is held to what a service's is")
    func container() {
        let plan = SparePlan(
            layout: Sample.layout, serverID: Sample.server, suffix: "0123456789abcdef",
            password: SecretText("p"))
        let service = ContainerPlan(
            order: Sample.order(), job: Sample.identity(1), serverID: Sample.server
        ).container(imageID: "sha256:1")
        var expected = service
        expected.name = "berth-spare-0123456789abcdef"
        expected.labels = [
            "berth.role": "spare", "berth.server": "\(Sample.server)",
            "berth.secret-names": "POSTGRES_PASSWORD",
        ]
        expected.environment = [
            "POSTGRES_USER": "berth_spare", "POSTGRES_PASSWORD": "p",
            "POSTGRES_DB": "berth_spare", "PGDATA": "/var/lib/postgresql/data/pgdata",
        ]
        expected.mounts = [
            VolumeMount(volume: "berth-spare-0123456789abcdef", path: "/var/lib/postgresql/data")
        ]
        #expect(plan.container(imageID: "sha256:1", stopTimeout: .seconds(10)) == expected)
    }

    @Test("a first deployment takes the data of a spare volume, and the next one another's")
    func place() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let spares = Sample.spares(engine, reactor, on: loop)
            defer { spares.stop() }
            _ = await spares.fill(on: loop)
            let spare = try #require(spares.waiting.first)
            engine.clearEffects()
            let outcome = try await Sample.run(engine, reactor, token: 1, spares: spares)
                .run(on: loop)
            #expect(outcome.systemIdentifier == spare.systemIdentifier)
            #expect(engine.volumes["berth-data-1"]?.owner == Sample.order().probe)
            #expect(
                engine.volumes["berth-data-1"]?.labels[Label.service] == "\(Sample.service)")
            let name = "berth-db-0d6c1b1f2a04-1"
            let network = "berth-env-\(Sample.environment)"
            let beside = ["create network \(network)", "remove volume \(spare.name)"]
            #expect(
                engine.effects.filter { !beside.contains($0) } == [
                    "create volume berth-data-1", "exchange \(spare.name) berth-data-1",
                    "create \(name)", "start \(name)", "hand over berth-data-1",
                    "write berth.marker", "synchronize berth.marker",
                    "connect \(name) to \(network)",
                    "disconnect \(name) from berth-init",
                ])
            #expect(engine.violations.isEmpty)
            #expect(spares.waiting.count == 1)
            _ = await spares.fill(on: loop)
            #expect(spares.waiting.count == 2)
            #expect(!spares.waiting.contains { $0.systemIdentifier == spare.systemIdentifier })
        }
    }

    @Test(
        "an order that initdb could see the difference of is initialised by the image",
        arguments: [
            ("POSTGRES_INITDB_ARGS", "--data-checksums"), ("TZ", "Europe/Rome"),
            ("LC_ALL", "C"), ("LANG", "C"), ("PGOPTIONS", "-c x=y"),
            ("POSTGRES_HOST_AUTH_METHOD", "trust"),
        ])
    func shaped(name: String, value: String) {
        var order = Sample.order()
        #expect(order.takesSpare)
        order.environment.append(ConfigEntryDraft(key: "APP_MODE", value: .variable("x")))
        order.environment.append(
            ConfigEntryDraft(key: "PGDATA", value: .variable(order.volume.dataPath)))
        #expect(order.takesSpare)
        order.environment.append(ConfigEntryDraft(key: name, value: .variable(value)))
        #expect(!order.takesSpare)
    }

    @Test("the database that initdb makes, other credentials and another image take no spare")
    func unfit() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let spares = Sample.spares(engine, reactor, on: loop)
            defer { spares.stop() }
            _ = await spares.fill(on: loop)
            engine.volumes["berth-data-1"] = FakeEngine.Volume(labels: [:])
            var order = Sample.order()
            order.probe = LoginProbe(
                databaseName: "postgres", username: "app",
                password: SecretText(Sample.password))
            order.environment[0] = ConfigEntryDraft(
                key: "POSTGRES_DB", value: .variable("postgres"))
            let id = spares.waiting[0].imageID
            #expect(await spares.place(for: order, imageID: id, on: loop) == nil)
            order = Sample.order()
            order.probe = LoginProbe(
                databaseName: "app", username: "app", password: SecretText("another"))
            #expect(await spares.place(for: order, imageID: id, on: loop) == nil)
            #expect(
                await spares.place(for: Sample.order(), imageID: "sha256:2", on: loop) == nil)
            #expect(spares.waiting.count == 2)
            #expect(await spares.place(for: Sample.order(), imageID: id, on: loop) != nil)
        }
    }

    @Test("a spare volume that fails is given up, and the image initialises the service's")
    func fallback() async throws {
        try await onLoop { loop, reactor in
            for (canExchange, canHandOver) in [(false, true), (true, false)] {
                let engine = FakeEngine()
                let spares = Sample.spares(engine, reactor, on: loop)
                defer { spares.stop() }
                _ = await spares.fill(on: loop)
                let identifiers = spares.waiting.map(\.systemIdentifier)
                (engine.canExchange, engine.canHandOver) = (canExchange, canHandOver)
                let outcome = try await Sample.run(engine, reactor, token: 1, spares: spares)
                    .run(on: loop)
                #expect(!identifiers.contains(outcome.systemIdentifier))
                #expect(engine.volumes["berth-data-1"]?.owner == Sample.order().probe)
                #expect(engine.running.count == 1)
                #expect(engine.violations.isEmpty)
            }
        }
    }

    @Test(
        "where folders cannot be exchanged that is found out first, said once, and no spare is made",
        arguments: [(EROFS, "EROFS"), (EXDEV, "EXDEV"), (EACCES, "EACCES")])
    func cannotExchange(errorNumber: Int32, name: String) async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            engine.exchangeError = SystemError(function: "renameat2 /x", code: errorNumber)
            let log = CapturedLog()
            let spares = Sample.spares(engine, reactor, logger: log.logger, on: loop)
            defer { spares.stop() }
            for _ in 0..<2 { #expect(await spares.fill(on: loop) == nil) }
            #expect(spares.waiting.isEmpty)
            #expect(engine.volumes.isEmpty && engine.containers.isEmpty)
            #expect(!engine.effects.contains { $0.hasPrefix("start") })
            #expect(log.lines.count == 1)
            #expect(log.lines.first?.contains("errno=\(errorNumber)") == true, "\(log.lines)")
            #expect(log.lines.first?.contains("\(name), renameat2 /x: ") == true, "\(log.lines)")
        }
    }

    @Test("folders that cannot be exchanged any more cost one spare, not one a deployment")
    func cannotExchangeAnyMore() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let spares = Sample.spares(engine, reactor, on: loop)
            defer { spares.stop() }
            _ = await spares.fill(on: loop)
            engine.exchangeError = SystemError(function: "renameat2 /x", code: EROFS)
            let outcome = try await Sample.run(engine, reactor, token: 1, spares: spares)
                .run(on: loop)
            #expect(engine.volumes["berth-data-1"]?.identifier == outcome.systemIdentifier)
            #expect(spares.waiting.isEmpty)
            engine.clearEffects()
            #expect(await spares.fill(on: loop) == nil)
            #expect(!engine.effects.contains { $0.hasPrefix("start") })
        }
    }

    @Test("what an earlier process left is removed, and no other server's")
    func sweep() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let labels = Label.all(.spare, of: "\(Sample.server)")
            engine.volumes["berth-spare-1"] = FakeEngine.Volume(labels: labels)
            engine.volumes["berth-spare-2"] = FakeEngine.Volume(
                labels: Label.all(.spare, of: "\(Sample.service)"))
            engine.volumes["berth-data-1"] = FakeEngine.Volume(
                labels: Label.all(.data, of: "\(Sample.server)"))
            let spares = Sample.spares(engine, reactor, count: 0, on: loop)
            defer { spares.stop() }
            _ = await spares.fill(on: loop)
            #expect(Set(engine.volumes.keys) == ["berth-spare-2", "berth-data-1"])
        }
    }

    @Test("an image of that name that is another one now makes new spares")
    func newImage() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let spares = Sample.spares(engine, reactor, on: loop)
            defer { spares.stop() }
            _ = await spares.fill(on: loop)
            let old = spares.waiting.map(\.name)
            engine.images["postgres:16"] = EngineImage(id: "sha256:2")
            _ = await spares.fill(on: loop)
            #expect(spares.waiting.map(\.imageID) == ["sha256:2", "sha256:2"])
            #expect(SpareVolumesTests.spareNames(engine).isDisjoint(with: old))
        }
    }

    @Test("nothing is made while jobs are at work, without the image, or after a failure at once")
    func patience() async throws {
        try await onLoop { loop, reactor in
            let engine = FakeEngine()
            let busy = Sample.spares(engine, reactor, mayWork: { false }, on: loop)
            defer { busy.stop() }
            #expect(await busy.fill(on: loop) == SpareVolumes.calmPause)
            #expect(engine.volumes.isEmpty)
            let spares = Sample.spares(engine, reactor, on: loop)
            defer { spares.stop() }
            let images = engine.images
            engine.images = [:]
            #expect(await spares.fill(on: loop) == SpareVolumes.failurePause)
            engine.images = images
            engine.behaviour = .exits(code: 1, outOfMemory: false)
            #expect(await spares.fill(on: loop) == SpareVolumes.failurePause)
            #expect(engine.volumes.isEmpty)
            #expect(engine.containers.isEmpty)
        }
    }
}
