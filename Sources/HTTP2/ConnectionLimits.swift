/// Everything that one connection may use up, by name.
public struct ConnectionLimits: Sendable {
    /// Streams a peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    public var concurrentStreamsMax: UInt32 = 256
    /// Bytes of one header section as RFC 9113 §10.5.1 counts them
    /// (SETTINGS_MAX_HEADER_LIST_SIZE). A request beyond it is answered 431; one beyond four times
    /// as much is reset while it still arrives.
    public var headerListBytesMax = 16 * 1024
    /// Bytes of body a peer may send on a stream before we have taken any
    /// (SETTINGS_INITIAL_WINDOW_SIZE).
    public var streamWindowBytes: UInt32 = 256 * 1024
    /// The same over all streams of the connection.
    public var connectionWindowBytes: UInt32 = 1024 * 1024
    /// Bytes of body that may wait to be sent on a stream before its writer waits.
    public var queuedBytesPerStreamMax = 64 * 1024
    /// Bytes of body that may wait on all streams of a connection before every writer waits for its
    /// own stream to empty.
    public var queuedBytesPerConnectionMax = 4 * 1024 * 1024
    /// Bytes of body that may wait on a connection at all; a response beyond it fails its call.
    public var queuedBytesPerConnectionHardMax = 64 * 1024 * 1024
    /// The same over all connections of the loop.
    public var queuedBytesPerLoopMax = 512 * 1024 * 1024
    /// How long a peer may take from the connection to its preface and SETTINGS.
    public var prefaceTimeMax: Duration = .seconds(10)
    /// How long bytes may wait for a peer that takes none.
    public var writeStallTimeMax: Duration = .seconds(60)
    /// How long what is queued on a stream may wait for a peer that gives it no window. The stream is
    /// then reset, within half as much again.
    public var windowStallTimeMax: Duration = .seconds(300)
    /// How long a header section may take from its first frame to its last.
    public var headersTimeMax: Duration = .seconds(10)
    /// How long a peer may be silent before we send it PING (server); nil: we never do.
    public var keepaliveTime: Duration? = .seconds(300)
    /// How long after our PING the peer may stay silent before the connection is closed.
    public var keepaliveTimeoutMax: Duration = .seconds(20)
    /// How long a connection may be without a stream before it goes away (server); nil: for ever.
    public var connectionIdleTimeMax: Duration? = .seconds(30 * 60)
    /// How old a connection may become, give or take a tenth, before it goes away (server); nil: any
    /// age.
    public var connectionAgeMax: Duration?
    /// How long streams may go on after that.
    public var connectionAgeGraceMax: Duration = .seconds(300)
    /// How long a drain waits for the acknowledgement of its PING before it says which streams are served.
    public var drainAckTimeMax: Duration = .seconds(1)
    /// How long we read on after the last GOAWAY, so that the peer sees it instead of a reset.
    public var lingerTimeMax: Duration = .seconds(1)
    /// Acknowledgements of PING and SETTINGS that may wait to be sent.
    public var queuedAcksMax = 256
    /// Frames other than DATA that may wait to be sent to a peer that does not read: resets,
    /// acknowledgements, room for more, header sections (server). Far more than the open streams call
    /// for: whoever makes us queue so many answers to what no stream needs.
    public var queuedFramesMax = 4096
    /// Entries of one SETTINGS frame.
    public var settingsEntriesMax = 32
    /// CONTINUATION frames of one header section.
    public var continuationsMax = 8
    /// RST_STREAM frames a peer may send at once, and how many more each second ("rapid reset").
    public var peerResets = Rate(burst: 500, perSecond: 50)
    /// Streams a peer may make us reset at once, and how many more each second ("made you reset").
    public var ownResets = Rate(burst: 200, perSecond: 20)
    /// Frames that carry nothing forward (SETTINGS, PRIORITY, GOAWAY, acknowledgements of PING, a
    /// server's PING, empty DATA, WINDOW_UPDATE beyond what we send, frames of unknown types, and
    /// whatever comes on a stream after the peer has reset it, or after it was closed for long), at
    /// once and each second.
    public var idleFrames = Rate(burst: 4000, perSecond: 1000)
    /// PING frames a client may send that come sooner than ``pingIntervalMin`` after another, counted
    /// anew whenever we send HEADERS or DATA (server).
    public var pingStrikesMax = 5
    /// The time between two PING frames that is never a strike.
    public var pingIntervalMin: Duration = .seconds(10)

    /// A burst and what it refills by.
    public struct Rate: Sendable {
        /// How many at once.
        public var burst: UInt64
        /// How many more each second.
        public var perSecond: UInt64
        /// Makes a rate.
        public init(burst: UInt64, perSecond: UInt64) {
            self.burst = burst
            self.perSecond = perSecond
        }
    }

    /// The defaults.
    public init() {}
}
