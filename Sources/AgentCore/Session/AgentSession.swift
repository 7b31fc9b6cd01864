import BerthMessages
import Domain
import EventLoops
import Logging
import Messages
import StandardMessages

/// What a stream's messages are about.
protocol SessionWork: AnyObject {
    /// The jobs that the agent has.
    var references: [JobReference] { get }
    /// Facts of the machine now.
    func hostFacts() async -> AgentV1.HostFacts
    /// The stream is open: jobs come from now on.
    func begin(_ session: AgentSession, _ sessionID: AgentSessionID, on loop: isolated EventLoop)
    /// Reads a job that may be obeyed, and remembers that it was seen.
    func verify(
        _ envelope: AgentV1.SignedEnvelope, now: Timestamp
    ) throws(JobVerifier.Refused) -> ReceivedJob
    /// A job that may be obeyed.
    func take(_ job: ReceivedJob, on loop: isolated EventLoop)
    /// Jobs whose right was lost.
    func drop(_ jobs: [JobReference])
}

/// One stream to the control plane, from hello to its end.
final class AgentSession {
    static let protocolVersion: Int32 = 1
    /// How long the control plane may take to say welcome.
    static let welcomeMax = Duration.seconds(15)
    /// What the control plane may ask for as an interval between heartbeats.
    static let heartbeatIntervals = Duration.seconds(1)...Duration.seconds(60)
    /// The jobs that a heartbeat names; the control plane ends the stream of one that names more.
    static let jobsPerHeartbeatMax = 64
    /// From which difference on this machine's clock is said to be wrong.
    static let clockDifferenceTold = Duration.seconds(30)
    /// After so many intervals without an answer the stream is given up.
    static let missedAcksMax = 3

    private let stream: any AgentStream
    private let identity: AgentIdentity
    private let work: any SessionWork
    private let reactor: Reactor
    private let wallClock: any WallClock
    private let logger: Logger

    private var queue = ReportQueue()
    private var heartbeat: AgentV1.Heartbeat?
    private let hasWork: LoopSignal
    /// Raised, all of them, when logs have room and at the end.
    private var waitingForRoom: [LoopSignal] = []
    private var clock = ControlPlaneClock()
    private var lastAck = Instant.now()
    /// Whether reports are taken; they leave after the welcome.
    private var isOpen = false

    init(
        stream: any AgentStream, identity: AgentIdentity, work: any SessionWork, reactor: Reactor,
        wallClock: any WallClock, logger: Logger
    ) {
        self.stream = stream
        self.identity = identity
        self.work = work
        self.reactor = reactor
        self.wallClock = wallClock
        self.logger = logger
        hasWork = LoopSignal(reactor: reactor)
    }

    /// Why a stream is given up by us.
    enum Failure: Error, CustomStringConvertible {
        case noWelcome
        case badWelcome

        var description: String {
            switch self {
            case .noWelcome: "the control plane did not say welcome"
            case .badWelcome: "the control plane's welcome is malformed"
            }
        }
    }

    /// Speaks until the stream ends.
    ///
    /// - Returns: Normally when the control plane or ``close()`` ended the stream.
    /// - Throws: What broke it.
    func run(on loop: isolated EventLoop) async throws {
        defer {
            isOpen = false
            stream.close()
            tellOfRoom()
        }
        let (sessionID, interval) = try await greet()
        let writer = LoopTask(on: loop) { try await self.write(sessionID) }
        let heart = LoopTask(on: loop) { try await self.beat(every: interval) }
        defer {
            writer.cancel()
            heart.cancel()
        }
        work.begin(self, sessionID, on: loop)
        while let message = try await stream.next() {
            switch message.kind {
            case .heartbeatAck(let ack): note(ack)
            case .job(let envelope): obey(envelope, on: loop)
            case .welcome, nil: continue
            }
        }
    }

    /// Ends the stream.
    func close() { stream.close() }

    /// Queues a report; without effect once the stream is over.
    func report(_ kind: AgentV1.Report.Kind) {
        guard isOpen else { return }
        queue.add(kind)
        hasWork.raise()
    }

    /// Queues a chunk of logs once there is room.
    /// - Returns: False when the stream is over or the caller is cancelled.
    func send(_ chunk: AgentV1.LogChunk) async -> Bool {
        while isOpen, !queue.hasRoomForLogs {
            let hasRoom = LoopSignal(reactor: reactor)
            waitingForRoom.append(hasRoom)
            do { try await hasRoom.wait() } catch { return false }
        }
        report(.logChunk(chunk))
        return isOpen
    }

