import BerthMessages
import Cryptography
import Domain
import Logging
import Messages
import RPC
import StandardMessages
import TestSupport
import Testing

@testable import Agents

/// What an agent's reports do, and which are refused.
@Suite struct AgentReportTests {
    @Test("progress is recorded as it was told")
    func progress() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let job = AgentJob.sample(1, token: 3)
            try agent.report(job, .pulling)
            var message = FakeAgent.progress(job, .failed)
            message.failureReason = "IMAGE_NOT_FOUND"
            message.failureHint = "push it"
            message.outcome = .with {
                $0.pinnedImage = "sha256:ab"
                $0.volumeName = "v"
                $0.initialized = true
                $0.systemIdentifier = "77"
            }
            try agent.report(.jobProgress(message))
            try await agent.heartbeat()
            #expect(
                scene.jobs.progress == [
                    JobProgress(
                        reference: job.reference, serviceID: job.serviceID, state: .pulling,
                        message: "as told"),
                    JobProgress(
                        reference: job.reference, serviceID: job.serviceID, state: .failed,
                        message: "as told",
                        failure: JobFailure(reason: "IMAGE_NOT_FOUND", hint: "push it"),
                        outcome: JobOutcome(
                            pinnedImage: "sha256:ab", volumeName: "v", initialized: true,
                            systemIdentifier: "77")),
                ])
        }
    }

    @Test("an inventory is observed as it was told")
    func inventory() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            try agent.report(
                .inventory(
                    .with {
                        $0.containers = [
                            .with {
                                $0.serviceID = ServiceID(high: 1, low: 1).description
                                $0.deploymentID = DeploymentID(high: 1, low: 2).description
                                $0.fencingToken = 4
                                $0.state = .exited
                                $0.message = "exited with code 137"
                                $0.restartCount = 2
                            }
                        ]
                        $0.orphans = ["berth-old"]
                        $0.surveyAge = .with {
                            $0.seconds = 7
                            $0.nanos = 500_000_000
                        }
                    }))
            try agent.report(
                .inventory(.with { $0.surveyAge = .with { $0.seconds = -7 } }))
            try await agent.heartbeat()
            #expect(scene.jobs.surveyAges == [.milliseconds(7500), .zero])
            #expect(
                scene.jobs.observed == [
                    [
                        ObservedContainer(
                            serviceID: ServiceID(high: 1, low: 1),
                            deploymentID: DeploymentID(high: 1, low: 2), fencingToken: 4,
                            state: .exited, message: "exited with code 137", restartCount: 2)
                    ], [],
                ])
        }
    }

    @Test(
        "of an orphan is warned once while it is there, unless it is known; also after a new stream"
    )
    func orphans() async throws {
        try await AgentScene.play { scene in
            scene.jobs.known = ["berth-data-kept"]
            let agent = try await scene.connectedAgent()
            func tell(_ agent: FakeAgent, _ orphans: [String]) async throws {
                try agent.report(.inventory(.with { $0.orphans = orphans }))
                try await agent.heartbeat()
            }
            for _ in 0..<2 { try await tell(agent, ["berth-old", "berth-data-kept"]) }
            try await tell(agent, ["berth-old", "berth-new\n", "berth-data-kept"])
            let again = try scene.again(agent)
            try await again.connect()
            try await tell(again, ["berth-old"])
            try await tell(again, [])
            try await tell(again, ["berth-old"])
            let warnings = scene.log.lines(.warning).filter { $0.contains("orphan") }
            let names = ["berth-old", "berth-new", "berth-old"]
            #expect(warnings.count == names.count, "\(warnings)")
            for (line, name) in zip(warnings, names) {
                #expect(line.contains("orphan=\"\(name)"), "\(line)")
                #expect(line.contains("server_id=\(scene.serverID)"))
                #expect(line.contains("server_name=\"home\""))
                #expect(!line.contains("\n"))
            }
            // Looked into when they changed, and by each stream once.
            #expect(
                scene.jobs.asked == [
                    ["berth-old", "berth-data-kept"],
                    ["berth-old", "berth-new\n", "berth-data-kept"], ["berth-old"], [],
                    ["berth-old"],
                ])
        }
    }

    @Test(
        "orphans are shown with their server, whatever else of ours is there, and go when they do")
    func shownOrphans() async throws {
        try await AgentScene.play { scene in
            // More than are shown, and as many as an agent names, before the ones nobody knows.
            let kept = (1...2000).map { "berth-data-kept-\($0)" }
            scene.jobs.known = Set(kept)
            let agent = try await scene.connectedAgent()
            let network = "berth-env-\(EnvironmentID(high: 1, low: 1))"
            try agent.report(
                .inventory(
                    .with {
                        $0.volumes = (kept + ["berth-data-lost"]).map { name in
                            .with { $0.name = name }
                        }
                        $0.orphans = kept + ["berth-data-lost", "berth-main-1", network]
                    }))
            try await agent.heartbeat()
            let server = try await scene.server()
            #expect(server.agent?.orphanCount == 3)
            #expect(
                server.orphans == [
                    ServerOrphan(kind: .volume, name: "berth-data-lost"),
                    ServerOrphan(kind: .container, name: "berth-main-1"),
                    ServerOrphan(kind: .network, name: network),
                ])
            try agent.report(
                .inventory(.with { $0.orphans = (1...200).map { "berth-old-\($0)" } }))
            try await agent.heartbeat()
            #expect(try await scene.server().agent?.orphanCount == 200)
            #expect(
                try await scene.server().orphans.map(\.name) == (1...32).map { "berth-old-\($0)" })
            try agent.report(.inventory(AgentV1.Inventory()))
            try await agent.heartbeat()
            #expect(try await scene.server().agent?.orphanCount == 0)
            #expect(try await scene.server().orphans.isEmpty)
        }
    }

    /// What can be wrong with a report.
    enum Fault: String, CaseIterable, Sendable {
        case tampered = "BAD_SIGNATURE"
        case strangersKey = "BAD_SIGNATURE of another key"
        case signedAsJob = "BAD_SIGNATURE of a job"
        case unsigned = "BAD_SIGNATURE missing"
        case replayed = "REPLAYED"
        case skipped = "OUT_OF_ORDER"
        case otherStream = "WRONG_SESSION"
        case otherServer = "WRONG_SERVER"
        case tooOld = "WRONG_TIME"
        case early = "WRONG_TIME of the future"
        case noTime = "MALFORMED without a time"
        case noKind = "MALFORMED without a kind"
        case noMessage = "MALFORMED"
        case badID = "MALFORMED id"
        case badState = "MALFORMED state"
        case tooLarge = "TOO_LARGE"

        var reason: String { String(rawValue.prefix { $0 != " " }) }

        /// The report, signed by the agent unless that is what is wrong.
        func envelope(of agent: FakeAgent) throws -> AgentV1.SignedEnvelope {
            let progress = FakeAgent.progress(AgentJob.sample(1), .pulling)
            let good = AgentV1.Report.Kind.jobProgress(progress)
            let now = SystemWallClock().now()
            switch self {
            case .tampered:
                var envelope = try agent.signed(good)
                envelope.payload[envelope.payload.count - 1] ^= 1
                return envelope
            case .strangersKey:
                var envelope = try agent.signed(good)
                envelope.signature = try FakeAgent.strangersSignature(envelope.payload)
                return envelope
            case .signedAsJob:
                var envelope = try agent.signed(good)
                envelope.signature = try agent.key.sign(
                    Array("berth.agent.v1.Job\0".utf8) + envelope.payload)
                return envelope
            case .unsigned:
                var envelope = try agent.signed(good)
                envelope.signature = []
                return envelope
            case .replayed:
                let envelope = try agent.signed(good)
                try agent.send(envelope)
                return envelope
            case .skipped: return try agent.signed(good) { $0.sequence += 1 }
            case .otherStream: return try agent.signed(good) { $0.sessionID[0] ^= 1 }
            case .otherServer:
                return try agent.signed(good) {
                    $0.serverID = ServerID(high: 1, low: 1).description
                }
            case .tooOld:
                return try agent.signed(good) {
                    $0.issueTime = GoogleProtobuf.Timestamp(now.advanced(by: .seconds(-310)))
                }
            case .early:
                return try agent.signed(good) {
                    $0.issueTime = GoogleProtobuf.Timestamp(now.advanced(by: .seconds(310)))
                }
            case .noTime: return try agent.signed(good) { $0.issueTime = nil }
            case .noKind: return try agent.signed(good) { $0.kind = nil }
            case .noMessage: return try agent.sign([0xFF, 0xFF, 0xFF])
            case .badID:
                return try agent.signed(.jobProgress(.with { $0.serviceID = "x" }))
            case .badState:
                var unknown = progress
                unknown.state = .unrecognized(99)
                return try agent.signed(.jobProgress(unknown))
            case .tooLarge:
                var large = progress
                large.message = String(repeating: "x", count: 300 * 1024)
                return try agent.signed(.jobProgress(large))
            }
        }
    }

    @Test("a report that is not genuine, new and in order is refused, audited, and ends the stream")
    func refused() async throws {
        try await AgentScene.play({ $0.refusalsAuditedPerMinuteMax = 100 }) { scene in
            let first = try await scene.agent()
            var counted = 0
            for fault in Fault.allCases {
                let agent = try scene.again(first)
                try await agent.connect()
                try agent.report(AgentJob.sample(9), .accepted)
                try agent.send(try fault.envelope(of: agent))
                try await agent.live().ended()
                #expect(try agent.live().status == .permissionDenied, "\(fault)")
                counted += fault == .replayed ? 2 : 1
                #expect(scene.jobs.progress.count == counted, "\(fault)")
            }
            #expect(
                try scene.audited("agent.report_refused") == Fault.allCases.map(\.reason))
            try await scene.eventually { try await scene.server().agent?.isOnline == false }
            let told = try await scene.server().agent
            #expect(told?.refusal?.text == "report: TOO_LARGE")
            #expect(told?.streamEnd?.text == "a report was refused: TOO_LARGE")
        }
    }

    @Test("a report of a job that was lost is audited and changes nothing; the stream lives")
    func staleToken() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            scene.jobs.recordsProgress = false
            let job = AgentJob.sample(1, token: 3)
            try agent.report(job, .succeeded)
            try await agent.heartbeat()
            #expect(
                try scene.audited("agent.report_refused")
                    == ["job \(job.reference.jobID) token 3: STALE_TOKEN"])
            #expect(try !agent.live().isClosed)
        }
    }

    @Test("a job that the agent would not do is audited, and gives its place to another")
    func jobRefusal() async throws {
        try await AgentScene.play({ $0.jobsRunningMax = 1 }) { scene in
            scene.jobs.waiting = [.sample(1, token: 2), .sample(2)]
            let agent = try await scene.connectedAgent()
            _ = try await agent.job()
            try agent.report(
                .jobRefusal(
                    .with {
                        $0.reference = FakeAgent.reference(AgentJob.sample(1, token: 2).reference)
                        $0.reason = "EXPIRED; drop table"
                    }))
            #expect(AgentJobTests.number(try await agent.job()) == 2)
            try agent.report(.jobRefusal(.with { $0.reason = "MALFORMED" }))
            try await agent.heartbeat()
            let id = AgentJob.sample(1).reference.jobID
            #expect(
                try scene.audited("agent.refuse_job")
                    == ["job \(id) token 2: EXPIRED", "unknown job: MALFORMED"])
            #expect(scene.jobs.refusals == ["\(id) 2 EXPIRED"])
            #expect(try await scene.server().agent?.refusal?.text == "job: MALFORMED")
        }
    }

    @Test("a job that the agent has already keeps its lease and its place")
    func replayedJob() async throws {
        try await AgentScene.play({ $0.jobsRunningMax = 1 }) { scene in
            scene.jobs.waiting = [.sample(1), .sample(2)]
            let agent = try await scene.connectedAgent()
            _ = try await agent.job()
            try agent.report(
                .jobRefusal(
                    .with {
                        $0.reference = FakeAgent.reference(AgentJob.sample(1).reference)
                        $0.reason = "REPLAYED"
                    }))
            try await agent.heartbeat([AgentJob.sample(1).reference])
            #expect(scene.jobs.refusals.isEmpty)
            #expect(scene.jobs.waiting.count == 1)
        }
    }

    @Test("refusals are audited so many a minute and not more")
    func bounded() async throws {
        try await AgentScene.play({ $0.refusalsAuditedPerMinuteMax = 3 }) { scene in
            let agent = try await scene.connectedAgent()
            for _ in 0..<8 { try agent.report(.jobRefusal(.with { $0.reason = "EXPIRED" })) }
            try await agent.heartbeat()
            let again = try scene.again(agent)
            try await again.connect()
            try again.report(.jobRefusal(.with { $0.reason = "EXPIRED" }))
            try await again.heartbeat()
            #expect(try scene.audited("agent.refuse_job").count == 3)
        }
    }

    @Test("texts of a report are cut, and its numbers are not negative")
    func cut() throws {
        var facts = FakeAgent.host
        facts.hostname = String(repeating: "ä", count: 300)
        facts.processors = -1
        facts.diskTotalBytes = .min
        let host = HostFacts(facts)
        #expect(host.hostname == String(repeating: "ä", count: 128))
        #expect(host.processors == 0)
        #expect(host.diskTotalBytes == 0)
    }
}

extension FakeAgent {
    /// A report's signature by a key that is nobody's.
    static func strangersSignature(_ payload: [UInt8]) throws -> [UInt8] {
        try SigningKey.generate().sign(Array("berth.agent.v1.Report\0".utf8) + payload)
    }
}
