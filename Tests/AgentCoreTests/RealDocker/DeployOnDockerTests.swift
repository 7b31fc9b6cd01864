import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// Deployments on the machine's own Docker.
@Suite(.timeLimit(.minutes(10))) struct DeployOnDockerTests {
    @Test("a deployed database serves its siblings by name, keeps its data, and is gone in the end")
    func life() async throws {
        try await withRealServer { loop, server in
            let first = try await server.run(server.order()).run(on: loop)
            #expect(!first.systemIdentifier.isEmpty)
            let written = try await server.psql(
                "CREATE TABLE kept (x int); INSERT INTO kept VALUES (42); SELECT x FROM kept")
            #expect(written == "42")

            var order = server.order(initialized: true)
            order.volume.systemIdentifier = first.systemIdentifier
            order.pinnedImage = first.pinnedImage
            let second = try await server.run(order).run(on: loop)
            #expect(second == first)
            #expect(try await server.psql("SELECT x FROM kept") == "42")
            #expect(try await server.containers().count == 1)

            let jobs = OtherJobs(
                engine: server.engine, starts: server.tools.starts,
                verification: server.tools.verification, networks: server.tools.networks)
            let restart = RestartOrder(
                environmentID: server.environment, port: 5432, probe: order.probe,
                timeouts: order.timeouts, systemIdentifier: first.systemIdentifier)
            try await jobs.restart(restart, of: server.service, tell: { _, _, _ in }, on: loop)
            #expect(try await server.psql("SELECT x FROM kept") == "42")

            let teardown = TeardownOrder(
                environmentID: server.environment, timeouts: order.timeouts)
            try await jobs.tearDown(teardown, of: server.service) { _, _, _ in }
            #expect(try await server.containers().isEmpty)
            #expect(try await !server.engine.hasNetwork(server.network))
            // Undeleted: the volume was kept.
            _ = try await server.run(order).run(on: loop)
            #expect(try await server.psql("SELECT x FROM kept") == "42")
            try await jobs.tearDown(teardown, of: server.service) { _, _, _ in }
            try await jobs.purge(server.volume, of: server.service)
            #expect(try await server.engine.volume(server.volume) == nil)
        }
    }

    @Test("a container reaches neither other environments nor this machine, and has no port of it")
    func walls() async throws {
        try await withRealServer { loop, server in
            // Docker may hold the lock of the tables for longer than one attempt waits.
            let end = Instant.now().advanced(by: .seconds(60))
            var ensured = Firewall.ensure { try SpawnedProgram.run($0, $1) }
            while ensured.failure != nil, Instant.now() < end {
                try await server.reactor.sleep(for: .seconds(1))
                ensured = Firewall.ensure { try SpawnedProgram.run($0, $1) }
            }
            #expect(ensured.failure == nil)
            _ = try await server.run(server.order()).run(on: loop)
            let address = try await server.address()
            await #expect(throws: CommandFailed.self) {
                try await server.psql(
                    "SELECT 1", host: address, network: "bridge", patienceSeconds: 5)
            }
            await #expect(throws: CommandFailed.self) {
                try await server.psql(
                    "SELECT 1", host: address, network: "berth-init", patienceSeconds: 5)
            }
            let id = try #require(try await server.containers().first).id
            #expect(try await server.command("docker", "port", id) == "")
            let settings = try await server.command(
                "docker", "inspect", "-f",
                "{{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}",
                id)
            #expect(settings == "false [ALL] [no-new-privileges:true]")

            // What listens here, on every address, answers here and not there.
            let held = try HeldPort(onEveryAddress: true)
            try held.listen()
            #expect(HeldPort.answers(at: "127.0.0.1", port: held.number))
            let gateway = try await server.command(
                "docker", "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}",
                server.network)
            #expect(HeldPort.answers(at: gateway, port: held.number))
            await #expect(throws: CommandFailed.self) {
                try await server.command(
                    "docker", "exec", id, "nc", "-w", "3", gateway, "\(held.number)")
            }
        }
    }

    @Test("a run that was dropped on the way is completed by the next one")
    func dropped() async throws {
        try await withRealServer { loop, server in
            let order = server.order()
            for delay in [100, 500, 900] {
                let run = server.run(order)
                let task = LoopTask(on: loop) { try await run.run(on: loop) }
                try await server.reactor.sleep(for: .milliseconds(delay))
                task.cancel()
                await task.settled()
            }
            let outcome = try await server.run(order).run(on: loop)
            #expect(outcome.initialized)
            #expect(try await server.containers().map(\.status) == [.running])
            #expect(try await server.psql("SELECT 1") == "1")
        }
    }
}
