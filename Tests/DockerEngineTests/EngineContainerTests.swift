import EventLoops
import TestSupport
import Testing

@testable import DockerEngine

/// Containers in the machine's own Docker.
@Suite(.timeLimit(.minutes(15))) struct EngineContainerTests {
    @Test func lifeOfAContainer() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            var wanted = engine.container("life", "trap 'exit 7' TERM; echo up; sleep 600 & wait")
            wanted.resources.memoryBytes = 64 * 1024 * 1024
            wanted.resources.nanoCPUs = 500_000_000
            wanted.resources.processesMax = 20
            wanted.stopSignal = "SIGTERM"
            let id = try await docker.createContainer(wanted)
            var found = try #require(try await docker.container(wanted.name))
            #expect((found.id, found.name, found.image) == (id, wanted.name, RealEngine.image))
            #expect((found.state.status, found.state.startedAt) == (.created, nil))
            #expect(found.labels["berth.engine-test"] == engine.labels["berth.engine-test"])

            #expect(try await docker.startContainer(id))
            #expect(try await docker.startContainer(id) == false)
            found = try #require(try await docker.container(id))
            #expect(found.state.status == .running)
            #expect(found.state.startedAt != nil && found.state.finishedAt == nil)
            #expect(found.state.processID != nil)
            try await waitForOutput("up\n", of: id, engine)

            #expect(try await docker.stopContainer(id, gracePeriod: .seconds(60)))
            #expect(try await docker.stopContainer(id) == false)
            found = try #require(try await docker.container(id))
            #expect((found.state.status, found.state.exitCode) == (.exited, 7))
            #expect(found.state.finishedAt != nil)

            let name = engine.name("renamed")
            try await docker.renameContainer(id, to: name)
            let listed = try await docker.containers(labels: engine.labels)
            #expect(listed.map(\.name) == [name])
            #expect(listed.map(\.status) == [.exited])
            #expect(listed.first?.imageID == found.imageID)
            #expect(try await docker.removeContainer(id))
            #expect(try await docker.container(id) == nil)
            #expect(try await docker.removeContainer(id) == false)
        }
    }

    /// Follows a container's output until it contains the text.
    private func waitForOutput(_ text: String, of id: String, _ engine: RealEngine) async throws {
        let logs = try await engine.docker.logs(of: id, LogSelection(follows: true))
        var seen = ""
        while !seen.contains(text) {
            let record = try #require(try await logs.next(within: .seconds(30)))
            seen += String(decoding: record.bytes, as: UTF8.self)
        }
    }

    @Test func waitTellsTheExitCodeAndKillEndsWhatRuns() async throws {
        try await withRealEngine { loop, _, engine in
            let docker = engine.docker
            let short = try await engine.start(engine.container("short", "exit 3"))
            #expect(try await docker.waitForContainer(short, deadline: .seconds(60)) == 3)

            let long = try await engine.start(engine.container("long", "exec sleep 600"))
            let late = await thrown { () throws(DockerError) in
                try await docker.waitForContainer(long, deadline: .milliseconds(50))
            }
            #expect(late?.kind == .timedOut)
            let code = Task.immediate(executorPreference: loop.executor) {
                _ = loop
                return try? await docker.waitForContainer(long, deadline: .seconds(60))
            }
            try await docker.killContainer(long)
            #expect(await code.value == 137)
            let refused = await thrown { () throws(DockerError) in
                try await docker.killContainer(long)
            }
            #expect(refused?.isConflict == true)
        }
    }

    @Test func aContainerHasNoRightsButThoseNamed() async throws {
        try await withRealEngine { _, _, engine in
            var wanted = engine.container(
                "rights",
                "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; touch /x || echo read-only; "
                    + "touch /tmp/y && echo written; echo \"$VARIABLE\"")
            wanted.capabilities = ["CHOWN"]
            wanted.hasReadOnlyRoot = true
            wanted.memoryFileSystems = ["/tmp": "size=1m"]
            wanted.environment = ["VARIABLE": "a=b c\n$d"]
            let id = try await engine.start(wanted)
            _ = try await engine.docker.waitForContainer(id, deadline: .seconds(60))
            let output = try await engine.output(of: id)
            #expect(output.contains("CapEff:\t0000000000000001"))
            #expect(output.contains("CapBnd:\t0000000000000001"))
            #expect(output.contains("NoNewPrivs:\t1"))
            #expect(output.contains("read-only\n"))
            #expect(output.contains("written\n"))
            #expect(output.hasSuffix("a=b c\n$d\n"))
        }
    }

    @Test func aContainerThatCannotStartSaysWhy() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let id = try await docker.createContainer(engine.container("twice", "true"))
            let again = await thrown { () throws(DockerError) in
                try await docker.createContainer(engine.container("twice", "true"))
            }
            #expect(again?.isConflict == true)
            #expect(again?.message.contains(String(id.prefix(12))) == true)

            var missing = engine.container("missing", "true")
            missing.image = "berth/no-such-image:1"
            missing.environment = ["NAME": "berth"]
            let absent = await thrown { () throws(DockerError) in
                try await docker.createContainer(missing)
            }
            #expect(absent?.isNotFound == true)
            #expect(absent?.message.contains("berth/no-such-image:1") == true)

            var broken = engine.container("broken", "true")
            broken.command = ["/no/such/program"]
            let brokenID = try await engine.start(broken)
            #expect(try await docker.waitForContainer(brokenID, deadline: .seconds(60)) == 127)
        }
    }

    @Test func siblingsFindEachOtherByAliasInTheirNetworkOnly() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            for suffix in ["one", "two"] {
                _ = try await docker.createNetwork(
                    NetworkSpecification(name: engine.name(suffix), labels: engine.labels))
            }
            var server = engine.container("server", "exec sleep 600")
            server.network = NetworkAttachment(network: engine.name("one"), aliases: ["db"])
            let serverID = try await engine.start(server)
            let place = try #require(
                try await docker.container(serverID)?.networks[engine.name("one")])
            #expect(place.aliases.contains("db"))
            let address = try #require(place.ipv4Address)
            let network = try #require(try await docker.network(engine.name("one")))
            #expect(network.endpoints.map(\.ipv4Address) == [address])
            #expect(network.subnets.first?.gateway == place.gateway)

            let lookUp = "ping -c 1 -w 5 db | head -n 1"
            #expect(
                try await run("sibling", lookUp, in: "one", engine).contains("(\(address))"))
            #expect(try await !run("stranger", lookUp, in: "two", engine).contains(address))

            try await docker.connect(
                serverID,
                to: NetworkAttachment(network: engine.name("two"), aliases: ["db"]))
            let second = try #require(
                try await docker.container(serverID)?.networks[engine.name("two")]?.ipv4Address)
            #expect(try await run("late", lookUp, in: "two", engine).contains("(\(second))"))
            try await docker.disconnect(serverID, from: engine.name("two"))
            #expect(try await docker.container(serverID)?.networks.count == 1)
        }
    }

    /// The output of a script in a container of that network.
    private func run(
        _ suffix: String, _ script: String, in network: String, _ engine: RealEngine
    ) async throws -> String {
        var container = engine.container(suffix, script)
        container.network = NetworkAttachment(network: engine.name(network))
        container.capabilities = ["NET_RAW"]
        let id = try await engine.start(container)
        _ = try await engine.docker.waitForContainer(id, deadline: .seconds(60))
        return try await engine.output(of: id)
    }

    @Test func aVolumeKeepsItsFilesWhenContainersGo() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            _ = try await docker.createVolume(engine.name("data"), labels: engine.labels)
            var writer = engine.container("writer", "echo kept >/data/file")
            writer.mounts = [VolumeMount(volume: engine.name("data"), path: "/data")]
            let id = try await engine.start(writer)
            #expect(try await docker.waitForContainer(id, deadline: .seconds(60)) == 0)
            let used = await thrown { () throws(DockerError) in
                try await docker.removeVolume(engine.name("data"))
            }
            #expect(used?.isConflict == true)
            try await docker.removeContainer(id, force: true)

            var reader = engine.container("reader", "cat /data/file; echo x >/data/file; true")
            reader.mounts = [
                VolumeMount(volume: engine.name("data"), path: "/data", isReadOnly: true)
            ]
            let readerID = try await engine.start(reader)
            _ = try await docker.waitForContainer(readerID, deadline: .seconds(60))
            #expect(try await engine.output(of: readerID).hasPrefix("kept\n"))
            let mount = try #require(try await docker.container(readerID)?.mounts.first)
            #expect((mount.name, mount.path) == (engine.name("data"), "/data"))
            #expect(!mount.isWritable)
        }
    }

    @Test func aFileIsWrittenIntoAVolumeOfAContainerThatDoesNotRun() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            _ = try await docker.createVolume(engine.name("data"), labels: engine.labels)
            var wanted = engine.container(
                "marked", "stat -c '%u %a' /data/marker; cat /data/marker")
            wanted.mounts = [VolumeMount(volume: engine.name("data"), path: "/data")]
            let id = try await docker.createContainer(wanted)
            #expect(try await docker.readFile("/data/marker", in: id) == nil)
            let marker = ContainerFile(
                name: "marker", bytes: Array("s1\n".utf8), mode: 0o600, userID: 70, groupID: 70)
            try await docker.writeFile(marker, to: "/data", in: id)
            #expect(try await docker.readFile("/data/marker", in: id) == marker)
            wanted.name += "-2"
            wanted.capabilities = ["DAC_OVERRIDE"]
            let second = try await engine.start(wanted)
            _ = try await docker.waitForContainer(second, deadline: .seconds(60))
            #expect(try await engine.output(of: second) == "70 600\ns1\n")
        }
    }
}
