import Domain
import PostgresClient

/// Takes a job back that an agent would not begin, so that nobody waits for the lease's end.
struct RefuseJob {
    let transactions: any TransactionRunner
    let jobs: any JobStore

    /// Without effect when the right to the job was lost meanwhile.
    ///
    /// The job is sent anew: at once after its first attempt, then after pauses that grow, for most of
    /// what makes an agent refuse (such as a clock that is off) lasts.
    ///
    /// - Parameter reason: For programs: upper case with underscores.
    func callAsFunction(
        _ holder: LeaseHolder, _ reference: JobReference, reason: String
    ) async throws {
        let reason = ReasonWord.of(reason)
        let message = "the server's agent refused the job (\(reason)); it is sent again"
        try await transactions.inTransaction { tx in
            guard let serviceID = try await jobs.serviceWithinTx(tx, of: reference.jobID) else {
                return
            }
            let job = try await jobs.lockWithinTx(tx, holder, reference, serviceID: serviceID)
            switch job {
            case .deployment(let deployment) where deployment.isHeld:
                try await jobs.refusedWithinTx(
                    tx, deployment.id, reason: reason, message: message,
                    after: RefuseJob.pause(afterAttempt: deployment.attempt))
                tx.notify(
                    ChangeNotice(
                        hasWork: false, serverID: holder.serverID,
                        environmentID: deployment.environmentID, serviceID: serviceID,
                        deploymentID: deployment.id))
            case .other(_, let attempt, let environmentID):
                try await jobs.retryJobWithinTx(
                    tx, reference.jobID, after: RefuseJob.pause(afterAttempt: attempt),
                    message: message)
                tx.notify(
                    ChangeNotice(
                        hasWork: false, serverID: holder.serverID, environmentID: environmentID,
                        serviceID: serviceID, deploymentID: nil))
            case .deployment, nil: break
            }
        }
    }

    private static func pause(afterAttempt attempt: Int32) -> Duration {
        attempt > 1 ? RecordProgress.pause(afterAttempt: attempt - 1) : .zero
    }
}
