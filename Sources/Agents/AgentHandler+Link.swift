import BerthMessages
import Cryptography
import Domain
import Messages
import RPC
import StandardMessages

/// An agent's end of a `Connect` call.
final class AgentRPCLink: AgentLink {
    let callID: String
    private let requests: RequestStream<AgentV1.ConnectRequest>
    private let responses: ResponseWriter<AgentV1.ConnectResponse>
    private let signingKey: SigningKey
    private let clock: any WallClock
    private let limits: AgentLimits
    private var verificationKey: VerificationKey?

    /// The protocol that this build speaks, and the oldest that it takes.
    static let protocolVersion: Int32 = 1

    init(
        _ requests: RequestStream<AgentV1.ConnectRequest>,
        _ responses: ResponseWriter<AgentV1.ConnectResponse>, callID: String,
        module: AgentsModule, limits: AgentLimits
    ) {
        self.requests = requests
        self.responses = responses
        self.callID = callID
        signingKey = module.signingKey
        clock = module.clock
        self.limits = limits
    }

    func receiveHello() async throws -> AgentHello {
        guard case .hello(let hello) = try await requests.next()?.kind else {
            throw Problem(.invalidArgument, "the first message must be hello")
        }
        guard hello.protocolVersion >= AgentRPCLink.protocolVersion else {
            throw Problem(
                .failedPrecondition,
                "the agent speaks protocol \(hello.protocolVersion); this server needs "
                    + "\(AgentRPCLink.protocolVersion): bring the agent up to date")
        }
        guard hello.jobs.count <= limits.jobsPerHeartbeatMax else {
            throw Problem(
                .resourceExhausted, "hello names more than \(limits.jobsPerHeartbeatMax) jobs")
        }
        let jobs = hello.jobs.compactMap { JobReference($0) }
        guard jobs.count == hello.jobs.count else {
            throw Problem(.invalidArgument, "hello names a job that has no UUID")
        }
        return AgentHello(
            version: PlainText.line(of: hello.agentVersion, lengthMax: HostFacts.textBytesMax),
            host: HostFacts(hello.host ?? AgentV1.HostFacts()), jobs: jobs)
    }

    func receive(from identity: AgentIdentity) async throws -> AgentMessage? {
        guard let request = try await requests.next() else { return nil }
        switch request.kind {
        case .heartbeat(let heartbeat):
            let jobs = heartbeat.jobs.compactMap { JobReference($0) }
            guard jobs.count == heartbeat.jobs.count else {
                throw Problem(.invalidArgument, "a heartbeat names a job that has no UUID")
            }
            return .heartbeat(HostFacts(heartbeat.host ?? AgentV1.HostFacts()), jobs)
        case .report(let envelope): return try open(envelope, identity)
        case .hello: throw Problem(.invalidArgument, "hello came twice")
        case nil: throw Problem(.invalidArgument, "a message of an unknown kind came")
        }
    }

    private func open(
        _ envelope: AgentV1.SignedEnvelope, _ identity: AgentIdentity
    ) throws -> AgentMessage {
        guard envelope.payload.count <= limits.reportBytesMax else { return .refused(.tooLarge) }
        let key = try verificationKey ?? VerificationKey(bytes: identity.publicKey)
        verificationKey = key
        let signed = SignedContext.report + envelope.payload
        guard try key.isValid(envelope.signature, of: signed) else {
            return .refused(.badSignature)
        }
        guard let report = try? Wire.decode(AgentV1.Report.self, from: envelope.payload),
            let content = SignedReport.Content(report, limits)
        else { return .refused(.malformed) }
        let header = SignedReport.Header(
            serverID: report.serverID, sessionID: report.sessionID, sequence: report.sequence,
            issuedAt: report.issueTime.flatMap { Timestamp($0) })
        return .report(SignedReport(header: header, content: content))
    }

    func send(_ message: ControlMessage, to identity: AgentIdentity) async throws {
        var response = AgentV1.ConnectResponse()
        switch message {
        case .welcome(let interval):
            var welcome = AgentV1.Welcome()
            welcome.sessionID = identity.sessionID.bytes
            welcome.heartbeatInterval = GoogleProtobuf.Duration(interval)
            welcome.time = GoogleProtobuf.Timestamp(clock.now())
            response.kind = .welcome(welcome)
        case .heartbeatAck(let lost):
            var ack = AgentV1.HeartbeatAck()
            ack.lostJobs = lost.map { AgentV1.JobReference($0) }
            ack.time = GoogleProtobuf.Timestamp(clock.now())
            response.kind = .heartbeatAck(ack)
        case .job, .desired, .logs, .stopLogs:
            response.kind = .job(try sign(AgentV1.Job(message), identity))
        }
        try await responses.write(response)
    }

    private func sign(
        _ job: AgentV1.Job, _ identity: AgentIdentity
    ) throws -> AgentV1.SignedEnvelope {
        let now = clock.now()
        var job = job
        job.serverID = identity.serverID.description
        job.sessionID = identity.sessionID.bytes
        job.nonce = try SecureRandom.bytes(16)
        job.issueTime = GoogleProtobuf.Timestamp(now)
        job.expireTime = GoogleProtobuf.Timestamp(now.advanced(by: limits.jobBeginTimeMax))
        var envelope = AgentV1.SignedEnvelope()
        envelope.payload = try Wire.encode(job)
        envelope.signature = try signingKey.sign(SignedContext.job + envelope.payload)
        return envelope
    }
}

/// What a signature covers before the payload, so that a job cannot pass for a report.
private enum SignedContext {
    static let job = Array("berth.agent.v1.Job".utf8) + [0]
    static let report = Array("berth.agent.v1.Report".utf8) + [0]
}
