import Agents
import Domain

/// Work that a test hands out, and what agents told of it.
final class FakeJobs: AgentJobs {
    /// What waits; claimed from the front.
    var waiting: [AgentJob] = []
    /// Orders to cancel, handed out whatever the limit.
    var cancels: [AgentJob] = []
    /// How long until a pause is over, told once.
    var pauseLeft: Duration?
    /// Which of a heartbeat's jobs are lost.
    var lost: Set<JobReference> = []
    /// Whether progress counts.
    var recordsProgress = true
    var desired: [(service: ServiceID, deployment: DeploymentID)] = []
    /// Names that are no strangers'.
    var known: Set<String> = []

    /// Which of hello's jobs nobody has claimed since.
    var adoptable: Set<JobReference> = []

    private(set) var limits: [Int] = []
    private(set) var adopted: [[JobReference]] = []
    private(set) var refusals: [String] = []
    private(set) var surveyAges: [Duration] = []
    private(set) var renewed: [[JobReference]] = []
    private(set) var progress: [JobProgress] = []
    private(set) var observed: [[ObservedContainer]] = []
    private(set) var sessions: [AgentSessionID] = []
    /// The names that strangers were looked for among.
    private(set) var asked: [[String]] = []

    func claim(
        server: ServerID, session: AgentSessionID, limit: Int
    ) async throws -> ClaimedWork {
        limits.append(limit)
        sessions.append(session)
        let claimed = Array(waiting.prefix(limit))
        waiting.removeFirst(claimed.count)
        defer { (cancels, pauseLeft) = ([], nil) }
        return ClaimedWork(jobs: cancels + claimed, pauseLeft: pauseLeft)
    }

    func renew(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference] {
        renewed.append(jobs)
        return jobs.filter(lost.contains)
    }

    func adopt(
        server: ServerID, session: AgentSessionID, jobs: [JobReference]
    ) async throws -> [JobReference] {
        adopted.append(jobs)
        return jobs.filter(adoptable.contains)
    }

    func refused(
        server: ServerID, session: AgentSessionID, job: JobReference, reason: String
    ) async throws {
        refusals.append("\(job.jobID) \(job.fencingToken) \(reason)")
    }

    func record(
        server: ServerID, session: AgentSessionID, progress: JobProgress
    ) async throws -> Bool {
        self.progress.append(progress)
        return recordsProgress
    }

    func observe(
        server: ServerID, session: AgentSessionID, containers: [ObservedContainer],
        surveyAge: Duration
    ) async throws {
        observed.append(containers)
        surveyAges.append(surveyAge)
    }

    func strangers(among names: [String], server: ServerID) async throws -> [String] {
        asked.append(names)
        return names.filter { !known.contains($0) }
    }

    func desired(
        server: ServerID
    ) async throws -> [(service: ServiceID, deployment: DeploymentID)] { desired }
}

extension AgentJob {
    /// A job that says as little as a job can; ids rise with `number`.
    static func sample(_ number: UInt64, token: Int64 = 1, kind: Kind? = nil) -> AgentJob {
        AgentJob(
            reference: JobReference(
                jobID: JobID(high: 0x0190_0000_0000_7000, low: number), fencingToken: token),
            serviceID: ServiceID(high: 0x0190_0000_0000_7001, low: number),
            kind: kind ?? .purge(volumeName: "berth-data-\(number)"))
    }
}
