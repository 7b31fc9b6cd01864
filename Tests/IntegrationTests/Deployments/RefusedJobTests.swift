import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// What becomes of a job that an agent would not begin.
@Suite struct RefusedJobTests {
    @Test("it is sent again at once, under a higher token, and says why it waits")
    func again() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            let first = try await agent.claimOne()
            #expect(try await agent.claim().isEmpty)
            try await agent.refuse(first, "EXPIRED")
            #expect(try await engine.status(service).message.contains("refused the job (EXPIRED)"))
            let second = try await agent.claimOne()
            #expect(second.reference.fencingToken > first.reference.fencingToken)
            #expect(try await agent.tell(second, .succeeded, outcome: .sample))
            #expect(try await engine.state(deployment) == .running)
        }
    }

    @Test("a refusal without the right to the job changes nothing")
    func withoutRight() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            let old = try await agent.claimOne()
            try database.expireLeases()
            let new = try await agent.claimOne()
            let history = try await engine.history(deployment)
            try await agent.refuse(old, "STALE_TOKEN")
            let stranger = WorkingAgent(
                engine: engine, session: AgentSessionID(bytes: [UInt8](repeating: 8, count: 16)))
            try await stranger.refuse(new, "EXPIRED")
            #expect(try await engine.history(deployment) == history)
            #expect(try await agent.claim().isEmpty)
        }
    }

    @Test(
        "an agent that refuses again and again is asked less often, and then the deployment fails")
    func forGood() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (_, deployment) = try await engine.create()
            for attempt in 1...10 {
                try await agent.refuse(try await agent.claimOne(), "WRONG_SERVER")
                let pause = try database.run(
                    "SELECT round(extract(epoch FROM lease_until - updated_at)) FROM deployments")
                #expect(Int(pause) == [0, 5, 10, 20, 40, 80, 160, 320, 600, 600][attempt - 1])
                if attempt > 1 {
                    // Longer, so that it is not over before this test has looked.
                    try database.run(
                        "UPDATE deployments SET lease_until = lease_until + interval '60 s'")
                    let work = try await agent.claimWork()
                    #expect(work.jobs.isEmpty)
                    let left = try #require(work.pauseLeft)
                    let whole = Duration.seconds(try #require(Int64(pause)))
                    #expect(left <= whole + .seconds(60) && left > whole)
                }
                try database.expireLeases()
            }
            #expect(try await agent.claimOne().kindName == "cancel")
            let failed = try await engine.history(deployment).deployment
            #expect(failed.state == .failed)
            #expect(failed.failure?.reason == "JOB_REFUSED")
            #expect(failed.message.contains("WRONG_SERVER"))
        }
    }

    @Test("a teardown that is refused is tried again, and says so")
    func teardown() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(service)
            try await agent.refuse(try await agent.claimOne(), "EXPIRED")
            #expect(try await engine.status(service).message.contains("(EXPIRED)"))
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            #expect(try await engine.status(service).state == .deleted)
        }
    }
}
