import DockerEngine
import Domain
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import AgentCore

/// Images that come from a registry: Debian's docker-registry on a port of this machine.
@Suite(.timeLimit(.minutes(3))) struct PullOnDockerTests {
    /// A registry with a folder of its own.
    private final class Registry {
        let address: String
        private let folder: String
        private let program: RunningProgram

        init() throws {
            let path = try #require(
                RealServer.variable("BERTH_TEST_REGISTRY"),
                "no registry of images: run scripts/test, which fetches Debian's docker-registry")
            folder = try Command.run(["mktemp", "-d", "/tmp/berth-test-registry-XXXXXX"])
            address = "127.0.0.1:\(try Registry.freePort())"
            let configuration = """
                {version: 0.1, storage: {filesystem: {rootdirectory: \(folder)}}, http: {addr: "\(address)"}}
                """
            try Command.run([
                "sh", "-c", "printf '%s' \"$1\" >\"$2\"", "sh", configuration,
                "\(folder)/config.yml",
            ])
            program = try RunningProgram([path, "serve", "\(folder)/config.yml"])
        }

        deinit { _ = try? Command.run(["rm", "-r", folder]) }

        /// What it has logged.
        var log: String { program.text }

        private static func freePort() throws -> UInt16 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                }
            }
            try #require(isBound)
            return UInt16(bigEndian: address.sin_port)
        }
    }

    @Test("an image is pulled by its tag, pinned by its digest, and pulled by that once it is gone")
    func pulls() async throws {
        let registry = try Registry()
        try await withRealServer { [address = registry.address] loop, server in
            let name = "\(address)/berth/pulled:\(server.service)"
            _ = try await server.command("docker", "tag", RealServer.image, name)
            // It takes a moment to listen.
            let end = Instant.now().advanced(by: .seconds(30))
            while true {
                do {
                    _ = try await server.command("docker", "push", "--quiet", name)
                    break
                } catch {
                    guard Instant.now() < end else { throw error }
                    try await server.reactor.sleep(for: .milliseconds(100))
                }
            }
            _ = try await server.command("docker", "rmi", name)
            defer { _ = try? Command.run(["docker", "rmi", "-f", name]) }

            var told: [JobProgress.State] = []
            let first = try await server.run(server.order(image: name)) { state, _, _ in
                told.append(state)
            }.run(on: loop)
            #expect(told.first == .pulling)
            #expect(first.pinnedImage.hasPrefix("sha256:"))
            #expect(try await server.psql("SELECT 1") == "1")

            // The image is gone from the machine, and its tag means nothing any more.
            for container in try await server.containers() {
                try await server.engine.removeContainer(container.id)
            }
            _ = try await server.command("docker", "rmi", "-f", name)
            let repository = "\(address)/berth/pulled"
            _ = try? await server.command(
                "docker", "rmi", "-f", "\(repository)@\(first.pinnedImage)")
            var again = server.order(initialized: true, image: "\(repository):gone")
            again.pinnedImage = first.pinnedImage
            again.volume.systemIdentifier = first.systemIdentifier
            told = []
            let second = try await server.run(again) { state, _, _ in told.append(state) }
                .run(on: loop)
            #expect(second == first)
            #expect(told.first == .pulling)
            _ = try? await server.command(
                "docker", "rmi", "-f", "\(repository)@\(first.pinnedImage)")

            // A tag that the registry does not have.
            let missing = server.run(server.order(image: "\(repository):none"))
            await #expect {
                try await missing.run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .imageNotFound
            }
        }
        #expect(!registry.log.isEmpty)
    }
}
