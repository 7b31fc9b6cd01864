import Domain

/// What bounds the work of agents; docs/architecture/deployment-engine.md says why.
enum EngineLimits {
    /// How long a claim holds without a heartbeat.
    static let lease = Duration.seconds(60)
    /// The claims of one deployment, of which the last may still succeed.
    static let attemptsMax: Int32 = 10
    /// From a deployment's first claim until it is given up.
    static let deadline = Duration.seconds(30 * 60)
    /// The jobs that one agent works on at a time.
    static let jobsPerAgentMax = 4
    /// The jobs that one renewal or inventory names at most; further ones are not looked at.
    static let namedMax = 4096
    /// The bytes of a message for people; longer ones are cut.
    static let messageLengthMax = 2048
    /// The bytes of a failure's reason.
    static let reasonLengthMax = 64
    /// How long after a recovery the next may begin.
    static let recoverPause = Duration.seconds(30)
    /// The recoveries of one service within ``recoverWindow``.
    static let recoveriesMax = 5
    /// What ``recoveriesMax`` counts in.
    static let recoverWindow = Duration.seconds(60 * 60)
    /// How long after the end of a service's job an inventory without its container may still be older
    /// than that, beside the age that its agent tells: for what the way of either took.
    static let settleDuration = Duration.seconds(5)
    /// The age of an inventory that is believed; an agent looks again within a minute.
    static let surveyAgeMax = Duration.seconds(10 * 60)
    /// How often a container is started again within ``crashLoopWindow`` until it counts as down.
    static let restartsMax: Int32 = 3
    /// After a container ran that long, what was before is forgotten.
    static let crashLoopWindow = Duration.seconds(60)
    /// The pause after a job's first failure; it doubles with each further one.
    static let retryPause = Duration.seconds(5)
    /// The longest pause between two tries of a job.
    static let retryPauseMax = Duration.seconds(10 * 60)
    /// The services whose observed state one transaction changes.
    static let observedBatchMax = 32
    /// The deployments that one sweep of deadlines gives up.
    static let sweepBatchMax = 100

    /// How long the parts of a job may take; their sum is less than ``deadline``.
    static func timeouts(start: Duration) -> JobTimeouts {
        JobTimeouts(pull: .seconds(10 * 60), start: start, stop: .seconds(60))
    }
}

extension Duration {
    /// Whole milliseconds, those of a part rounded down.
    var inMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
