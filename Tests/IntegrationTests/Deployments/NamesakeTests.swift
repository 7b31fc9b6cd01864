import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// Two services never answer to one name on a network: a deleted one keeps its name there until its
/// containers are proven gone.
@Suite struct NamesakeTests {
    @Test("a service of a deleted one's name is deployed once the other's teardown is proven")
    func waits() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (old, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(old)
            let (new, deployment) = try await engine.create("main")
            let (other, _) = try await engine.create("other")

            // Whatever the agent has room for, and again when it asks again.
            let jobs = try await agent.claim(4) + agent.claim(4)
            #expect(
                Set(jobs.map { "\($0.kindName) \($0.serviceID)" })
                    == ["teardown \(old)", "deploy \(other)"])
            let waiting = try await engine.status(new)
            #expect(waiting.state == .queued)
            #expect(waiting.message.contains("the deleted service of this name"))
            let teardown = try #require(jobs.first { $0.serviceID == old })
            // One that failed proves nothing.
            #expect(try await agent.tell(teardown, .failed, "docker is away"))
            try database.run("UPDATE service_jobs SET wake_at = wake_at + interval '1 hour'")
            #expect(try await agent.claim().isEmpty)
            try database.run("UPDATE service_jobs SET wake_at = now()")
            let again = try await agent.claimOne()
            #expect(again.kindName == "teardown")

            #expect(try await agent.tell(again, .succeeded))
            #expect(try await engine.status(new).message == "")
            let job = try await agent.claimOne()
            #expect(job.serviceID == new)
            #expect(try await agent.tell(job, .succeeded, outcome: .sample))
            #expect(try await engine.state(deployment) == .running)
        }
    }

    @Test("neither a newer deployment nor other work of the service gets it past")
    func otherWork() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (old, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(old)
            let teardown = try await agent.claimOne()
            let (new, first) = try await engine.create("main")
            #expect(try await agent.claim().isEmpty)
            // Work of another kind makes the service one to look at.
            try database.run(
                """
                INSERT INTO service_jobs (id, service_id, environment_id, server_id, kind, wake_at,
                    created_at)
                SELECT id, service_id, environment_id, server_id, 'undo', now(), now()
                FROM deployments WHERE id = '\(first)'
                """)
            _ = try await engine.redeploy(new)
            let undo = try await agent.claimOne()
            #expect(undo.kind == .cancel)
            #expect(try await agent.tell(undo, .cancelled))
            #expect(try await agent.claim().isEmpty)
            #expect(try await agent.tell(teardown, .succeeded))
            #expect(try await agent.claimOne().serviceID == new)
        }
    }

    @Test(
        "the deleted one cannot come back while its name is taken, and waits in its turn afterwards"
    )
    func undelete() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (old, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(old)
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            let (new, _) = try await engine.createRunning("main", agent)
            let refused = try await problem { _ = try await engine.undelete(old) }
            #expect(refused.kind == .alreadyExists)
            _ = try await engine.delete(new)
            let deployment = try #require(try await engine.undelete(old).deploymentID)
            let teardown = try await agent.claimOne()
            #expect(teardown.serviceID == new)
            #expect(try await engine.state(deployment) == .queued)
            #expect(try await agent.tell(teardown, .succeeded))
            #expect(try await agent.claimOne().serviceID == old)
        }
    }

    @Test("a name in another environment is another name")
    func otherEnvironment() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (old, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(old)
            let elsewhere = try await engine.modules.services.createDatabase(
                CreateDatabaseRequest(
                    environmentID: database.tenancy.secondEnvironmentID.description, name: "main",
                    templateID: "postgres", serverID: engine.serverID.description,
                    deployNow: true), caller: engine.caller
            ).status.service.id
            #expect(Set(try await agent.claim().map(\.serviceID)) == [old, elsewhere])
        }
    }
}
