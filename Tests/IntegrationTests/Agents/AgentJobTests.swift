import BerthMessages
import Cryptography
import Domain
import EventLoops
import Messages
import PostgresClient
import RPC
import SQL
import StandardMessages
import Testing

@testable import Agents

/// How work reaches an agent.
@Suite struct AgentJobTests {
    static func number(_ job: AgentV1.Job) -> UInt64? { ServiceID(job.serviceID)?.low }

    @Test("work that waits is sent at once, at most four at a time, and more as jobs end")
    func four() async throws {
        try await AgentScene.play { scene in
            scene.jobs.waiting = (1...6).map { AgentJob.sample($0) }
            let agent = try await scene.connectedAgent()
            var got: [UInt64?] = []
            for _ in 0..<4 { got.append(Self.number(try await agent.job())) }
            #expect(got == [1, 2, 3, 4])
            try agent.report(AgentJob.sample(2), .verifying)
            try await agent.heartbeat((1...4).map { AgentJob.sample($0).reference })
            #expect(try !agent.live().hasMessage)
            #expect(scene.jobs.waiting.count == 2)
            for (number, state) in [(2, AgentV1.JobState.succeeded), (3, .failed)] {
                try agent.report(AgentJob.sample(UInt64(number)), state)
                got.append(Self.number(try await agent.job()))
            }
            #expect(got == [1, 2, 3, 4, 5, 6])
            #expect(scene.jobs.limits.allSatisfy { $0 <= 4 })
            #expect(
                Set(scene.jobs.sessions) == [AgentSessionID(bytes: agent.sessionID)])
        }
    }

    @Test("a job names server, stream, time and a nonce of its own, and only the pinned key signs")
    func envelope() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            scene.jobs.waiting = [.sample(1, token: 7), .sample(2)]
            try await scene.notifyWork()
            let envelope = try await agent.envelope()
            #expect(try agent.isGenuine(envelope))
            let job: AgentV1.Job = try Wire.decode(from: envelope.payload)
            #expect(job.serverID == scene.serverID.description)
            #expect(job.sessionID == agent.sessionID)
            #expect(job.reference == FakeAgent.reference(AgentJob.sample(1, token: 7).reference))
            let issued = try #require(job.issueTime.flatMap { Timestamp($0) })
            let expires = try #require(job.expireTime.flatMap { Timestamp($0) })
            #expect(expires == issued.advanced(by: .seconds(300)))
            #expect(job.nonce.count == 16)
            #expect(try await agent.job().nonce != job.nonce)
            for index in envelope.payload.indices {
                var tampered = envelope
                tampered.payload[index] ^= 1
                #expect(try !agent.isGenuine(tampered), "byte \(index)")
            }
            let asReport = Array("berth.agent.v1.Report\0".utf8) + envelope.payload
            #expect(try agent.pinned?.isValid(envelope.signature, of: asReport) == false)
        }
    }

    @Test("a notice of work brings the job within 100 ms, on another server's commit too")
    func notice() async throws {
        let tries: UInt64 = 50
        try await AgentScene.play({ $0.jobsRunningMax = Int(tries) }) { scene in
            let agent = try await scene.connectedAgent()
            try await scene.eventually { !scene.jobs.limits.isEmpty }
            var took: [Duration] = []
            // One of them meets a machine that has time for it.
            for number in 1...tries where took.allSatisfy({ $0 >= .milliseconds(100) }) {
                // What follows the last claim is over.
                try await scene.reactor.sleep(for: .milliseconds(50))
                scene.jobs.waiting = [.sample(number)]
                let began = Instant.now()
                try await scene.notifyWork(by: scene.second)
                #expect(Self.number(try await agent.job()) == number)
                took.append(began.duration(to: .now()))
            }
            #expect(took.contains { $0 < .milliseconds(100) }, "\(took)")
            // Without notices each would wait for the fallback.
            #expect(took.allSatisfy { $0 < .seconds(20) }, "\(took)")
        }
    }

    @Test("without notices work is found by the fallback")
    func fallback() async throws {
        try await AgentScene.play(interval: .milliseconds(30), listens: false) { scene in
            let agent = try await scene.connectedAgent()
            try await scene.eventually { !scene.jobs.limits.isEmpty }
            scene.jobs.waiting = [.sample(1)]
            #expect(Self.number(try await agent.job()) == 1)
        }
    }

    @Test("a job in its pause is asked for when that is over, without a notice")
    func pause() async throws {
        try await AgentScene.play { scene in
            scene.jobs.waiting = [.sample(1)]
            let agent = try await scene.connectedAgent()
            _ = try await agent.job()
            // It fails, is in its pause, and may be claimed once that is over.
            scene.jobs.pauseLeft = .milliseconds(200)
            let claims = scene.jobs.limits.count
            try agent.report(.sample(1), .failed)
            try await scene.eventually { scene.jobs.limits.count > claims }
            scene.jobs.waiting = [.sample(2)]
            let began = Instant.now()
            #expect(Self.number(try await agent.job()) == 2)
            // The fallback would take 30 s.
            #expect(began.duration(to: .now()) < .seconds(15))
        }
    }

    @Test("an order to cancel reaches an agent that has its hands full")
    func cancel() async throws {
        try await AgentScene.play { scene in
            scene.jobs.waiting = (1...4).map { AgentJob.sample($0) }
            let agent = try await scene.connectedAgent()
            for _ in 0..<4 { _ = try await agent.job() }
            scene.jobs.cancels = [.sample(3, kind: .cancel)]
            try await scene.notifyWork()
            let job = try await agent.job()
            #expect(job.kind == .cancel(AgentV1.CancelJob()))
            #expect(job.reference == FakeAgent.reference(AgentJob.sample(3).reference))
            #expect(scene.jobs.limits.last == 0)
        }
    }

    @Test("a heartbeat renews the leases of its jobs and names those that are lost")
    func leases() async throws {
        try await AgentScene.play { scene in
            scene.jobs.waiting = (1...2).map { AgentJob.sample($0) }
            let agent = try await scene.connectedAgent()
            for _ in 0..<2 { _ = try await agent.job() }
            let references = (1...2).map { AgentJob.sample($0).reference }
            scene.jobs.lost = [references[1]]
            let ack = try await agent.heartbeat(references)
            #expect(scene.jobs.renewed == [references])
            #expect(ack.lostJobs == [FakeAgent.reference(references[1])])
        }
    }

    @Test("a job that the agent does not know of gives its place to another")
    func unknownToAgent() async throws {
        try await AgentScene.play({ $0.jobsRunningMax = 1 }) { scene in
            scene.jobs.waiting = (1...2).map { AgentJob.sample($0) }
            let agent = try await scene.connectedAgent()
            #expect(Self.number(try await agent.job()) == 1)
            try await agent.heartbeat()
            try await agent.heartbeat()
            #expect(Self.number(try await agent.job()) == 2)
        }
    }

    @Test("a heartbeat that names too many jobs, or no job, ends the stream")
    func badHeartbeats() async throws {
        try await AgentScene.play({ $0.jobsPerHeartbeatMax = 2 }) { scene in
            let agent = try await scene.connectedAgent()
            try agent.sendHeartbeat((1...3).map { AgentJob.sample($0).reference })
            try await agent.live().ended()
            #expect(try agent.live().status == .resourceExhausted)
            let again = try scene.again(agent)
            try await again.connect()
            try again.live().send(
                AgentV1.ConnectRequest.with {
                    $0.kind = .heartbeat(.with { $0.jobs = [.with { $0.jobID = "x" }] })
                })
            try await again.live().ended()
            #expect(try again.live().status == .invalidArgument)
        }
    }

    static let order = DeployOrder(
        environmentID: EnvironmentID(high: 1, low: 1), deploymentID: DeploymentID(high: 1, low: 2),
        slug: "main", image: "postgres:16-alpine", pinnedImage: "sha256:ab", port: 5432,
        environment: [
            ConfigEntryDraft(key: "POSTGRES_DB", value: .variable("app")),
            ConfigEntryDraft(key: "POSTGRES_PASSWORD", value: .secret(SecretText("hush"))),
        ],
        volume: VolumeOrder(
            name: "v", mountPath: "/m", dataPath: "/m/d", initialized: true,
            systemIdentifier: "77"),
        limits: ResourceLimits(
            cpuMillis: 1, memoryBytes: 2, pidsMax: 3, logFileBytesMax: 4, logFilesMax: 5,
            sharedMemoryBytes: 6),
        probe: LoginProbe(databaseName: "app", username: "u", password: SecretText("hush")),
        timeouts: JobTimeouts(pull: .seconds(9), start: .milliseconds(1500), stop: .seconds(3)))

    @Test("every part of a deploy order travels")
    func deploy() async throws {
        try await AgentScene.play { scene in
            scene.jobs.waiting = [.sample(1, kind: .deploy(Self.order))]
            let agent = try await scene.connectedAgent()
            let expected = AgentV1.DeployJob.with {
                $0.environmentID = EnvironmentID(high: 1, low: 1).description
                $0.deploymentID = DeploymentID(high: 1, low: 2).description
                $0.slug = "main"
                $0.image = "postgres:16-alpine"
                $0.pinnedImage = "sha256:ab"
                $0.port = 5432
                $0.environment = [
                    .with {
                        $0.name = "POSTGRES_DB"
                        $0.value = "app"
                    },
                    .with {
                        $0.name = "POSTGRES_PASSWORD"
                        $0.value = "hush"
                        $0.secret = true
                    },
                ]
                $0.volume = .with {
                    $0.name = "v"
                    $0.mountPath = "/m"
                    $0.dataPath = "/m/d"
                    $0.initialized = true
                    $0.systemIdentifier = "77"
                }
                $0.limits = .with {
                    $0.cpuMillis = 1
                    $0.memoryBytes = 2
                    $0.pidsMax = 3
                    $0.logFileBytesMax = 4
                    $0.logFilesMax = 5
                    $0.sharedMemoryBytes = 6
                }
                $0.probe = .with {
                    $0.databaseName = "app"
                    $0.username = "u"
                    $0.password = "hush"
                }
                $0.pullTimeout = .with { $0.seconds = 9 }
                $0.startTimeout = .with {
                    $0.seconds = 1
                    $0.nanos = 500_000_000
                }
                $0.stopTimeout = .with { $0.seconds = 3 }
            }
            #expect(try await agent.job().kind == .deploy(expected))
        }
    }

    @Test("restart, teardown and purge travel")
    func otherKinds() async throws {
        try await AgentScene.play { scene in
            let environmentID = EnvironmentID(high: 1, low: 1)
            scene.jobs.waiting = [
                .sample(
                    1,
                    kind: .restart(
                        RestartOrder(
                            environmentID: environmentID, port: 5432, probe: Self.order.probe,
                            timeouts: Self.order.timeouts, systemIdentifier: "7000"))),
                .sample(
                    2,
                    kind: .teardown(
                        TeardownOrder(
                            environmentID: environmentID, timeouts: Self.order.timeouts))),
                .sample(3, kind: .purge(volumeName: "v", environmentID: environmentID)),
            ]
            let agent = try await scene.connectedAgent()
            guard case .restart(let restart) = try await agent.job().kind else {
                Issue.record("no restart")
                return
            }
            #expect(restart.environmentID == environmentID.description)
            #expect(restart.probe?.password == "hush")
            #expect(restart.port == 5432)
            #expect(restart.systemIdentifier == "7000")
            #expect(restart.stopTimeout == .with { $0.seconds = 3 })
            #expect(
                try await agent.job().kind
                    == .teardown(
                        .with {
                            $0.environmentID = environmentID.description
                            $0.stopTimeout = .with { $0.seconds = 3 }
                        }))
            #expect(
                try await agent.job().kind
                    == .purge(
                        .with {
                            $0.volumeName = "v"
                            $0.environmentID = environmentID.description
                        }))
        }
    }
}

extension AgentScene {
    /// Tells of work for the server as a commit would.
    func notifyWork(by server: AgentServer? = nil) async throws {
        let notice = ChangeNotice(
            hasWork: true, serverID: serverID,
            environmentID: database.tenancy.home.environmentID,
            serviceID: ServiceID(high: 1, low: 1), deploymentID: nil)
        try await (server ?? first).pool.inTransaction { tx in
            tx.notifyAfterCommit(ChangeNotice.channel, notice.payload)
        }
    }
}
