import Agents
import BerthMessages
import Domain
import EventLoops
import Messages
import RPC
import StandardMessages
import Testing

/// How logs get from an agent on one server to a reader on another.
@Suite struct LogRelayTests {
    static let service = ServiceID(high: 5, low: 5)

    /// Begins to read on the second server; the agent is on the first.
    static func begin(
        _ scene: AgentScene, _ agent: FakeAgent, secrets: [SecretText] = [], follow: Bool = true
    ) async throws -> (tail: any LogTail, request: AgentV1.LogsJob) {
        let tail = try await scene.second.logs.tail(
            serviceID: service, serverID: scene.serverID, secrets: secrets, tailLines: 100,
            follow: follow)
        return (tail, try await logsJob(agent))
    }

    static func logsJob(
        _ agent: FakeAgent, of serviceID: String = service.description
    ) async throws -> AgentV1.LogsJob {
        let job = try await agent.job()
        #expect(job.serviceID == serviceID)
        guard case .logs(let logs) = job.kind else {
            throw FakeAgent.Unexpected(what: "\(job)")
        }
        return logs
    }

    static func chunk(
        _ request: AgentV1.LogsJob, _ texts: [String], end: Bool = false, error: String = ""
    ) -> AgentV1.Report.Kind {
        .logChunk(
            .with {
                $0.requestID = request.requestID
                $0.lines = texts.map { text in
                    .with {
                        $0.time = .with { $0.seconds = 1_790_000_000 }
                        $0.text = text
                        $0.standardError = text.hasPrefix("ERROR")
                    }
                }
                $0.end = end
                $0.error = error
            })
    }

    /// Reads until `count` lines are there.
    static func read(_ tail: any LogTail, _ count: Int) async throws -> [String] {
        var texts: [String] = []
        while texts.count < count, let lines = try await tail.next() { texts += lines.map(\.text) }
        return texts
    }

