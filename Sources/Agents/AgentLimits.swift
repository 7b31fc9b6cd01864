/// What an agent may use up, and how long things may take. Each stream's own, but for
/// ``refusalsAuditedPerMinuteMax`` and ``hellosMax``.
public struct AgentLimits: Sendable {
    /// How often an agent shall send a heartbeat.
    public var heartbeatInterval = Duration.seconds(10)
    /// How long an agent may be silent before its stream is ended.
    public var silenceTimeMax = Duration.seconds(30)
    /// How long an agent may take to say hello.
    public var helloTimeMax = Duration.seconds(10)
    /// Hellos that are looked into at once on one loop: until then nobody knows whether the credential
    /// is an agent's, and each is a transaction.
    public var hellosMax = 64
    /// Jobs that an agent works on at once.
    public var jobsRunningMax = 4
    /// From a job's signing until it shall not be begun any more.
    public var jobBeginTimeMax = Duration.seconds(300)
    /// How far a report's time may be from ours.
    public var clockDifferenceMax = Duration.seconds(300)
    /// The bytes of one report.
    public var reportBytesMax = 256 * 1024
    /// The jobs that a heartbeat may name.
    public var jobsPerHeartbeatMax = 64
    /// The containers that an inventory may name.
    public var containersPerInventoryMax = 2048
    /// Messages that may wait for an agent; one that does not take them loses its stream.
    public var outgoingMax = 64
    /// Refusals that are audited of one server in a minute, on one loop; more are only logged.
    public var refusalsAuditedPerMinuteMax = 10
    /// Log requests that an agent answers at once.
    public var tailsPerStreamMax = 16
    /// Log requests of one stream that may begin at once after a pause; each is a job or two for the
    /// agent, which remembers some thousand jobs' nonces for five minutes.
    public var tailsBurstMax = 60
    /// Log requests of one stream that may begin in a minute, after ``tailsBurstMax``.
    public var tailsPerMinuteMax = 120
    /// The orphans of a server that are kept and shown.
    public var orphansShownMax = 32
    /// The names of orphans that an inventory may have; more are not looked at.
    public var orphansPerInventoryMax = 4096
    /// Bytes of log text that an agent may send in a second; it is slowed down beyond that.
    public var logBytesPerSecondMax = 1024 * 1024
    /// How long the stream of a server's agent may take to take a log request up.
    public var tailBeginTimeMax = Duration.seconds(3)
    /// Bytes of log text that may wait for one reader.
    public var tailBytesQueuedMax = 1024 * 1024
    /// How long ``AgentGateway/stop()`` waits until the streams' ends are recorded.
    public var stopTimeMax = Duration.seconds(2)

    /// The defaults.
    public init() {}
}
