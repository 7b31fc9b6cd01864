import Deployments
import Domain
import PostgresClient
import Services
import Testing

/// What becomes of a service that was deleted: its containers, its data, and the way back.
@Suite struct DeletedServiceTests {
    @Test("a deleted service is torn down on the agent's proof; taken back, it has its data again")
    func thereAndBack() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            let deleted = try await engine.delete(service)
            #expect(deleted.state == .deleting)
            let kept = try #require(deleted.service.purgeAt)
            let deletedAt = try #require(deleted.service.deletedAt)
            #expect(kept == deletedAt.advanced(by: .seconds(7 * 24 * 60 * 60)))
            #expect(try await engine.status(service).state == .deleting)
            #expect(try await engine.modules.deployments.desired(server: engine.serverID).isEmpty)

            let job = try await agent.claimOne()
            #expect(job.kindName == "teardown")
            #expect(job.reference.fencingToken == 2)
            #expect(try await agent.tell(job, .accepted))
            #expect(try await agent.tell(job, .succeeded))
            #expect(try await engine.status(service).state == .deleted)
            #expect(try await engine.state(first) == .superseded)
            #expect(try await agent.claim().isEmpty)

            let back = try await engine.undelete(service)
            #expect(back.status.state == .queued)
            #expect(back.status.service.purgeAt == nil)
            guard case .deploy(let order) = try await agent.claimOne().kind else {
                Issue.record("no deploy order")
                return
            }
            #expect(order.deploymentID == back.deploymentID)
            #expect(order.volume.initialized)
            #expect(order.volume.systemIdentifier == JobOutcome.sample.systemIdentifier)
            let actions = try database.run("SELECT action FROM audit_events ORDER BY id")
            #expect(actions == "service.create_database\nservice.delete\nservice.undelete")
        }
    }

    @Test("taken back before an agent came, nothing is torn down")
    func takenBackInTime() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, first) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(service)
            let back = try await engine.undelete(service)
            #expect(back.status.state == .deploying)
            let job = try await agent.claimOne()
            #expect(job.kindName == "deploy")
            #expect(try await agent.tell(job, .succeeded, outcome: .sample))
            #expect(try await engine.state(first) == .superseded)
            #expect(try await engine.status(service).state == .running)
            #expect(try database.count("service_jobs") == 0)
        }
    }

    @Test("taken back while an agent tears down, it is deployed when that is done")
    func takenBackMidway() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(service)
            let teardown = try await agent.claimOne()
            let back = try await engine.undelete(service)
            #expect(try await agent.claim().isEmpty)
            #expect(try await agent.tell(teardown, .succeeded))
            let status = try await engine.status(service)
            #expect(status.state == .queued)
            #expect(status.service.tornDownAt == nil)
            let job = try await agent.claimOne()
            #expect(job.reference.jobID.description == back.deploymentID?.description)
        }
    }

    @Test("a deletion calls off what an agent works on; the teardown waits for it")
    func atWork() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            #expect(try await engine.delete(service).state == .deleting)
            #expect(try await agent.claim().map(\.kindName) == ["cancel"])
            #expect(try await agent.tell(job, .cancelled))
            #expect(try await engine.state(deployment) == .cancelled)
            #expect(try await agent.claimOne().kindName == "teardown")
        }
    }

    @Test("when the agent that worked on it is lost, the teardown takes its place")
    func lostAtWork() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, deployment) = try await engine.create()
            let job = try await agent.claimOne()
            _ = try await engine.delete(service)
            try database.expireLeases()
            let teardown = try await agent.claimOne()
            #expect(teardown.kindName == "teardown")
            #expect(teardown.reference.fencingToken > job.reference.fencingToken)
            #expect(try await engine.state(deployment) == .cancelled)
            #expect(try await !agent.tell(job, .succeeded, outcome: .sample))
            #expect(try await agent.tell(teardown, .succeeded))
            #expect(try await engine.status(service).state == .deleted)
        }
    }

    @Test("a teardown that fails is tried again, after a pause that grows")
    func triedAgain() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(service)
            for pause in [5, 10, 20] {
                let job = try await agent.claimOne()
                let before = try database.run("SELECT now()")
                #expect(try await agent.tell(job, .failed, "the engine does not answer"))
                let isSo = try database.run(
                    """
                    SELECT wake_at - interval '\(pause) s' BETWEEN '\(before)' AND now()
                    FROM service_jobs
                    """)
                #expect(isSo == "t", "\(pause) s")
                // Longer, so that it is not over before this test has looked.
                try database.run("UPDATE service_jobs SET wake_at = wake_at + interval '60 s'")
                let work = try await agent.claimWork()
                #expect(work.jobs.isEmpty)
                let left = try #require(work.pauseLeft)
                let whole = Duration.seconds(pause)
                #expect(left <= whole + .seconds(60) && left > whole)
                try database.run("UPDATE service_jobs SET wake_at = now()")
            }
            // What may be claimed is in no pause.
            #expect(try await agent.claimWork(0).pauseLeft == nil)
            #expect(try await engine.status(service).state == .deleting)
        }
    }

    @Test("what waits behind teardowns in their pause takes nobody's turn")
    func pausedTeardowns() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            var services: [ServiceID] = []
            for number in 0..<4 {
                services.append(try await engine.createRunning("s\(number)", agent).0)
            }
            for service in services { _ = try await engine.delete(service) }
            let teardowns = try await agent.claim()
            #expect(teardowns.map(\.kindName) == [String](repeating: "teardown", count: 4))
            // Taken back while they are at work: each has a deployment behind its teardown.
            for service in services { _ = try await engine.undelete(service) }
            for job in teardowns { #expect(try await agent.tell(job, .failed, "no answer")) }
            // However long this test takes.
            try database.run("UPDATE service_jobs SET wake_at = wake_at + interval '1 hour'")
            let (other, _) = try await engine.create("other")
            let job = try await agent.claimOne()
            #expect(job.serviceID == other)
            #expect(try await agent.tell(job, .succeeded, outcome: .sample))
            try database.run("UPDATE service_jobs SET wake_at = now()")
            let again = try await agent.claim()
            #expect(Set(again.map(\.serviceID)) == Set(services))
            for job in again { #expect(try await agent.tell(job, .succeeded)) }
            #expect(try await agent.claim().map(\.kindName).allSatisfy { $0 == "deploy" })
        }
    }

    @Test("what hinders the removal of its container or its data is told until it is done")
    func hindered() async throws {
        try await withDatabase { database, pool in
            let feed = SteppedFeed()
            let engine = try Engine(database, pool, changes: feed)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            let password = try await engine.modules.services.revealConnection(
                id: service.description, caller: engine.caller
            ).password.revealed
            feed.steps = [
                { _ = try await engine.delete(service) },
                {
                    let job = try await agent.claimOne()
                    #expect(try await agent.tell(job, .failed, "no answer,\n\(password)"))
                },
            ]
            var told: [String] = []
            await #expect(throws: CancellationError.self) {
                try await engine.modules.services.watchServices(
                    environmentID: database.tenancy.home.environmentID.description,
                    caller: engine.caller
                ) { told += $0.map { "\($0.state): \($0.message)" } }
            }
            let hindered =
                "its container could not be removed, and will be tried again: no answer, [redacted]"
            #expect(told == ["running: ", "deleting: ", "deleting: \(hindered)"])
            // While it is tried again, too.
            try database.run("UPDATE service_jobs SET wake_at = now()")
            let job = try await agent.claimOne()
            #expect(try await engine.status(service).message == hindered)
            #expect(try await agent.tell(job, .succeeded))
            #expect(try await engine.status(service).message == "")

            try database.run("UPDATE services SET purge_at = now()")
            #expect(try await engine.modules.services.sweepPurges() == 1)
            #expect(try await agent.tell(try await agent.claimOne(), .failed, "in use"))
            var status = try await engine.status(service)
            #expect(status.state == .deleted)
            #expect(
                status.message == "its data could not be removed, and will be tried again: in use")
            try database.run("UPDATE service_jobs SET wake_at = now()")
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            status = try await engine.status(service)
            #expect(status.state == .purged)
            #expect(status.message == "")
        }
    }

    @Test("when its time is over the data goes, on the agent's proof, and the secrets with it")
    func purged() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            let (untouched, _) = try await engine.create("untouched")
            _ = try await engine.delete(service)
            #expect(try await engine.delete(untouched).state == .deleted)
            let services = engine.modules.services
            #expect(try await services.sweepPurges() == 0)
            try database.run("UPDATE services SET purge_at = now()")
            // That on which no agent ever worked; the other is not torn down.
            #expect(try await services.sweepPurges() == 1)
            #expect(try await engine.status(untouched).state == .purged)
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            #expect(try await services.sweepPurges() == 1)
            #expect(try await services.sweepPurges() == 0)
            #expect(try await engine.status(service).state == .deleted)

            let job = try await agent.claimOne()
            #expect(
                job.kind
                    == .purge(
                        volumeName: "berth-data-\(service)",
                        environmentID: database.tenancy.home.environmentID))
            #expect(try await agent.tell(job, .succeeded))
            #expect(try await engine.status(service).state == .purged)
            let kinds = try database.run("SELECT DISTINCT kind FROM config_entries")
            #expect(kinds == "variable")
            for id in [service, untouched] {
                let refused = try await problem { _ = try await engine.undelete(id) }
                #expect(refused.kind == .failedPrecondition)
            }
            #expect(try await agent.claim().isEmpty)
        }
    }

    @Test("a purge that no agent has begun is dropped when the service is taken back, else not")
    func purgeAndUndelete() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            for isBegun in [false, true] {
                _ = try await engine.delete(service)
                #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
                try database.run("UPDATE services SET purge_at = now()")
                #expect(try await engine.modules.services.sweepPurges() == 1)
                if isBegun {
                    #expect(try await agent.claimOne().kindName == "purge")
                    let refused = try await problem { _ = try await engine.undelete(service) }
                    #expect(refused.kind == .failedPrecondition)
                    #expect(refused.message.contains("has begun"))
                } else {
                    _ = try await engine.undelete(service)
                    let job = try await agent.claimOne()
                    #expect(job.kindName == "deploy")
                    #expect(try await agent.tell(job, .succeeded, outcome: .sample))
                }
            }
            #expect(try await engine.status(service).state == .deleted)
        }
    }

    @Test("a purge that failed may have taken the data: nothing is taken back; it is tried again")
    func failedPurgeAndUndelete() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            let agent = try WorkingAgent(engine)
            let (service, _) = try await engine.createRunning("main", agent)
            _ = try await engine.delete(service)
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            try database.run("UPDATE services SET purge_at = now()")
            #expect(try await engine.modules.services.sweepPurges() == 1)
            for end in [JobProgress.State.failed, .cancelled] {
                #expect(try await agent.tell(try await agent.claimOne(), end))
                let refused = try await problem { _ = try await engine.undelete(service) }
                #expect(refused.kind == .failedPrecondition)
                try database.run("UPDATE service_jobs SET wake_at = now()")
            }
            try await agent.refuse(try await agent.claimOne(), "CLOCK_OFF")
            let refused = try await problem { _ = try await engine.undelete(service) }
            #expect(refused.kind == .failedPrecondition)
            try database.run("UPDATE service_jobs SET wake_at = now()")
            #expect(try await agent.tell(try await agent.claimOne(), .succeeded))
            #expect(try await engine.status(service).state == .purged)
        }
    }

    @Test("what is not deleted, unknown, or whose name or place is taken, is not taken back")
    func refusals() async throws {
        try await withDatabase { database, pool in
            let services = try Modules(pool, quotas: QuotaTests.quotas(services: 2)).services
            let caller = try database.tenancy[.member].caller()
            func create(_ name: String) async throws -> String {
                try await services.createDatabase(
                    .sample(database.tenancy, name: name), caller: caller
                ).status.service.id.description
            }
            func refusal(_ id: String) async throws -> Problem.Kind {
                try await problem {
                    _ = try await services.undeleteService(id: id, caller: caller)
                }.kind
            }
            let first = try await create("main")
            #expect(try await refusal(first) == .failedPrecondition)
            #expect(try await refusal(ServiceID(high: 1, low: 1).description) == .notFound)
            #expect(try await refusal("main") == .invalidArgument)
            _ = try await services.deleteService(id: first, caller: caller)
            _ = try await create("main")
            let before = try database.rowsByTable()
            #expect(try await refusal(first) == .alreadyExists)
            _ = try await create("other")
            #expect(try await refusal(first) == .resourceExhausted)
            #expect(try database.rowsByTable()["service_jobs"] == before["service_jobs"])
            #expect(try await services.getService(id: first, caller: caller).state == .deleted)
        }
    }

    @Test("a service that was never deployed comes back as it was")
    func neverDeployed() async throws {
        try await withDatabase { database, pool in
            let engine = try Engine(database, pool)
            var request = CreateDatabaseRequest.sample(database.tenancy)
            request.deployNow = false
            let service = try await engine.modules.services.createDatabase(
                request, caller: engine.caller
            ).status.service.id
            #expect(try await engine.delete(service).state == .deleted)
            let back = try await engine.undelete(service)
            #expect(back.deploymentID == nil)
            #expect(back.status.state == .notDeployed)
        }
    }
}
