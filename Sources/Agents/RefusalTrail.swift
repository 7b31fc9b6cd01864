import Domain
import EventLoops
import Logging
import PostgresClient

/// Audits what was refused and notes it for the server's viewers, so many a minute and server: an agent
/// gone wild must not fill the trail.
final class RefusalTrail {
    private let transactions: any TransactionRunner
    private let audit: any AuditRecorder
    private let store: any AgentStore
    private let clock: any WallClock
    private let logger: Logger
    private let perMinuteMax: Int
    private var windows: [ServerID: Window] = [:]

    private struct Window {
        let began: Instant
        var count: Int
    }

    /// What ``perMinuteMax`` counts in.
    private static let window = Duration.seconds(60)
    /// The servers that are remembered at once.
    private static let windowsMax = 1024

    init(
        transactions: any TransactionRunner, audit: any AuditRecorder, store: any AgentStore,
        clock: any WallClock, perMinuteMax: Int, logger: Logger
    ) {
        self.transactions = transactions
        self.audit = audit
        self.store = store
        self.clock = clock
        self.perMinuteMax = perMinuteMax
        self.logger = logger
    }

    /// What was refused.
    enum Refused {
        /// A job, by the agent.
        case job
        /// A report of the agent.
        case report

        var action: String {
            switch self {
            case .job: "agent.refuse_job"
            case .report: "agent.report_refused"
            }
        }

        var noun: String {
            switch self {
            case .job: "job"
            case .report: "report"
            }
        }
    }

    /// Records a refusal; that this fails is only logged, since the refusal stands anyway.
    ///
    /// - Parameter why: The reason, for programs.
    func record(
        _ refused: Refused, _ why: String, about job: String? = nil, of identity: AgentIdentity,
        callID: String
    ) async {
        let action = refused.action
        let detail = job.map { "\($0): \(why)" } ?? why
        logger.warning(
            "refused",
            metadata: [
                "action": "\(action)", "detail": "\(detail)", "server_id": "\(identity.serverID)",
                "request_id": "\(callID)",
            ])
        guard admits(identity.serverID) else { return }
        let entry = AuditEntry(
            action: action, server: identity.serverID, workspaceID: identity.workspaceID,
            callID: callID, detail: detail, at: clock.now())
        do {
            try await transactions.inTransaction { tx in
                try await audit.recordWithinTx(tx, entry)
                try await store.noteRefusalWithinTx(
                    tx, "\(refused.noun): \(why)", of: identity.serverID)
            }
        } catch {
            logger.error(
                "a refusal was not audited",
                metadata: ["error": "\(error)", "request_id": "\(callID)"])
        }
    }

    private func admits(_ server: ServerID) -> Bool {
        let now = Instant.now()
        if let window = windows[server], window.began.duration(to: now) < RefusalTrail.window {
            guard window.count < perMinuteMax else { return false }
            windows[server]?.count += 1
            return true
        }
        if windows.count >= RefusalTrail.windowsMax {
            windows = windows.filter { $0.value.began.duration(to: now) < RefusalTrail.window }
            guard windows.count < RefusalTrail.windowsMax else { return false }
        }
        windows[server] = Window(began: now, count: 1)
        return true
    }
}
