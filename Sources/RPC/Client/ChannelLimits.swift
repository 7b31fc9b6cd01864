public import HTTP2
public import Messages

/// Everything that one channel may use up, and its patience, by name.
public struct ChannelLimits: Sendable {
    /// What its connection may use.
    public var connection = ConnectionLimits()
    /// What one response may cost; `messageBytesMax` counts after decompression.
    public var message = MessageLimits.standard
    /// Calls that may wait for a connection or for room on it.
    public var queuedCallsMax = 1024
    /// Attempts of one call, the first included.
    public var attemptsMax = 5
    /// The pause before the second attempt of a repeatable call; it doubles, with jitter.
    public var retryPause: Duration = .milliseconds(100)
    /// How long one address may take from the connect to its SETTINGS.
    public var connectTimeMax: Duration = .seconds(20)
    /// The pause after the first failure to connect (gRPC, "connection backoff").
    public var backoffBase: Duration = .seconds(1)
    /// What each further pause is multiplied by.
    public var backoffMultiplier = 1.6
    /// The longest pause.
    public var backoffMax: Duration = .seconds(120)
    /// How far a pause may lie beside its value, as a share of it.
    public var backoffJitter = 0.2
    /// How long a connection may be silent before it is asked for a sign of life; nil: it never is.
    /// Servers take more than one in five minutes for abuse unless they say otherwise.
    public var keepaliveTime: Duration?
    /// How long the answer may take before the connection counts as dead.
    public var keepaliveTimeout: Duration = .seconds(20)
    /// Whether a connection without calls is asked too.
    public var keepaliveWithoutCalls = false

    /// The defaults.
    public init() {}
}
