import EventLoops
import TestSupport
import Testing

@testable import DockerEngine

/// Against the machine's own Docker.
@Suite(.timeLimit(.minutes(15))) struct EngineTests {
    @Test func theEngineTellsWhatItIs() async throws {
        try await withRealEngine { _, _, engine in
            try await engine.docker.ping()
            let version = try await engine.docker.version()
            #expect(version.apiVersion >= .oldest)
            let information = try await engine.docker.information()
            #expect(information.version == version.version)
            #expect(information.memoryBytes > 64 * 1024 * 1024)
            #expect(information.processors >= 1)
            #expect(information.dataRoot.hasPrefix("/"))
        }
    }

    @Test func aVolumeIsMadeOnceAndListedByItsLabels() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let name = engine.name("data")
            #expect(try await docker.volume(name) == nil)
            let made = try await docker.createVolume(name, labels: engine.labels)
            #expect((made.name, made.labels) == (name, engine.labels))
            // Made again, it is the same one with its first labels.
            let again = try await docker.createVolume(name, labels: ["other": "1"])
            #expect(again.labels == engine.labels)
            #expect(try await docker.volumes(labels: engine.labels).map(\.name) == [name])
            #expect(try await docker.volumes(labels: ["berth.engine-test": "none"]).isEmpty)
            #expect(try await docker.removeVolume(name))
            #expect(try await docker.removeVolume(name) == false)
        }
    }

    @Test func aNetworkIsMadeWithItsOptionsAndListedByItsLabels() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let name = engine.name("net")
            #expect(try await docker.network(name) == nil)
            let id = try await docker.createNetwork(
                NetworkSpecification(
                    name: name, labels: engine.labels, isInternal: true,
                    options: ["com.docker.network.bridge.enable_icc": "false"]))
            let network = try #require(try await docker.network(name))
            #expect((network.id, network.driver, network.isInternal) == (id, "bridge", true))
            #expect(network.options == ["com.docker.network.bridge.enable_icc": "false"])
            #expect(network.labels == engine.labels)
            #expect(network.subnets.count == 1)
            #expect(try await docker.networks(labels: engine.labels).map(\.id) == [id])
            #expect(try await docker.removeNetwork(id))
            #expect(try await docker.removeNetwork(id) == false)
        }
    }

    @Test func anImageIsFoundByNameAndByIdAndGetsAnotherName() async throws {
        try await withRealEngine { _, _, engine in
            let docker = engine.docker
            let image = try #require(try await docker.image(RealEngine.image))
            #expect(image.id.hasPrefix("sha256:"))
            #expect(image.sizeBytes > 0)
            #expect(image.volumes.isEmpty)
            #expect(try await docker.image(image.id)?.id == image.id)
            #expect(try await docker.image("berth/no-such-image:1") == nil)
            let other = try #require(ImageReference("\(engine.name("image")):second-name"))
            try await docker.tagImage(RealEngine.image, as: other)
            #expect(try await docker.image(other.description)?.id == image.id)
            try Command.run(["docker", "image", "rm", other.description])
        }
    }

    @Test func pullingWhatNoRegistryHasFails() async throws {
        try await withRealEngine { _, _, engine in
            // Port 9 of this machine: nobody serves there.
            let image = try #require(ImageReference("127.0.0.1:9/no-such-image:1"))
            let error = await thrown { () throws(DockerError) in
                try await engine.docker.pullImage(image, deadline: .seconds(60))
            }
            #expect(error?.kind == .refused || error?.kind == .failed)
            #expect(error?.message.isEmpty == false)
        }
    }
}
