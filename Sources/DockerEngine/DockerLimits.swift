/// What bounds the memory and the time that an engine, or who poses as one, can cost us.
public struct DockerLimits: Equatable, Sendable {
    /// Bytes of a whole answer, such as a list of containers.
    public var answerBytesMax = 8 * 1024 * 1024
    /// Bytes of all header fields of an answer.
    public var headerBytesMax = 64 * 1024
    /// Bytes of one JSON text in a stream of events or of a pull's progress.
    public var lineBytesMax = 1024 * 1024
    /// Bytes of a stream that wait for the consumer; past it the transfer pauses. libcurl adds at
    /// most one piece of 16 KiB, and what the socket holds.
    public var bufferedBytesMax = 64 * 1024
    /// Requests and streams that run at once.
    public var requestsAtOnceMax = 256
    /// Idle connections that are kept for the next request.
    public var idleConnectionsMax = 8

    /// The defaults.
    public init() {}

    /// The deadline of calls that only look something up or change little.
    public static let shortDeadline = Duration.seconds(15)
    /// The deadline of calls that make the kernel work: start, remove.
    public static let longDeadline = Duration.seconds(60)
    /// The deadline of a pull.
    public static let pullDeadline = Duration.seconds(20 * 60)
}
