import Domain

/// What an agent says to begin with.
struct AgentHello: Hashable, Sendable {
    var version: String
    var host: HostFacts
    /// What it still works on of an earlier stream.
    var jobs: [JobReference] = []
}

/// What an agent says after that.
enum AgentMessage: Hashable, Sendable {
    /// It is there, and works on those jobs.
    case heartbeat(HostFacts, [JobReference])
    /// A report whose signature is good.
    case report(SignedReport)
    /// A report that is worth nothing.
    case refused(ReportRefusal)
}

/// A report and what its signature covers beside it.
struct SignedReport: Hashable, Sendable {
    /// What binds a report to its place and time.
    struct Header: Hashable, Sendable {
        var serverID: String
        var sessionID: [UInt8]
        var sequence: Int64
        var issuedAt: Timestamp?
    }

    /// What an agent can report.
    enum Content: Hashable, Sendable {
        /// How far a job has come.
        case progress(JobProgress)
        /// Every container, what belongs to nothing, and how long ago the agent began to look.
        case inventory([ObservedContainer], orphans: [ServerOrphan], surveyAge: Duration)
        /// A job that it would not do.
        case jobRefusal(JobReference?, reason: String)
        /// A piece of a service's logs.
        case logs(AgentLogChunk)
    }

    var header: Header
    var content: Content
}

extension SignedReport {
    /// Why an agent refuses a job that it was sent before: it has it already.
    static let replayed = "REPLAYED"
}

/// A piece of a service's logs, as an agent sends it.
struct AgentLogChunk: Hashable, Sendable {
    /// The request that it answers.
    var tailID: String
    var lines: [LogLine]
    /// Whether it is the last.
    var isEnd: Bool
    /// Why it is the last; empty at the logs' end.
    var error: String

    /// What an agent says when there is no container.
    static let noContainer = "NO_CONTAINER"
}

/// What the control plane says.
enum ControlMessage: Hashable, Sendable {
    /// The stream is accepted.
    case welcome(heartbeatInterval: Duration)
    /// Answers a heartbeat.
    case heartbeatAck(lost: [JobReference])
    /// Something to do.
    case job(AgentJob)
    /// What shall run on the server, and of which layouts volumes may be initialised ahead.
    case desired([DesiredService], layouts: [DataLayout])
    /// Begin to send logs.
    case logs(LogRequest)
    /// Stop sending logs.
    case stopLogs(tailID: String, ServiceID)
}

/// A wish for a service's logs.
struct LogRequest: Hashable, Sendable {
    /// Names the request.
    var tailID: String
    var serviceID: ServiceID
    var tailLines: Int32
    var follow: Bool
}

/// A service whose container shall run.
struct DesiredService: Hashable, Sendable {
    var serviceID: ServiceID
    var deploymentID: DeploymentID
}

/// An agent's end of a stream, messages read and written.
protocol AgentLink: AnyObject {
    /// The id of the call, for the audit trail.
    var callID: String { get }

    /// Waits for hello, which comes first.
    /// - Throws: What the caller is told when it is anything else.
    func receiveHello() async throws -> AgentHello

    /// Waits for the next message; nil when the agent has ended its side.
    func receive(from identity: AgentIdentity) async throws -> AgentMessage?

    /// Sends a message, jobs signed; waits until there is room for another.
    func send(_ message: ControlMessage, to identity: AgentIdentity) async throws
}
