import Domain
import EventLoops
import Logging
import PostgresClient

/// One agent's stream, from hello to its end: one task reads, one sends, one waits for work, and
/// whatever happens first to any of them ends all.
final class AgentStream {
    let link: any AgentLink
    let needs: AgentGateway.Needs
    /// Whose stream it is; known once the agent has said hello.
    private(set) var identity: AgentIdentity?
    /// The log requests that the agent answers.
    let tails: ServedTails

    private let gateway: AgentGateway
    private var gate: ReportGate?
    private var running = RunningJobs()
    private var outgoing: [ControlMessage] = []
    private var isClaimDue = false
    private let sendSignal: LoopSignal
    private let endSignal: LoopSignal
    private var outcome: Result<Void, any Error>?
    private var tasks: [BegunTask] = []
    private var silenceTimer: LoopTimer?
    private var pauseTimer: LoopTimer?

    init(_ link: any AgentLink, needs: AgentGateway.Needs, gateway: AgentGateway) {
        self.link = link
        self.needs = needs
        self.gateway = gateway
        tails = ServedTails(needs)
        sendSignal = LoopSignal(reactor: needs.reactor)
        endSignal = LoopSignal(reactor: needs.reactor)
    }

    /// Serves the agent until either side ends the stream.
    ///
    /// - Throws: Why it ended, unless the agent wanted it.
    func run(_ credential: Credential) async throws {
        expectWord(within: needs.limits.helloTimeMax, of: "hello")
        begin { try await self.read(credential) }
        do {
            try await endSignal.wait()
        } catch {
            // The agent is gone, or its call was ended from outside.
            end(.failure(error))
        }
        silenceTimer?.cancel()
        pauseTimer?.cancel()
        for task in tasks { task.cancel() }
        gateway.leave(self)
        try outcome?.get()
    }

