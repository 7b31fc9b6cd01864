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
        message = AgentV1.JobProgress.oneLine(progress.message)
        failureReason = progress.failure?.reason ?? ""
        failureHint = progress.failure?.hint ?? ""
        outcome = progress.outcome.map { AgentV1.JobOutcome($0) }
    }

    /// The text in one line, without what a protobuf string may not hold, and not too long.
    private static func oneLine(_ text: String) -> String {
        let bytes = text.utf8.prefix(messageBytesMax).map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }
        return String(decoding: bytes, as: UTF8.self)
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
