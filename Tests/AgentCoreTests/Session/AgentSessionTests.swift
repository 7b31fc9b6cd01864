import BerthMessages
import Cryptography
import Domain
import EventLoops
import Logging
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import AgentCore

@Suite struct AgentSessionTests {
    /// A control plane's end of a stream, in memory.
    private final class Stream: AgentStream {
        var sent: [AgentV1.ConnectRequest] = []
        private var replies: [AgentV1.ConnectResponse] = []
        private var isOver = false
        private let signal: LoopSignal
        /// After hello, each message waits until the next raise of ``letGo``.
        var isHeld = false
        /// Whether one waits now.
        private(set) var isHolding = false
        let letGo: LoopSignal

        init(_ reactor: Reactor) {
            signal = LoopSignal(reactor: reactor)
            letGo = LoopSignal(reactor: reactor)
        }

        func send(_ message: AgentV1.ConnectRequest) async throws {
            if isHeld, !sent.isEmpty {
                isHolding = true
                defer { isHolding = false }
                try await letGo.wait()
            }
            sent.append(message)
        }
        func next() async throws -> AgentV1.ConnectResponse? {
            while replies.isEmpty {
                if isOver { return nil }
                try await signal.wait()
            }
            return replies.removeFirst()
        }
        func close() {
            isOver = true
            signal.raise()
        }
        func say(_ kind: AgentV1.ConnectResponse.Kind) {
            replies.append(.with { $0.kind = kind })
            signal.raise()
        }
    }

    private final class Work: SessionWork {
        var references: [JobReference] = [Sample.reference(3)]
        var session: AgentSession?
        var taken: [ReceivedJob] = []
        var dropped: [JobReference] = []
        var verifier: JobVerifier
        init(_ verifier: JobVerifier) { self.verifier = verifier }

        func hostFacts() async -> AgentV1.HostFacts { .with { $0.hostname = "here" } }
        func begin(
            _ session: AgentSession, _ sessionID: AgentSessionID, on loop: isolated EventLoop
        ) {
            self.session = session
            verifier.begin(sessionID)
        }
        func verify(
            _ envelope: AgentV1.SignedEnvelope, now: Timestamp
        ) throws(JobVerifier.Refused) -> ReceivedJob { try verifier.verify(envelope, now: now) }
        func take(_ job: ReceivedJob, on loop: isolated EventLoop) { taken.append(job) }
        func drop(_ jobs: [JobReference]) { dropped += jobs }
    }

    /// A clock of a machine that nobody set.
    private struct FixedClock: WallClock {
        let time: Timestamp
        func now() -> Timestamp { time }
    }

    private static let sessionID = [UInt8](repeating: 7, count: 16)
    private static let time = Timestamp(microsecondsSince1970: 1_800_000_000_000_000)

    @Test("says hello, beats, obeys signed jobs, refuses others, and reports in order")
    func conversation() async throws {
        try await onLoop { loop, reactor in
            let controlPlane = try SigningKey.generate()
            let log = CapturedLog()
            let (stream, work, session) = try AgentSessionTests.make(
                controlPlane, reactor, log.logger)
            let running = LoopTask(on: loop) { try await session.run(on: loop) }
            stream.say(AgentSessionTests.welcome(heartbeatSeconds: 3))
            let job = try AgentSessionTests.signed(controlPlane, nonce: 1)
            stream.say(.job(job))
            stream.say(.job(job))
            stream.say(
                .heartbeatAck(
                    .with {
                        $0.lostJobs = [AgentV1.JobReference(Sample.reference(3))]
                        $0.time = GoogleProtobuf.Timestamp(AgentSessionTests.time)
                    }))
            try await eventually(reactor) {
                stream.sent.contains(where: AgentSessionTests.isHeartbeat)
            }
            #expect(work.taken.count == 1)
            #expect(work.dropped == [Sample.reference(3)])
            session.report(.inventory(AgentV1.Inventory()))
            try await eventually(reactor) {
                try AgentSessionTests.reports(stream.sent).count >= 2
            }
            guard case .hello(let hello) = stream.sent.first?.kind else {
                Issue.record("no hello")
                return
            }
            #expect(hello.host?.hostname == "here")
            #expect(hello.jobs == [AgentV1.JobReference(Sample.reference(3))])
            let reports = try AgentSessionTests.reports(stream.sent)
            #expect(reports.map(\.sequence) == [1, 2])
            // This machine's clock is another: the control plane would refuse reports by it.
            for report in reports {
                let issued = report.issueTime?.seconds ?? 0
                #expect((1_800_000_000..<1_800_000_060).contains(issued))
            }
            #expect(log.lines.contains { $0.contains("clock_difference_seconds=-") })
            guard case .jobRefusal(let refusal) = reports.first?.kind else {
                Issue.record("no refusal")
                return
            }
            #expect(refusal.reason == "REPLAYED")
            session.close()
            try await running.value()
            // Without effect, and without harm.
            session.report(.inventory(AgentV1.Inventory()))
        }
    }

