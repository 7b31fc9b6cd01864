import DockerEngine
import Domain
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import AgentCore

/// Images that come from a registry: Debian's docker-registry on a port of this machine.
@Suite(.timeLimit(.minutes(10))) struct PullOnDockerTests {
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
            let configuration = """
                {version: 0.1, storage: {filesystem: {rootdirectory: \(folder)}}, http: {addr: "127.0.0.1:0"}}
                """
            try Command.run([
                "sh", "-c", "printf '%s' \"$1\" >\"$2\"", "sh", configuration,
                "\(folder)/config.yml",
            ])
            program = try RunningProgram([path, "serve", "\(folder)/config.yml"])
            address = try Registry.address(of: program)
        }

        deinit {
            // It would go on writing there.
            program.kill()
            _ = try? Command.run(["rm", "-r", folder])
        }

        /// What it has logged.
        var log: String { program.text }

        /// Where it listens, by its log: on the port that the system chose, which nobody else has.
        private static func address(of program: RunningProgram) throws -> String {
            let end = Instant.now().advanced(by: .seconds(60))
            while program.isRunning, Instant.now() < end {
                if let found = program.text.firstMatch(of: /"listening on ([0-9.:]+)"/) {
                    return String(found.1)
                }
                usleep(20_000)
            }
            throw NotListening(log: program.text)
        }

        private struct NotListening: Error { let log: String }
    }

    @Test("an image is pulled by its tag, pinned by its digest, and pulled by that once it is gone")
    func pulls() async throws {
        let registry = try Registry()
        try await withRealServer { [address = registry.address] loop, server in
            let name = "\(address)/berth/pulled:\(server.service)"
            _ = try await server.command("docker", "tag", RealServer.image, name)
            _ = try await server.command("docker", "push", "--quiet", name)
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
