import Domain
import PostgresClient

/// Records how far a job has come, if whoever tells has the right to it.
struct RecordProgress {
    let transactions: any TransactionRunner
    let store: any DeploymentStore
    let jobs: any JobStore
    let instances: any InstanceStore
    let services: any DeployableServices
    let readable: ReadableText
    let clock: any WallClock

    /// False when the right to the job was lost; nothing is changed then.
    ///
    /// - Parameter isAgents: Whether the agent tells, which has undone then what has failed.
    func callAsFunction(
        _ holder: LeaseHolder, _ progress: JobProgress, isAgents: Bool = true
    ) async throws -> Bool {
        let texts = try await readable(
            [progress.message, progress.failure?.hint ?? ""], of: progress.serviceID)
        let told = Told(
            serviceID: progress.serviceID, jobID: progress.reference.jobID, state: progress.state,
            message: texts[0], isAgents: isAgents,
            failure: JobFailure(
                reason: ReasonWord.of(progress.failure?.reason ?? ""), hint: texts[1]),
            outcome: progress.outcome.map(RecordProgress.plausible))
        return try await transactions.inTransaction { tx in
            let job = try await jobs.lockWithinTx(
                tx, holder, progress.reference, serviceID: progress.serviceID)
            switch job {
            case nil:
                return false
            case .deployment(let deployment):
                guard deployment.isHeld else { return deployment.state.isEnd(of: told.state) }
                if told.state.isEnd {
                    try await instances.noteWorkedWithinTx(tx, told.serviceID)
                }
                try await apply(tx, told, to: deployment)
                tx.notify(
                    ChangeNotice(
                        hasWork: told.state.isEnd, serverID: holder.serverID,
                        environmentID: deployment.environmentID, serviceID: told.serviceID,
                        deploymentID: deployment.id))
                return true
            case .other(let kind, let attempt, let environmentID):
                if told.state.isEnd {
                    try await instances.noteWorkedWithinTx(tx, told.serviceID)
                }
                try await apply(tx, told, to: kind, attempt: attempt, in: environmentID)
                tx.notify(
                    ChangeNotice(
                        hasWork: told.state.isEnd, serverID: holder.serverID,
                        environmentID: environmentID, serviceID: told.serviceID,
                        deploymentID: nil))
                return true
            }
        }
    }

    /// A progress whose text is fit to be stored.
    private struct Told {
        let serviceID: ServiceID
        let jobID: JobID
        let state: JobProgress.State
        let message: String
        let isAgents: Bool
        let failure: JobFailure
        let outcome: JobOutcome?
    }

    private func apply(
        _ tx: Transaction, _ told: Told, to deployment: LockedJob.LockedDeployment
    ) async throws {
        let id = deployment.id
        if let outcome = told.outcome {
            try await jobs.noteOutcomeWithinTx(tx, id, of: told.serviceID, outcome)
        }
        switch told.state {
        case .accepted, .pulling, .starting, .verifying:
            try await jobs.advanceWithinTx(
                tx, id, to: deployment.state.advanced(to: told.state), message: told.message)
        case .succeeded:
            let found = told.outcome?.systemIdentifier ?? ""
            guard
                found.isEmpty || deployment.systemIdentifier.isEmpty
                    || found == deployment.systemIdentifier
            else {
                try await jobs.failWithinTx(
                    tx, id, message: "the data that was found is not this service's",
                    RecordProgress.dataChanged)
                // The agent holds it for a success.
                try await jobs.queueUndoWithinTx(tx, of: id)
                return
            }
            try await jobs.succeedWithinTx(tx, id, of: told.serviceID, message: told.message)
            // The agent has removed all others' containers.
            try await jobs.dropJobWithinTx(tx, .undo, of: told.serviceID)
        case .failed:
            try await jobs.failWithinTx(tx, id, message: told.message, told.failure)
            if !told.isAgents, deployment.attempt > 1 {
                // An agent may have begun it after an earlier claim.
                try await jobs.queueUndoWithinTx(tx, of: id)
            }
        case .cancelled:
            if deployment.isCancelRequested {
                try await jobs.cancelledWithinTx(tx, id, message: told.message)
            } else {
                // An agent that stops by itself, such as at its own end: another claim goes on.
                try await jobs.releaseWithinTx(tx, id)
            }
        }
    }

