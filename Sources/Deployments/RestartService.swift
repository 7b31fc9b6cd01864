public import Domain
import PostgresClient

/// Has a service's container stopped and started again.
public struct RestartService {
    let authorizer: any Authorizer
    let sessions: any SessionRunner
    let transactions: any TransactionRunner
    let services: any DeployableServices
    let instances: any InstanceStore
    let jobs: any JobStore
    let audit: any AuditRecorder
    let clock: any WallClock

    /// Queues a restart; a service has one at a time.
    ///
    /// - Throws: ``Problem``: `unauthenticated`, `invalidArgument`, `notFound`,
    ///   `permissionDenied`, `failedPrecondition`.
    public func callAsFunction(id text: String, caller: CallerContext) async throws {
        let (id, grant) = try await authorizeService(text, .writeServices, authorizer, caller)
        let whereabouts = try await sessions.inSession { session in
            try await instances.whereabouts(of: id, in: session)
        }
        let now = clock.now()
        try await transactions.inTransaction { tx in
            let service = try await services.liveWithinTx(tx, id)
            guard let whereabouts, whereabouts.isRunning else {
                throw Problem(.failedPrecondition, "the service has no deployment that runs")
            }
            _ = try await jobs.queueJobWithinTx(tx, JobID.new(at: now), .restart, of: id)
            try await audit.recordWithinTx(
                tx, AuditEntry("service.restart", grant, id, caller, at: now))
            tx.notify(
                ChangeNotice(
                    hasWork: true, serverID: whereabouts.serverID,
                    environmentID: service.environmentID, serviceID: id, deploymentID: nil))
        }
    }
}
