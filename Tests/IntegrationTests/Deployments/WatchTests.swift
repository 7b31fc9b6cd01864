import Deployments
import Domain
import PostgresClient
import RPC
import Services
import Testing

/// Streams of what changes.
@Suite struct WatchTests {
    @Test("a deployment is sent as it is, again at each change, and last when it runs")
    func deployment() async throws {
        try await withDatabase { database, pool in
            let feed = SteppedFeed()
            let engine = try Engine(database, pool, changes: feed)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            feed.steps = [
                {},  // Woken for nothing.
                { _ = try await agent.tell(job, .pulling) },
                {
                    _ = try await agent.tell(job, .starting)
                    _ = try await agent.tell(job, .verifying)
                },
                { _ = try await agent.tell(job, .succeeded, outcome: .sample) },
                { Issue.record("it goes on after the end") },
            ]
            var sent: [DeploymentHistory] = []
            try await engine.modules.deployments.watchDeployment(
                id: deployment.description, caller: engine.caller
            ) { sent.append($0) }
            #expect(
                sent.map(\.deployment.state) == [.claimed, .pulling, .verifying, .running])
            #expect(
                sent.last?.events.map(\.state) == [
                    .queued, .claimed, .pulling, .starting, .verifying, .running,
                ])
            #expect(feed.topics == [.deployment(deployment)])
            #expect(feed.cancelled == 1)
        }
    }

    @Test("watching ends when the watcher goes, when it may see no more, and when it is refused")
    func ends() async throws {
        try await withDatabase { database, pool in
            let feed = SteppedFeed()
            let engine = try Engine(database, pool, changes: feed)
            let (_, deployment) = try await engine.create()
            let deployments = engine.modules.deployments
            var count = 0
            await #expect(throws: CancellationError.self) {
                try await deployments.watchDeployment(
                    id: deployment.description, caller: engine.caller
                ) { _ in count += 1 }
            }
            #expect(count == 1)
            await #expect(throws: RPCStatus.self) {
                try await deployments.watchDeployment(
                    id: deployment.description, caller: engine.caller
                ) { _ in throw RPCStatus(.resourceExhausted, "full") }
            }
            feed.steps = [{ try database.run("UPDATE access_tokens SET revoked_at = now()") }]
            let refused = try await problem {
                try await deployments.watchDeployment(
                    id: deployment.description, caller: engine.caller
                ) { _ in }
            }
            #expect(refused.kind == .unauthenticated)
            #expect(feed.cancelled == feed.topics.count)
            let malformed = try await problem {
                try await deployments.watchDeployment(id: "x", caller: engine.caller) { _ in }
            }
            #expect(malformed.kind == .unauthenticated)
        }
    }

    @Test("an environment's services are sent, then each that changed, a deleted one a last time")
    func services() async throws {
        try await withDatabase { database, pool in
            let feed = SteppedFeed()
            let engine = try Engine(database, pool, changes: feed)
            let agent = try WorkingAgent(engine)
            let (first, _) = try await engine.create("first")
            let (second, _) = try await engine.create("second")
            var third: ServiceID?
            let jobs = try await agent.claim()
            let job = try #require(jobs.first { $0.serviceID == first })
            feed.steps = [
                { _ = try await agent.tell(job, .succeeded, outcome: .sample) },
                { third = try await engine.create("third").0 },
                { _ = try await engine.delete(second) },
                {
                    for job in jobs where job.serviceID == second {
                        _ = try await agent.tell(job, .cancelled)
                    }
                    for job in try await agent.claim() where job.kindName == "teardown" {
                        _ = try await agent.tell(job, .succeeded)
                    }
                },
                { _ = try await engine.undelete(second) },
            ]
            var sent: [[String]] = []
            await #expect(throws: CancellationError.self) {
                try await engine.modules.services.watchServices(
                    environmentID: database.tenancy.home.environmentID.description,
                    caller: engine.caller
                ) { services in
                    sent.append(services.map { "\($0.service.name) \($0.state)" })
                }
            }
            #expect(third != nil)
            #expect(
                sent == [
                    ["second deploying", "first deploying"], ["first running"], ["third queued"],
                    ["second deleting"], ["third deploying", "second deleted"], ["second queued"],
                ])
            #expect(feed.cancelled == 1)
        }
    }

    @Test("logs come from the service's server, and only with its container")
    func logs() async throws {
        try await withDatabase { database, pool in
            let logs = FakeLogs()
            let engine = try Engine(database, pool, logs: logs)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.create()
            func tail(_ lines: Int32) async throws -> [String] {
                var texts: [String] = []
                try await engine.modules.deployments.tailLogs(
                    id: service.description, tailLines: lines, follow: false,
                    caller: engine.caller
                ) { texts += $0.map(\.text) }
                return texts
            }
            let none = try await problem { _ = try await tail(0) }
            #expect(none.kind == .failedPrecondition)
            let password = try await engine.modules.services.revealConnection(
                id: service.description, caller: engine.caller
            ).password
            _ = try await agent.claimOne()
            func line(_ text: String) -> LogLine {
                LogLine(time: Tenancy.time, text: text, isStandardError: false)
            }
            logs.pieces = [[line("a"), line("b")], [line("c")]]
            #expect(try await tail(0) == ["a", "b", "c"])
            _ = try await tail(5000)
            #expect(logs.asked.map(\.lines) == [100, 1000])
            #expect(logs.asked.allSatisfy { $0.secrets == [password] })
            #expect(logs.cancelled == 2)
            let negative = try await problem { _ = try await tail(-1) }
            #expect(negative.violations.map(\.field) == ["tail_lines"])
            try database.run("UPDATE agents SET last_seen_at = now() - interval '1 minute'")
            let away = try await problem { _ = try await tail(1) }
            #expect(away.kind == .unavailable)
        }
    }
}
