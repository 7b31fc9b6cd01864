import Deployments
import Domain
import EventLoops
import PostgresClient
import Services
import TestSupport
import Testing

/// PostgreSQL is away for longer than a lease while a job is under way.
@Suite struct DatabaseAwayTests {
    /// What the agent was when PostgreSQL is there again.
    enum Agent: CaseIterable {
        /// The same process, which goes on with the job.
        case same
        /// A new one, which knows of nothing.
        case restarted
    }

    @Test(
        "the deployment goes on or begins anew, and ends once, however often its end is told",
        arguments: Agent.allCases, ["fast", "immediate"])
    func endsOnce(_ kind: Agent, _ stop: String) async throws {
        let cluster = try TestPostgres()
        let database = try await MigratedDatabase.make(in: cluster)
        try await onLoop { loop, reactor in
            _ = loop
            let pool = try ConnectionPool(
                reactor: reactor, workers: try WorkerPool(threads: 1),
                configuration: .patient(try database.uri))
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine, 1)
            let (service, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            #expect(try await agent.tell(job, .starting))
            // A lease of a second in place of a minute.
            try database.run("UPDATE deployments SET lease_until = now() + interval '1 second'")
            let leaseEnd = Instant.now().advanced(by: .seconds(1))

            try cluster.stop(stop)
            // Its reports and heartbeats fail until the lease is over, and change nothing.
            repeat {
                await #expect(throws: (any Error).self) {
                    try await agent.tell(job, .succeeded, outcome: .sample)
                }
                await #expect(throws: (any Error).self) { try await agent.renew([job]) }
                try await reactor.sleep(for: .milliseconds(50))
            } while Instant.now() < leaseEnd
            try cluster.start()
            // The pool connects anew at its own pace.
            try await FakeAgent.eventually(reactor) {
                (try? await engine.state(deployment)) != nil
            }
            #expect(try database.run("SELECT lease_until < now() FROM deployments") == "t")

            // The stream broke, and the agent begins another.
            let again = try WorkingAgent(engine, 2)
            let adopted = try await again.adopt(kind == .same ? [job] : [])
            #expect(adopted.isEmpty == (kind == .restarted))
            let claimed = try await again.claim()
            #expect(claimed.count == (kind == .restarted ? 1 : 0))
            let current = claimed.first ?? job
            #expect(try await again.claim().isEmpty)
            #expect(try await !agent.tell(job, .failed, "late"))
            for _ in 0..<2 {
                #expect(try await again.tell(current, .succeeded, outcome: .sample))
            }
            #expect(try await !again.tell(current, .failed, "and yet it did not"))

            let history = try await engine.history(deployment)
            #expect(history.deployment.attempt == (kind == .same ? 1 : 2))
            let ends = history.events.map(\.state).filter {
                [.running, .failed, .cancelled, .superseded].contains($0)
            }
            #expect(ends == [.running])
            #expect(try await engine.status(service).state == .running)
            #expect(try database.count("deployments") == 1)
            #expect(try database.count("service_jobs") == 0)
            await pool.close()
        }
    }
}