    private func apply(
        _ tx: Transaction, _ told: Told, to kind: ServiceJobKind, attempt: Int32,
        in environmentID: EnvironmentID
    ) async throws {
        switch (told.state, kind) {
        case (.accepted, _), (.pulling, _), (.starting, _), (.verifying, _):
            try await jobs.holdJobWithinTx(tx, told.jobID)
        case (.succeeded, .restart):
            try await jobs.endJobWithinTx(tx, told.jobID)
            try await instances.noteRestartedWithinTx(tx, told.serviceID)
        case (.succeeded, .undo), (.cancelled, .undo):
            try await jobs.endJobWithinTx(tx, told.jobID)
        case (.succeeded, .teardown):
            try await jobs.endJobWithinTx(tx, told.jobID)
            try await jobs.dropJobWithinTx(tx, .undo, of: told.serviceID)
            try await instances.noteTornDownWithinTx(tx, told.serviceID)
            try await services.markTornDownWithinTx(tx, told.serviceID, at: clock.now())
        case (.succeeded, .purge):
            try await jobs.endJobWithinTx(tx, told.jobID)
            try await services.markPurgedWithinTx(tx, told.serviceID, at: clock.now())
            try await store.releaseEnvironmentWithinTx(tx, environmentID)
        case (.failed, .restart):
            try await jobs.endJobWithinTx(tx, told.jobID)
            // There is no row of a restart that could keep it.
            try await instances.noteRestartFailedWithinTx(
                tx, told.serviceID, reason: told.failure.reason, message: told.message)
        case (.failed, .teardown), (.failed, .purge), (.failed, .undo), (.cancelled, _):
            try await jobs.retryJobWithinTx(
                tx, told.jobID, after: RecordProgress.pause(afterAttempt: attempt),
                message: told.message)
        }
    }

    /// Doubles with each attempt, up to a limit.
    static func pause(afterAttempt attempt: Int32) -> Duration {
        let doublings = Int(min(max(attempt, 1), 16)) - 1
        return min(EngineLimits.retryPause * (1 << doublings), EngineLimits.retryPauseMax)
    }

    /// Drops what cannot be what it is called: it came from outside.
    private static func plausible(_ outcome: JobOutcome) -> JobOutcome {
        func isPlain(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }
        let digits =
            outcome.systemIdentifier.utf8.count <= 20
            && outcome.systemIdentifier.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
        let isImage =
            outcome.pinnedImage.utf8.count <= 512
            && outcome.pinnedImage.utf8.allSatisfy(isPlain)
        return JobOutcome(
            pinnedImage: isImage ? outcome.pinnedImage : "",
            volumeName: isVolumeName(outcome.volumeName) ? outcome.volumeName : "",
            initialized: outcome.initialized,
            systemIdentifier: digits ? outcome.systemIdentifier : "")
    }

    /// What Docker takes for a volume's name.
    private static func isVolumeName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        return isWord(first)
            && text.utf8.allSatisfy {
                isWord($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: "-")
            }
    }

    private static let dataChanged = JobFailure(
        reason: "DATA_CHANGED",
        hint:
            "The volume holds another PostgreSQL than before. Look at the server's volumes before "
            + "you deploy again.")
}

extension JobProgress.State {
    /// Whether it is the last that is heard of a job.
    var isEnd: Bool {
        switch self {
        case .accepted, .pulling, .starting, .verifying: false
        case .succeeded, .failed, .cancelled: true
        }
    }
}

extension DeploymentState {
    /// The state of a deployment at work whose agent tells of `progress`: never an earlier one.
    func advanced(to progress: JobProgress.State) -> DeploymentState {
        let order: [DeploymentState] = [.claimed, .pulling, .starting, .verifying]
        let told: DeploymentState =
            switch progress {
            case .accepted: .claimed
            case .pulling: .pulling
            case .starting: .starting
            case .verifying, .succeeded, .failed, .cancelled: .verifying
            }
        let now = order.firstIndex(of: self) ?? 0
        return order[max(now, order.firstIndex(of: told) ?? 0)]
    }

    /// Whether a report of that end was recorded before: an agent may say it twice.
    func isEnd(of progress: JobProgress.State) -> Bool {
        switch progress {
        case .accepted, .pulling, .starting, .verifying: false
        case .succeeded: self == .running || self == .superseded
        case .failed: self == .failed
        case .cancelled: self == .cancelled
        }
    }
}
