import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// Jobs that outlive the stream that they came on.
@Suite struct AdoptionTests {
    @Test("a job that its agent still works on goes on over the next stream, as the same attempt")
    func goesOn() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            var agent = try WorkingAgent(engine, 1)
            let (_, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            // More often than a deployment may be lost.
            for stream in 2...14 {
                #expect(try await agent.tell(job, .starting, "over stream \(stream - 1)"))
                let old = agent
                agent = try WorkingAgent(engine, UInt8(stream))
                #expect(try await agent.adopt([job]) == [job.reference])
                #expect(try await agent.claim().isEmpty)
                #expect(try await agent.renew([job]).isEmpty)
                #expect(try await !old.tell(job, .verifying))
            }
            #expect(try await agent.tell(job, .succeeded, outcome: .sample))
            let history = try await engine.history(deployment)
            #expect(history.deployment.state == .running)
            #expect(history.deployment.attempt == 1)
        }
    }

    @Test("what an agent does not name is claimed anew, and what was claimed anew is not adopted")
    func claimedAnew() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let old = try WorkingAgent(engine, 1)
            _ = try await engine.create()
            let first = try await old.claimOne()
            let restarted = try WorkingAgent(engine, 2)
            #expect(try await restarted.adopt([]).isEmpty)
            let second = try await restarted.claimOne()
            let third = try WorkingAgent(engine, 3)
            #expect(try await third.adopt([first]).isEmpty)
            #expect(try await third.adopt([first, second]) == [second.reference])
            // An old stream takes nothing back.
            #expect(try await restarted.adopt([second]).isEmpty)
            #expect(try await third.tell(second, .succeeded, outcome: .sample))
            #expect(try await third.adopt([second]).isEmpty)
        }
    }

    @Test("an order to cancel that was lost with a stream is given again on the next")
    func cancelled() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let old = try WorkingAgent(engine, 1)
            let (_, deployment) = try await engine.create()
            let job = try await old.claimOne()
            _ = try await engine.cancel(deployment)
            #expect(try await old.claimOne().kind == .cancel)
            #expect(try await old.claim().isEmpty)
            let new = try WorkingAgent(engine, 2)
            #expect(try await new.adopt([job]) == [job.reference])
            let cancel = try await new.claimOne()
            #expect(cancel.kind == .cancel)
            #expect(cancel.reference == job.reference)
            #expect(try await new.tell(job, .cancelled))
            #expect(try await engine.state(deployment) == .cancelled)
        }
    }

    @Test("other jobs go on too, and nothing of another server is adopted")
    func otherJobs() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let old = try WorkingAgent(engine, 1)
            let (service, _) = try await engine.createRunning("main", old)
            _ = try await engine.delete(service)
            let teardown = try await old.claimOne()
            let foreign = database.tenancy.foreign.serverID
            let session = AgentSessionID(bytes: [UInt8](repeating: 9, count: 16))
            try database.beginSession(session, of: foreign)
            let taken = try await engine.modules.deployments.adopt(
                server: foreign, session: session, jobs: [teardown.reference])
            #expect(taken.isEmpty)
            let new = try WorkingAgent(engine, 2)
            #expect(try await new.adopt([teardown]) == [teardown.reference])
            #expect(try await new.claim().isEmpty)
            #expect(try await new.tell(teardown, .succeeded))
            #expect(try await engine.status(service).state == .deleted)
        }
    }
}
