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
    /// Bytes of a call's header section as HTTP/2 counts them, 32 more for each field; a call beyond
    /// gets RESOURCE_EXHAUSTED.
    public var requestMetadataBytesMax = 16 * 1024
    /// Bytes of responses that may lie on a connection, whole or in part, before they are taken; the
    /// call that needs more gets RESOURCE_EXHAUSTED.
    public var receivedBytesPerConnectionMax = 32 * 1024 * 1024
    /// Bytes of requests that are kept of a call in case it must be made again; one that sent more
    /// is not.
    public var replayBytesMax = 1024 * 1024
    /// Attempts of one call, the first included.
    public var attemptsMax = 5
    /// The pause before the second attempt of a repeatable call; it doubles, with jitter.
    public var retryPause: Duration = .milliseconds(100)
    /// The longest pause between two attempts of a call.
    public var retryPauseMax: Duration = .seconds(5)
    /// How long one address may take from the connect to its SETTINGS.
    public var connectTimeMax: Duration = .seconds(20)
    /// The pause after the first failure to connect, from the beginning of the attempt (gRPC,
    /// "connection backoff").
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

    /// The pauses between two attempts of a call.
    var retryBackoff: Backoff {
        Backoff(
            initial: retryPause, multiplier: 2, max: retryPauseMax, jitter: backoffJitter)
    }
    /// The pauses between two attempts to connect.
    var connectBackoff: Backoff {
        Backoff(
            initial: backoffBase, multiplier: backoffMultiplier, max: backoffMax,
            jitter: backoffJitter)
    }
    /// What one connection may use; its preface has the time that connecting has.
    var ofConnection: ConnectionLimits {
        var limits = connection
        limits.prefaceTimeMax = connectTimeMax
        return limits
    }
}
