/// Where a deployment stands; the names are those of the schema.
public enum DeploymentState: String, CaseIterable, Sendable {
    /// Waits for an agent.
    case queued
    /// An agent holds its lease.
    case claimed
    /// The agent fetches the image.
    case pulling
    /// The container is being started.
    case starting
    /// The agent logs in with the stored credentials.
    case verifying
    /// Proven: a login and `SELECT 1` succeeded.
    case running
    /// Ended without success.
    case failed
    /// A newer deployment took its place.
    case superseded
    /// Ended by a caller before it ran.
    case cancelled
}

extension DeploymentState {
    /// Whether an agent works on it.
    public var isAtWork: Bool {
        switch self {
        case .claimed, .pulling, .starting, .verifying: true
        case .queued, .running, .failed, .superseded, .cancelled: false
        }
    }

    /// Whether it has come as far as it can without another deployment: it runs or has ended.
    public var isSettled: Bool { self != .queued && !isAtWork }
}
