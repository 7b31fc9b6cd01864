public import HTTP2
public import Messages

/// Everything that a server's callers may use up, by name. All are of one loop.
public struct ServerLimits: Sendable {
    /// What one connection may use.
    public var connection = ConnectionLimits()
    /// Connections at once; further ones are closed as they come.
    public var connectionsMax = 10_000
    /// Handlers running at once, those included whose caller has gone; further calls get
    /// RESOURCE_EXHAUSTED.
    public var handlersRunningMax = 4096
    /// Handlers running at once for one connection, those included whose streams have ended; further
    /// calls get RESOURCE_EXHAUSTED. As many as streams unless told otherwise: a proxy that is told of
    /// fewer streams opens another connection, one whose calls are refused does not.
    public var handlersPerConnectionMax = 256
    /// Streams that anyone may keep open without a credential (``AnonymousStreams``); further ones get
    /// RESOURCE_EXHAUSTED, and all other calls are served as before.
    public var anonymousStreamsMax = 256
    /// The same on one connection.
    public var anonymousStreamsPerConnectionMax = 32
    /// How long such a stream may be without a request, where the client asks and we answer.
    public var anonymousStreamIdleTimeMax: Duration = .seconds(60)
    /// Calls that are open at once, those included whose request has not arrived; of these the oldest
    /// gets RESOURCE_EXHAUSTED when another call comes, which does when there is none.
    public var callsOpenMax = 16_384
    /// How long the one request of a call may take to arrive; then the call gets RESOURCE_EXHAUSTED.
    public var requestTimeMax: Duration = .seconds(30)
    /// What one message may cost; `messageBytesMax` counts after decompression.
    public var message = MessageLimits.standard
    /// Bytes of messages that may lie on one connection, whole or in part, before a handler takes
    /// them; the call that needs more gets RESOURCE_EXHAUSTED.
    public var receivedBytesPerConnectionMax = 32 * 1024 * 1024
    /// The same on all connections of the loop, and the header sections of calls whose request has not
    /// arrived: of these the oldest get RESOURCE_EXHAUSTED, then the call for which more arrives.
    public var receivedBytesPerLoopMax = 256 * 1024 * 1024
    /// How long a request that is no call, such as `GET /`, may take to arrive before it is answered.
    public var plainRequestTimeMax: Duration = .seconds(10)
    /// Lines of the log about what was refused before it became a call, connections included: at once
    /// and each second. What is beyond is counted, and the next line says how much that was.
    public var refusalsLogged = ConnectionLimits.Rate(burst: 20, perSecond: 1)
    /// Bytes of `grpc-message` after its encoding; the text is cut there.
    public var statusMessageBytesMax = 2048
    /// Bytes of `RPCStatus.details`; larger ones are dropped, since clients refuse trailers of more
    /// than 8 KiB.
    public var statusDetailsBytesMax = 4096
    /// From how many bytes on a response is compressed when the client accepts gzip and the handler
    /// did not say; nil is never.
    public var compressedResponseBytesMin: Int?

    /// The defaults.
    public init() {}
}