    @Test("lines come in order from the other server, and then the end")
    func lines() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (tail, request) = try await Self.begin(scene, agent)
            #expect(request.tailLines == 100)
            #expect(request.follow)
            #expect(!request.stop)
            try agent.report(Self.chunk(request, ["one", "ERROR: zwö"]))
            let first = try #require(try await tail.next())
            #expect(
                first == [
                    LogLine(
                        time: Timestamp(microsecondsSince1970: 1_790_000_000_000_000), text: "one",
                        isStandardError: false),
                    LogLine(
                        time: Timestamp(microsecondsSince1970: 1_790_000_000_000_000),
                        text: "ERROR: zwö", isStandardError: true),
                ])
            let texts = (0..<600).map { "line \($0)" }
            for start in stride(from: 0, to: 600, by: 60) {
                try agent.report(Self.chunk(request, Array(texts[start..<start + 60])))
            }
            try agent.report(Self.chunk(request, ["last"], end: true))
            #expect(try await Self.read(tail, 601) == texts + ["last"])
            #expect(try await tail.next() == nil)
            #expect(scene.second.logs.tailCount == 0)
        }
    }

    @Test("a chunk as large as it may be comes whole, and known secrets are replaced in it")
    func large() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (tail, request) = try await Self.begin(
                scene, agent, secrets: [SecretText("hunter22")])
            let half = String(repeating: "a", count: 8180)
            try agent.report(Self.chunk(request, [half + "hunter22" + half.dropLast(200)]))
            let texts = try await Self.read(tail, 1)
            #expect(texts == [half + "[redacted]" + half.dropLast(200)])
        }
    }

    @Test("an agent without a container says so")
    func noContainer() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (tail, request) = try await Self.begin(scene, agent)
            try agent.report(Self.chunk(request, [], end: true, error: "NO_CONTAINER"))
            let refused = try await problem { _ = try await tail.next() }
            #expect(refused.kind == .failedPrecondition)
        }
    }

    @Test("without an agent a reader is told so within the time for it")
    func away() async throws {
        try await AgentScene.play({ $0.tailBeginTimeMax = .milliseconds(50) }) { scene in
            let began = Instant.now()
            let refused = try await problem {
                _ = try await scene.second.logs.tail(
                    serviceID: Self.service, serverID: scene.serverID, secrets: [], tailLines: 1,
                    follow: false)
            }
            #expect(refused.kind == .unavailable)
            #expect(began.duration(to: .now()) < .seconds(20))
            #expect(scene.second.logs.tailCount == 0)
        }
    }

    @Test("when the agent goes away its readers are told")
    func goesAway() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (tail, request) = try await Self.begin(scene, agent)
            try agent.report(Self.chunk(request, ["one"]))
            #expect(try await Self.read(tail, 1) == ["one"])
            agent.close()
            let refused = try await problem { _ = try await tail.next() }
            #expect(refused.kind == .unavailable)
        }
    }

    /// Begins to read, and lets go of it.
    static func beginAndLeave(
        _ scene: AgentScene, _ agent: FakeAgent, _ cancels: Bool
    ) async throws -> AgentV1.LogsJob {
        let (tail, request) = try await begin(scene, agent)
        if cancels { tail.cancel() }
        return request
    }

    @Test("when nobody reads any more the agent is told to stop", arguments: [true, false])
    func stop(_ cancels: Bool) async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let request = try await Self.beginAndLeave(scene, agent, cancels)
            let stop = try await Self.logsJob(agent)
            #expect(stop.stop)
            #expect(stop.requestID == request.requestID)
            // What was on its way is dropped, and harms nobody.
            try agent.report(Self.chunk(request, ["late"]))
            try await agent.heartbeat()
            #expect(scene.second.logs.tailCount == 0)
        }
    }

    @Test("a reader that is too slow is told so, and the agent is stopped")
    func tooSlow() async throws {
        try await AgentScene.play({ $0.tailBytesQueuedMax = 1000 }) { scene in
            let agent = try await scene.connectedAgent()
            let (tail, request) = try await Self.begin(scene, agent)
            for _ in 0..<4 {
                try agent.report(
                    Self.chunk(request, [String(repeating: "x", count: 400)]))
            }
            #expect(try await Self.logsJob(agent).stop)
            let refused = try await problem { _ = try await tail.next() }
            #expect(refused.kind == .resourceExhausted)
        }
    }

    @Test("an agent answers so many readers at once and not more")
    func tooMany() async throws {
        try await AgentScene.play({ $0.tailsPerStreamMax = 1 }) { scene in
            let agent = try await scene.connectedAgent()
            let (tail, request) = try await Self.begin(scene, agent)
            let refused = try await problem {
                _ = try await scene.second.logs.tail(
                    serviceID: Self.service, serverID: scene.serverID, secrets: [], tailLines: 1,
                    follow: false)
            }
            #expect(refused.kind == .resourceExhausted)
            try agent.report(Self.chunk(request, ["still"]))
            #expect(try await Self.read(tail, 1) == ["still"])
        }
    }

    @Test("an agent is asked for logs so often a minute and not more, however short they are")
    func tooOften() async throws {
        try await AgentScene.play({
            $0.tailsBurstMax = 3
            $0.tailsPerMinuteMax = 1
        }) { scene in
            let agent = try await scene.connectedAgent()
            for number in 1...3 {
                let (tail, request) = try await Self.begin(scene, agent)
                try agent.report(Self.chunk(request, ["\(number)"], end: true))
                #expect(try await Self.read(tail, 1) == ["\(number)"])
                #expect(try await tail.next() == nil)
            }
            for _ in 0..<2 {
                let refused = try await problem {
                    _ = try await scene.second.logs.tail(
                        serviceID: Self.service, serverID: scene.serverID, secrets: [],
                        tailLines: 1, follow: false)
                }
                #expect(refused.kind == .resourceExhausted)
                #expect(refused.message.contains("log_tails_per_minute_max"))
            }
            // The agent heard nothing of those.
            try await agent.heartbeat()
        }
    }

    @Test(
        "of a request that is refused, or left before it is taken up, the agent hears nothing",
        arguments: [(tailsMax: 0, hasTurn: false), (0, true), (1, false)])
    func leftEarly(_ tailsMax: Int, _ hasTurn: Bool) async throws {
        try await AgentScene.play({ $0.tailsPerStreamMax = tailsMax }) { scene in
            let agent = try await scene.connectedAgent()
            // Both notices come at once, as after a pause of the machine, or the reader leaves while it is
            // being told that it may not stay.
            for wish in [LogRequestNotice.Wish.begin(tailLines: 1, follow: true), .stop] {
                scene.first.gateway.received(
                    LogRequestNotice(
                        tailID: String(repeating: "a", count: 32), serverID: scene.serverID,
                        serviceID: Self.service, wish: wish))
                if hasTurn { try await scene.reactor.sleep(for: .zero) }
            }
            try await agent.heartbeat()
            try await scene.reactor.sleep(for: .milliseconds(100))
            try await agent.heartbeat()
        }
    }

    @Test("a reader whose notifications may have been missed is told to ask again")
    func missed() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (tail, _) = try await Self.begin(scene, agent)
            scene.second.logs.endAll()
            let refused = try await problem { _ = try await tail.next() }
            #expect(refused.kind == .unavailable)
            #expect(try await Self.logsJob(agent).stop)
        }
    }

    @Test("a relay that stops ends its readers and takes no more")
    func stops() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (tail, _) = try await Self.begin(scene, agent)
            scene.second.logs.stop()
            let refused = try await problem { _ = try await tail.next() }
            #expect(refused.kind == .unavailable)
            let late = try await problem {
                _ = try await scene.second.logs.tail(
                    serviceID: Self.service, serverID: scene.serverID, secrets: [], tailLines: 1,
                    follow: false)
            }
            #expect(late.kind == .unavailable)
            #expect(try await Self.logsJob(agent).stop)
        }
    }

    @Test("a chunk of more lines than it may have is refused as malformed")
    func tooManyLines() async throws {
        try await AgentScene.play { scene in
            let agent = try await scene.connectedAgent()
            let (_, request) = try await Self.begin(scene, agent)
            try agent.report(Self.chunk(request, [String](repeating: "x", count: 65)))
            try await agent.live().ended()
            #expect(try agent.live().status == .permissionDenied)
        }
    }
}
