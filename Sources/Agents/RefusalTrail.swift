import Domain
import EventLoops
import Logging
import PostgresClient

/// Audits what was refused, so many a minute and server: an agent gone wild must not fill the trail.
final class RefusalTrail {
    private let transactions: any TransactionRunner
    private let audit: any AuditRecorder
    private let clock: any WallClock
    private let logger: Logger
    private let perMinuteMax: Int
    private var windows: [ServerID: Window] = [:]

    private struct Window {
        let began: Instant
        var count: Int
    }

    /// The servers that are remembered at once.
    private static let windowsMax = 1024

    init(
        transactions: any TransactionRunner, audit: any AuditRecorder, clock: any WallClock,
        perMinuteMax: Int, logger: Logger
    ) {
        self.transactions = transactions
        self.audit = audit
        self.clock = clock
        self.perMinuteMax = perMinuteMax
        self.logger = logger
    }

    /// Records a refusal; that this fails is only logged, since the refusal stands anyway.
    func record(
        _ action: String, _ detail: String, of identity: AgentIdentity, callID: String
    ) async {
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
            }
        } catch {
            logger.error(
                "a refusal was not audited",
                metadata: ["error": "\(error)", "request_id": "\(callID)"])
        }
    }

    private func admits(_ server: ServerID) -> Bool {
        let now = Instant.now()
        if let window = windows[server], window.began.duration(to: now) < .seconds(60) {
            guard window.count < perMinuteMax else { return false }
            windows[server]?.count += 1
            return true
        }
        if windows.count >= RefusalTrail.windowsMax {
            windows = windows.filter { $0.value.began.duration(to: now) < .seconds(60) }
            guard windows.count < RefusalTrail.windowsMax else { return false }
        }
        windows[server] = Window(began: now, count: 1)
        return true
    }
}
