import BerthMessages
import Domain

extension AgentV1.JobProgress {
    /// The longest message, in bytes.
    static let messageBytesMax = 8 * 1024

    init(_ progress: JobProgress) {
        self.init()
        reference = AgentV1.JobReference(progress.reference)
        serviceID = "\(progress.serviceID)"
        state = AgentV1.JobState(progress.state)
        message = PlainText.line(of: progress.message, lengthMax: Self.messageBytesMax)
        failureReason = progress.failure?.reason ?? ""
        failureHint = progress.failure?.hint ?? ""
        outcome = progress.outcome.map { AgentV1.JobOutcome($0) }
    }
}

extension AgentV1.JobState {
    init(_ state: JobProgress.State) {
        switch state {
        case .accepted: self = .accepted
        case .pulling: self = .pulling
        case .starting: self = .starting
        case .verifying: self = .verifying
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        }
    }
}

extension AgentV1.JobOutcome {
    init(_ outcome: JobOutcome) {
        self.init()
        pinnedImage = outcome.pinnedImage
        volumeName = outcome.volumeName
        initialized = outcome.initialized
        systemIdentifier = outcome.systemIdentifier
    }
}
