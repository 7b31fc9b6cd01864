public import EventLoops

/// Something that follows one stream. Called on the connection's loop, after the library has
/// returned: it may do anything to the stream.
public protocol StreamObserver: AnyObject {
    /// A header section arrived: a response's (no informational one), or trailers.
    func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop)
    /// Bytes of the body or its end arrived; look at ``HTTP2Stream/received``.
    func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop)
    /// Nothing is queued on the stream any more, after a write had to wait.
    func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop)
    /// The stream is over; called exactly once, and last.
    func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop)
}

/// One exchange on a connection: header section, body and trailers in each direction.
///
/// Writing queues bytes; they go out at the end of the loop's turn, as far as the peer's windows
/// allow. Everything is without effect once the stream is closed.
public final class HTTP2Stream {
    /// The stream's number on its connection.
    public let id: Int32
    /// The connection's session.
    let session: Session
    /// Who follows the stream; released when it closes.
    public var observer: (any StreamObserver)?

    /// The first header section from the peer.
    public internal(set) var headers = HeaderBlock(reserved: ())
    /// The peer's trailers, once they are there.
    public internal(set) var trailers: HeaderBlock?
    /// Whether a header section of the peer was larger than
    /// ``ConnectionLimits/headerListBytesMax``; then not all of it is kept.
    public internal(set) var isHeaderListTooLarge = false
    /// Bytes of the body that nobody has taken yet.
    public internal(set) var received = ByteQueue()
    /// Bytes of the body that were taken but wait elsewhere, counted as if they were still here;
    /// whoever holds them keeps it up to date.
    public var heldBytes = 0 {
        didSet { session.recorder.receivedBytes += heldBytes - oldValue }
    }
    /// Whether the peer has ended its side.
    public internal(set) var isRemoteEnded = false
    /// Whether our side's end has been handed to the connection's buffer.
    public internal(set) var isLocalEndSent = false
    /// Whether the stream is over.
    public internal(set) var isClosed = false
    /// Whether the stream is over because its connection is.
    public internal(set) var isCutOff = false

    var queued = ByteQueue()
    var queuedTrailers: HeaderBlock?
    var isFinishing = false
    var hasHeaders = false
    var hasBegunResponse = false
    /// Whether the data source had nothing and must be resumed by the next write.
    var isSourceDeferred = false
    /// Whether someone wants to know when the queue is empty.
    var isDrainAwaited = false
    var isBodyNoted = false
    var isPeerReset = false
    /// Whether it came after the last stream that our GOAWAY says is served: nobody is told of it, and
    /// the library refuses it once that GOAWAY is out.
    var isTurnedAway = false
    /// Bytes that arrived and for which the peer has not been given new room.
    var unconsumedBytes = 0
    var headerListBytes = 0
    /// Bytes of the body that went into frames.
    var bytesSent: UInt64 = 0
    /// `bytesSent` when the stream was last seen to wait, and how often it has not changed since.
    var stallMark: UInt64?
    var stallLooks = 0

    init(id: Int32, session: Session) {
        self.id = id
        self.session = session
    }

    /// Drops a header section that only announces another (status 1xx).
    func forgetsInformational() -> Bool {
        guard !hasHeaders, headers.first(.status)?.first == UInt8(ascii: "1") else { return false }
        headers.removeAll()
        headerListBytes = 0
        return true
    }
}