    @Test("a job that ends between hello and welcome is told of once the welcome is there")
    func endsBeforeWelcome() async throws {
        try await onLoop { loop, reactor in
            let (stream, _, session) = try AgentSessionTests.make(try .generate(), reactor)
            // Nobody has heard of a job yet.
            session.report(.jobProgress(.with { $0.message = "too early" }))
            let running = LoopTask(on: loop) { try await session.run(on: loop) }
            try await eventually(reactor) { !stream.sent.isEmpty }
            session.report(
                .jobProgress(
                    .with {
                        $0.reference = AgentV1.JobReference(Sample.reference(3))
                        $0.message = "ended"
                    }))
            try await reactor.sleep(for: .milliseconds(20))
            #expect(stream.sent.count == 1)
            stream.say(AgentSessionTests.welcome())
            try await eventually(reactor) { stream.sent.count >= 2 }
            session.close()
            try await running.value()
            let reports = try AgentSessionTests.reports(stream.sent)
            guard case .jobProgress(let progress) = reports.first?.kind else {
                Issue.record("no progress")
                return
            }
            #expect(progress.message == "ended")
            #expect(reports.count == 1)
        }
    }

    @Test("all who wait to send logs go on when there is room, and hear of the end")
    func waitingLogs() async throws {
        try await onLoop { loop, reactor in
            let (stream, work, session) = try AgentSessionTests.make(try .generate(), reactor)
            stream.isHeld = true
            let running = LoopTask(on: loop) { try await session.run(on: loop) }
            stream.say(AgentSessionTests.welcome())
            try await eventually(reactor) { work.session != nil }
            func sender(_ number: Int, on loop: isolated EventLoop) -> LoopTask<Bool> {
                LoopTask(on: loop) { await session.send(.with { $0.requestID = "\(number)" }) }
            }
            // One is on its way, as many as fit are queued, and four wait.
            let waiting = 4
            var senders = [sender(0, on: loop)]
            try await eventually(reactor) { stream.isHolding }
            senders += (1...ReportQueue.logChunksMax + waiting).map { sender($0, on: loop) }
            try await reactor.sleep(for: .milliseconds(20))
            let cancelled = LoopTask(on: loop) { await session.send(AgentV1.LogChunk()) }
            cancelled.cancel()
            #expect(try await cancelled.value() == false)
            for number in 1...senders.count {
                try await eventually(reactor) { stream.isHolding }
                stream.letGo.raise()
                // With hello.
                try await eventually(reactor) { stream.sent.count == 1 + number }
            }
            for sender in senders { #expect(try await sender.value()) }
            #expect(try AgentSessionTests.logRequests(stream.sent).count == senders.count)

            // Nobody waits for ever when the stream ends instead.
            let late = (0..<2 + ReportQueue.logChunksMax + waiting).map { _ in
                LoopTask(on: loop) { await session.send(AgentV1.LogChunk()) }
            }
            try await reactor.sleep(for: .milliseconds(20))
            session.close()
            try await running.value()
            var refused = 0
            for sender in late where try await !sender.value() { refused += 1 }
            #expect(refused >= waiting)
        }
    }

    private static func reports(_ sent: [AgentV1.ConnectRequest]) throws -> [AgentV1.Report] {
        try sent.compactMap { message in
            guard case .report(let envelope) = message.kind else { return nil }
            return try Wire.decode(AgentV1.Report.self, from: envelope.payload)
        }
    }

    private static func logRequests(_ sent: [AgentV1.ConnectRequest]) throws -> Set<String> {
        Set(
            try reports(sent).compactMap { report in
                guard case .logChunk(let chunk) = report.kind else { return nil }
                return chunk.requestID
            })
    }

    private static func make(
        _ controlPlane: SigningKey, _ reactor: Reactor, _ logger: Logger = Sample.silence
    ) throws -> (Stream, Work, AgentSession) {
        let controlPlaneKey = try VerificationKey(bytes: controlPlane.publicKey)
        let identity = AgentIdentity(
            controlPlane: try #require(ControlPlaneAddress("http://127.0.0.1:1")),
            controlPlaneKey: controlPlaneKey, authorities: nil, serverID: Sample.server,
            serverName: "one", credential: SecretText("c"), key: try SigningKey.generate())
        let stream = Stream(reactor)
        let work = Work(JobVerifier(serverID: Sample.server, controlPlaneKey: controlPlaneKey))
        let session = AgentSession(
            stream: stream, identity: identity, work: work, reactor: reactor,
            wallClock: FixedClock(
                time: AgentSessionTests.time.advanced(by: .seconds(-3600))), logger: logger)
        return (stream, work, session)
    }

    /// Three intervals without an answer end the stream: none is so short that a pause of the machine
    /// does.
    private static func welcome(heartbeatSeconds: Int64 = 60) -> AgentV1.ConnectResponse.Kind {
        .welcome(
            .with {
                $0.sessionID = sessionID
                $0.heartbeatInterval = .with { $0.seconds = heartbeatSeconds }
                $0.time = GoogleProtobuf.Timestamp(time)
            })
    }

    private static func isHeartbeat(_ message: AgentV1.ConnectRequest) -> Bool {
        if case .heartbeat(let beat) = message.kind {
            beat.jobs == [AgentV1.JobReference(Sample.reference(3))]
        } else {
            false
        }
    }

    private static func signed(_ key: SigningKey, nonce: UInt8) throws -> AgentV1.SignedEnvelope {
        let payload = try Wire.encode(
            AgentV1.Job.with {
                $0.serverID = "\(Sample.server)"
                $0.sessionID = sessionID
                $0.nonce = [UInt8](repeating: nonce, count: 16)
                $0.expireTime = GoogleProtobuf.Timestamp(time.advanced(by: .seconds(60)))
                $0.kind = .desiredState(AgentV1.DesiredState())
            })
        let signature = try key.sign(SignedText.of(SignedText.job, payload))
        return .with {
            $0.payload = payload
            $0.signature = signature
        }
    }
}