    private func tellOfRoom() {
        for waiter in waitingForRoom { waiter.raise() }
        waitingForRoom = []
    }

    // MARK: Beginning

    private func greet() async throws -> (AgentSessionID, Duration) {
        let facts = await work.hostFacts()
        let timer = reactor.schedule(after: AgentSession.welcomeMax) { self.stream.close() }
        defer { timer.cancel() }
        // From the moment that hello names the jobs: one may end before the welcome.
        isOpen = true
        try await stream.send(
            .with {
                $0.kind = .hello(
                    .with {
                        $0.protocolVersion = AgentSession.protocolVersion
                        $0.agentVersion = AgentVersion.text
                        $0.host = facts
                        $0.jobs = work.references.map { AgentV1.JobReference($0) }
                    })
            })
        guard case .welcome(let welcome) = try await stream.next()?.kind else {
            throw Failure.noWelcome
        }
        guard welcome.sessionID.count == 16,
            let interval = welcome.heartbeatInterval.flatMap({ Duration($0) }),
            let time = welcome.time.flatMap({ Timestamp($0) })
        else { throw Failure.badWelcome }
        lastAck = Instant.now()
        clock.set(time, at: lastAck)
        tellClockDifference(from: time)
        let bounds = AgentSession.heartbeatIntervals
        return (
            AgentSessionID(bytes: welcome.sessionID),
            min(max(interval, bounds.lowerBound), bounds.upperBound)
        )
    }

    /// Nothing goes wrong by it here; whoever compares the logs of two machines should know.
    private func tellClockDifference(from time: Timestamp) {
        let difference = Duration.microseconds(
            wallClock.now().microsecondsSince1970 - time.microsecondsSince1970)
        let bound = AgentSession.clockDifferenceTold
        guard difference > bound || difference < .zero - bound else { return }
        logger.warning(
            "this machine's clock differs from the control plane's, which counts",
            metadata: ["clock_difference_seconds": "\(difference.components.seconds)"])
    }

    // MARK: Receiving

    private func note(_ ack: AgentV1.HeartbeatAck) {
        lastAck = Instant.now()
        if let time = ack.time.flatMap({ Timestamp($0) }) { clock.set(time, at: lastAck) }
        let lost = ack.lostJobs.compactMap { JobReference($0) }
        if !lost.isEmpty { work.drop(lost) }
    }

    private func obey(_ envelope: AgentV1.SignedEnvelope, on loop: isolated EventLoop) {
        guard let now = clock.time(at: Instant.now()) else { return }
        do throws(JobVerifier.Refused) {
            work.take(try work.verify(envelope, now: now), on: loop)
        } catch {
            logger.warning("a job was refused", metadata: ["reason": "\(error.refusal.rawValue)"])
            report(
                .jobRefusal(
                    .with {
                        $0.reference = error.reference
                        $0.reason = error.refusal.rawValue
                    }))
        }
    }

    // MARK: Sending

    private func beat(every interval: Duration) async throws {
        while true {
            try await reactor.sleep(for: interval)
            if lastAck.duration(to: Instant.now()) > interval * AgentSession.missedAcksMax {
                logger.warning("the control plane answers no heartbeats; connecting again")
                stream.close()
                return
            }
            let facts = await work.hostFacts()
            heartbeat = .with {
                $0.host = facts
                $0.jobs = work.references.prefix(AgentSession.jobsPerHeartbeatMax).map {
                    AgentV1.JobReference($0)
                }
            }
            hasWork.raise()
        }
    }

    private func write(_ sessionID: AgentSessionID) async throws {
        var signer = ReportSigner(
            serverID: identity.serverID, sessionID: sessionID, key: identity.key)
        do {
            while true {
                try Task.checkCancellation()
                if let due = heartbeat {
                    heartbeat = nil
                    try await stream.send(.with { $0.kind = .heartbeat(due) })
                } else if let kind = queue.next() {
                    if queue.hasRoomForLogs { tellOfRoom() }
                    // By the clock that it is checked by: this machine's may be wrong.
                    let now = clock.time(at: Instant.now()) ?? wallClock.now()
                    let envelope = try signer.sign(kind, at: now)
                    try await stream.send(.with { $0.kind = .report(envelope) })
                } else {
                    try await hasWork.wait()
                }
            }
        } catch {
            // The reader hears of it by the stream's end.
            stream.close()
            throw error
        }
    }
}