    /// Ends the stream; what came first counts.
    func end(_ outcome: Result<Void, any Error>) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        endSignal.raise()
    }

    var hasEnded: Bool { outcome != nil }

    /// Why it ended, for people.
    var endReason: String {
        switch outcome {
        case .success: "the agent ended it"
        case .failure(let problem as Problem):
            problem.message.prefix(utf8Bytes: HostFacts.textBytesMax)
        case .failure, nil: "the connection broke"
        }
    }

    /// Notes whose stream it is.
    func accept(_ identity: AgentIdentity) {
        self.identity = identity
        gate = ReportGate(
            identity: identity, clockDifferenceMax: needs.limits.clockDifferenceMax)
    }

    /// Ends the stream because of a newer one.
    func supersede() { end(.failure(Problem.superseded)) }

    /// Begins a task whose failure ends the stream, and which ends with it.
    private func begin(_ work: @escaping () async throws -> Void) {
        tasks.append(
            needs.reactor.begin {
                do { try await work() } catch { self.end(.failure(error)) }
            })
    }

    private func expectWord(within time: Duration, of what: String) {
        silenceTimer?.cancel()
        silenceTimer = needs.reactor.schedule(after: time) { [weak self] in
            self?.end(.failure(Problem(.unavailable, "no \(what) came within \(time)")))
        }
    }

    // MARK: Reading

    private func read(_ credential: Credential) async throws {
        let hello = try await link.receiveHello()
        let identity = try await gateway.beginSession(credential, hello, self)
        expectWord(within: needs.limits.silenceTimeMax, of: "heartbeat")
        if !hello.jobs.isEmpty {
            // Before anything is claimed, so that none of them is handed out a second time.
            let adopted = try await needs.jobs.adopt(
                server: identity.serverID, session: identity.sessionID, jobs: hello.jobs)
            for reference in adopted { running.begin(reference) }
        }
        enqueue(.welcome(heartbeatInterval: needs.limits.heartbeatInterval))
        let desired = try await needs.jobs.desired(server: identity.serverID)
        enqueue(
            .desired(
                desired.map { DesiredService(serviceID: $0.service, deploymentID: $0.deployment) },
                layouts: needs.layouts))
        begin { try await self.send(to: identity) }
        begin { try await self.awaitWork(of: identity) }
        while let message = try await link.receive(from: identity) {
            switch message {
            case .heartbeat(let host, let jobs): try await heartbeat(host, jobs, identity)
            case .report(let report): try await received(report, identity)
            case .refused(let refusal): throw await refused(refusal, identity)
            }
        }
        end(.success(()))
    }

    private func heartbeat(
        _ host: HostFacts, _ jobs: [JobReference], _ identity: AgentIdentity
    ) async throws {
        expectWord(within: needs.limits.silenceTimeMax, of: "heartbeat")
        guard jobs.count <= needs.limits.jobsPerHeartbeatMax else {
            throw Problem(
                .resourceExhausted,
                "a heartbeat names more than \(needs.limits.jobsPerHeartbeatMax) jobs")
        }
        let isNewest = try await needs.sessions.inSession { session in
            try await needs.store.noteSeen(identity, host: host, in: session)
        }
        guard isNewest else { throw Problem.superseded }
        var lost: [JobReference] = []
        if !jobs.isEmpty {
            lost = try await needs.jobs.renew(
                server: identity.serverID, session: identity.sessionID, jobs: jobs)
        }
        var hasRoom = running.reconcile(jobs)
        for reference in lost where running.end(reference) { hasRoom = true }
        enqueue(.heartbeatAck(lost: lost))
        if hasRoom { claimSoon() }
    }

    private func received(_ report: SignedReport, _ identity: AgentIdentity) async throws {
        if let refusal = gate?.refusal(of: report.header, now: needs.clock.now()) {
            throw await refused(refusal, identity)
        }
        switch report.content {
        case .progress(let progress): try await recordProgress(progress, identity)
        case .inventory(let containers, let orphans, let age):
            try await needs.jobs.observe(
                server: identity.serverID, session: identity.sessionID, containers: containers,
                surveyAge: age)
            try await gateway.noteOrphans(orphans, of: identity, callID: link.callID)
        case .jobRefusal(let reference, let reason):
            try await refused(reference, reason, identity)
        case .logs(let chunk): try await tails.received(chunk)
        }
    }

    private func refused(
        _ reference: JobReference?, _ reason: String, _ identity: AgentIdentity
    ) async throws {
        await needs.refusals.record(
            .job, reason, about: reference.map(\.text) ?? "unknown job", of: identity,
            callID: link.callID)
        // What the agent has already it may be working on: its heartbeats say so.
        guard let reference, reason != SignedReport.replayed else { return }
        try await needs.jobs.refused(
            server: identity.serverID, session: identity.sessionID, job: reference, reason: reason)
        if running.end(reference) { claimSoon() }
    }

    private func recordProgress(
        _ progress: JobProgress, _ identity: AgentIdentity
    ) async throws {
        let isRecorded = try await needs.jobs.record(
            server: identity.serverID, session: identity.sessionID, progress: progress)
        if !isRecorded {
            // Nothing wrong with the stream: the job was given to someone else meanwhile.
            await needs.refusals.record(
                .report, "STALE_TOKEN", about: progress.reference.text, of: identity,
                callID: link.callID)
        }
        if progress.state.isEnd || !isRecorded, running.end(progress.reference) { claimSoon() }
    }

    private func refused(_ refusal: ReportRefusal, _ identity: AgentIdentity) async -> Problem {
        await needs.refusals.record(
            .report, refusal.rawValue, of: identity, callID: link.callID)
        return Problem(.permissionDenied, "a report was refused: \(refusal.rawValue)")
    }

    // MARK: Sending

    /// Queues a message; an agent that takes none of many loses its stream.
    func enqueue(_ message: ControlMessage) {
        guard outgoing.count < needs.limits.outgoingMax else {
            end(
                .failure(
                    Problem(
                        .resourceExhausted,
                        "more than \(needs.limits.outgoingMax) messages wait for the agent")))
            return
        }
        outgoing.append(message)
        sendSignal.raise()
    }

    /// Passes a log request that was noted on to the agent.
    func beginTail(_ request: LogRequest) async {
        do {
            guard try await tails.begin(request), !hasEnded else { return }
            enqueue(.logs(request))
        } catch {
            end(.failure(error))
        }
    }

    /// Tells the agent that nobody reads any more.
    func stopTail(_ tailID: String) {
        guard let service = tails.stop(tailID) else { return }
        enqueue(.stopLogs(tailID: tailID, service))
    }

    private func claimSoon() {
        isClaimDue = true
        sendSignal.raise()
    }

    private func send(to identity: AgentIdentity) async throws {
        while true {
            while !outgoing.isEmpty {
                try await link.send(outgoing.removeFirst(), to: identity)
            }
            if isClaimDue {
                isClaimDue = false
                try await claim(identity)
            } else {
                try await sendSignal.wait()
            }
        }
    }

    private func claim(_ identity: AgentIdentity) async throws {
        let limit = max(0, needs.limits.jobsRunningMax - running.count)
        let work = try await needs.jobs.claim(
            server: identity.serverID, session: identity.sessionID, limit: limit)
        claimAgain(after: work.pauseLeft)
        for job in work.jobs {
            if job.kind != .cancel { running.begin(job.reference) }
            try await link.send(.job(job), to: identity)
        }
    }

    /// Nothing is committed when a job's pause is over, and so nobody tells of it.
    private func claimAgain(after pause: Duration?) {
        pauseTimer?.cancel()
        guard !hasEnded, let pause else { return }
        pauseTimer = needs.reactor.schedule(after: pause) { [weak self] in self?.claimSoon() }
    }

    private func awaitWork(of identity: AgentIdentity) async throws {
        let subscription = needs.changes.subscribe(to: .work(identity.serverID))
        defer { subscription.cancel() }
        while true {
            // At once to begin with: what waited before the stream began was told of long ago.
            claimSoon()
            try await subscription.next()
        }
    }
}

extension Problem {
    static var superseded: Problem {
        Problem(.aborted, "a newer stream of this server took over")
    }
}

extension JobProgress.State {
    /// Whether nothing comes after it.
    var isEnd: Bool {
        switch self {
        case .succeeded, .failed, .cancelled: true
        case .accepted, .pulling, .starting, .verifying: false
        }
    }
}

extension JobReference {
    /// The reference in words, for the audit trail.
    var text: String { "job \(jobID) token \(fencingToken)" }
}
