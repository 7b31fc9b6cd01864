import DockerEngine
import Domain
import EventLoops
import TestSupport
import Testing

@testable import AgentCore

/// Images and data that do not serve, on the machine's own Docker.
@Suite(.timeLimit(.minutes(10))) struct FailuresOnDockerTests {
    /// The reason and the message of a run that must fail.
    private static func failure(
        of run: DeployRun, on loop: isolated EventLoop
    ) async throws -> JobFailed {
        do {
            _ = try await run.run(on: loop)
        } catch let failed as JobFailed {
            return failed
        }
        throw CommandFailedToFail()
    }
    private struct CommandFailedToFail: Error {}

    @Test("a wrong password is refused at once, and what ran before runs again")
    func wrongPassword() async throws {
        try await withRealServer { loop, server in
            let first = server.order()
            _ = try await server.run(first).run(on: loop)
            let run = server.run(
                server.order(initialized: true, password: "wr0ng-secret"),
                previous: first.deploymentID)
            let failed = try await FailuresOnDockerTests.failure(of: run, on: loop)
            #expect(failed.reason == .loginRefused)
            #expect(!failed.message.contains("wr0ng-secret"))
            var note = await run.undo(on: loop)
            // The job's own credentials, the wrong ones, cannot prove that the old one serves.
            #expect(note.contains("could not be started again"))
            let good = server.run(server.order(initialized: true), previous: first.deploymentID)
            note = await good.undo(on: loop)
            #expect(note.hasPrefix("The deployment that ran before"))
            #expect(try await server.containers().map(\.status) == [.running])
            #expect(try await server.psql("SELECT 1") == "1")
        }
    }

    @Test("an image that exits, and one that hangs, fail with a reason and their last words")
    func images() async throws {
        try await withRealServer { loop, server in
            let exits = "berth-agent-test-exits:\(server.service)"
            let hangs = "berth-agent-test-hangs:\(server.service)"
            let name = "berth-agent-test-\(server.service)"
            _ = try await server.command("docker", "create", "--name", name, RealServer.image)
            defer { _ = try? Command.run(["docker", "rmi", "-f", exits, hangs]) }
            _ = try await server.command(
                "docker", "commit", "--change",
                "ENTRYPOINT [\"sh\", \"-c\", \"echo last words of $POSTGRES_PASSWORD; exit 3\"]",
                name, exits)
            _ = try await server.command(
                "docker", "commit", "--change", "ENTRYPOINT [\"sleep\", \"600\"]", name, hangs)
            _ = try await server.command("docker", "rm", name)

            let exiting = server.run(server.order(image: exits))
            var failed = try await FailuresOnDockerTests.failure(of: exiting, on: loop)
            #expect(failed.reason == .containerExited)
            #expect(failed.message.contains("exit code 3"))
            #expect(failed.message.contains("last words of [redacted]"))
            _ = await exiting.undo(on: loop)
            #expect(try await server.containers().isEmpty)

            var order = server.order(image: hangs, start: .milliseconds(1500))
            order.timeouts.stop = .seconds(1)
            let hanging = server.run(order)
            failed = try await FailuresOnDockerTests.failure(of: hanging, on: loop)
            #expect(failed.reason == .startTimeout)
            _ = await hanging.undo(on: loop)
            #expect(try await server.containers().isEmpty)

            let missing = server.run(server.order(image: "berth/no-such-image:1"))
            failed = try await FailuresOnDockerTests.failure(of: missing, on: loop)
            #expect([.imageNotFound, .pullFailed].contains(failed.reason))
        }
    }

    @Test("data that is gone is told, and nothing is made in its place")
    func dataMissing() async throws {
        try await withRealServer { loop, server in
            let missing = server.run(server.order(initialized: true))
            var failed = try await FailuresOnDockerTests.failure(of: missing, on: loop)
            #expect(failed.reason == .dataMissing)
            #expect(try await server.engine.volume(server.volume) == nil)

            _ = try await server.run(server.order()).run(on: loop)
            let id = try #require(try await server.containers().first).id
            _ = try await server.command(
                "docker", "exec", id, "mv", "/var/lib/postgresql/data/pgdata",
                "/var/lib/postgresql/data/elsewhere")
            let emptied = server.run(server.order(initialized: true))
            failed = try await FailuresOnDockerTests.failure(of: emptied, on: loop)
            #expect(failed.reason == .dataMissing)
            #expect(failed.message.contains("data folder is empty"))
        }
    }

    @Test("a service's logs come without its secrets")
    func logs() async throws {
        try await withRealServer { loop, server in
            _ = try await server.run(server.order()).run(on: loop)
            _ = try? await server.psql("SELECT 'the password is p''\\ss wörd' FROM nowhere")
            var sink = Sink()
            // What a container writes is in Docker's log a moment later.
            let end = Instant.now().advanced(by: .seconds(60))
            repeat {
                sink = Sink()
                let tails = LogTails(engine: server.engine, sink: sink)
                tails.take(.init(id: "r", server.service, tail: 100), on: loop)
                try await eventually(server.reactor) { sink.hasEnded }
            } while !sink.text.contains("FROM nowhere") && Instant.now() < end
            #expect(sink.text.contains("database system is ready to accept connections"))
            // As PostgreSQL logs the statement, the password in it is not as it is typed.
            #expect(sink.text.contains("SELECT 'the password is [redacted]' FROM nowhere"))
            #expect(!sink.text.contains("wörd"))
        }
    }
}
