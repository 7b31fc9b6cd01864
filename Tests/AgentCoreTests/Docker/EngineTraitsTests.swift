import DockerEngine
import Testing

@testable import AgentCore

@Suite struct EngineTraitsTests {
    private func container(nanoCPUs: Int64?) -> ContainerSpecification {
        var container = ContainerSpecification(name: "n", image: "i")
        container.resources.nanoCPUs = nanoCPUs
        return container
    }

    @Test("on Docker nobody is asked for names of no container; Podman is left to name its own")
    func nameServers() {
        let plain = container(nanoCPUs: nil)
        let docker = plain.fitted(to: EngineTraits(isPodman: false, processors: 4))
        #expect(docker.nameServers == ["192.0.2.1"])
        #expect(plain.fitted(to: EngineTraits(isPodman: true, processors: 4)) == plain)
    }

    @Test(
        "a container gets no more processors than there are",
        arguments: [
            (Int64(2_000_000_000), Int64(1), Int64(1_000_000_000)),
            (2_000_000_000, 2, 2_000_000_000), (2_000_000_000, 64, 2_000_000_000),
            // An engine that does not say how many it has.
            (2_000_000_000, 0, 2_000_000_000),
        ])
    func processors(wanted: Int64, there: Int64, given: Int64) {
        let engine = EngineTraits(isPodman: true, processors: there)
        #expect(container(nanoCPUs: wanted).fitted(to: engine).resources.nanoCPUs == given)
        #expect(container(nanoCPUs: nil).fitted(to: engine).resources.nanoCPUs == nil)
    }
}
