import DockerEngine
import Domain
import EventLoops
import Glibc
import TestSupport
import Testing

@testable import AgentCore

/// Deployments on Podman's compatible socket: a service of this test's own, with a store of its own.
@Suite(.timeLimit(.minutes(5))) struct DeployOnPodmanTests {
    private final class Podman: Sendable {
        let folder: String
        let options: [String]
        private let service: RunningProgram

        /// The image of the tests, under the name that Podman gives to what has no registry.
        static let image = "localhost/berth/postgres-test:16"
        var socketPath: String { "\(folder)/podman.sock" }

        init() throws {
            let folder = try Command.run(["mktemp", "-d", "/tmp/berth-test-podman-XXXXXX"])
            self.folder = folder
            // runc is there for Docker; crun refuses machines with both versions of control groups.
            options = [
                "podman", "--root", "\(folder)/root", "--runroot", "\(folder)/run", "--tmpdir",
                "\(folder)/tmp", "--network-config-dir", "\(folder)/networks", "--storage-driver",
                "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime",
                "runc",
            ]
            // Podman's own limits are higher than root may go in a container; and with its other
            // backend, CNI, this machine has no address on a network that leads nowhere.
            try Command.run([
                "sh", "-c", "printf '%s' \"$1\" >\"$2\"", "sh",
                """
                [containers]
                default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
                [network]
                network_backend = "netavark"

                """, "\(folder)/containers.conf",
            ])
            service = try RunningProgram(
                options + ["system", "service", "--time=0", "unix://\(folder)/podman.sock"],
                environment: ["CONTAINERS_CONF": "\(folder)/containers.conf"])
            let saved = "\(folder)/image.tar"
            try Command.run(["docker", "save", "--output", saved, RealServer.image])
            try Command.run(options + ["load", "--input", saved])
        }

        deinit {
            service.kill()
            _ = try? Command.run(options + ["unmount", "--all"])
            _ = try? Command.run(["rm", "-rf", folder])
        }

        /// What its service has logged.
        var log: String { service.text }

        /// Runs SQL inside a container, as its superuser.
        func psql(_ sql: String, in container: String) throws -> String {
            try Command.run(
                options + ["exec", container, "psql", "-U", "berth", "-d", "app", "-Atqc", sql])
        }
    }

    @Test("a database is deployed, deployed again over its data, and removed")
    func life() async throws {
        let podman = try Podman()
        try await withRealServer(socketPath: podman.socketPath) { loop, server in
            try await DeployOnPodmanTests.awaitAnswer(server, podman)
            let first = try await server.run(server.order(image: Podman.image)).run(on: loop)
            let made = try #require(try await server.containers().first).id
            #expect(try podman.psql("CREATE TABLE kept AS SELECT 42 AS x", in: made) == "")

            var order = server.order(initialized: true, image: Podman.image)
            order.volume.systemIdentifier = first.systemIdentifier
            order.pinnedImage = first.pinnedImage
            let second = try await server.run(order).run(on: loop)
            #expect(second == first)
            let containers = try await server.containers()
            #expect(containers.map(\.status) == [.running])
            let newer = try #require(containers.first).id
            #expect(newer != made)
            #expect(try podman.psql("SELECT x FROM kept", in: newer) == "42")
            let details = try #require(try await server.engine.container(newer))
            #expect(details.addresses.keys.sorted() == [server.network])

            // Data that is gone is told here too.
            try await server.engine.removeContainer(newer)
            try await server.engine.removeVolume(server.volume)
            await #expect {
                try await server.run(order).run(on: loop)
            } throws: {
                ($0 as? JobFailed)?.reason == .dataMissing
            }
        }
    }

    private static func awaitAnswer(_ server: RealServer, _ podman: Podman) async throws {
        let end = Instant.now().advanced(by: .seconds(30))
        while true {
            do {
                _ = try await server.containers()
                return
            } catch {
                guard Instant.now() < end else {
                    Issue.record("podman: \(error)\n\(podman.log)")
                    throw error
                }
                try await server.reactor.sleep(for: .milliseconds(100))
            }
        }
    }
}
