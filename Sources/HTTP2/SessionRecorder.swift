import EventLoops

/// What nghttp2's callbacks write into: the streams, the events noted, the peer's misdeeds.
///
/// The session's user data; it never calls into the library and never runs anyone's code.
final class SessionRecorder {
    let role: Session.Role
    let limits: ConnectionLimits
    unowned var session: Session?
    var streams = StreamTable()
    var events: [SessionEvent] = []
    /// When the library was last called; the callbacks' clock.
    var now: Instant
    /// The stream whose header section is arriving.
    var current: HTTP2Stream?
    /// How many header sections have begun, and when the last one did: a stream may have several.
    private(set) var sectionsBegun: UInt64 = 0
    private(set) var sectionBeganAt: Instant
    /// The stream found last, since frames of one stream tend to follow each other.
    private var recent: HTTP2Stream?
    /// Bytes queued on all streams.
    var queuedBytes = 0 {
        didSet { usage.queuedBytes += queuedBytes - oldValue }
    }
    /// Bytes that arrived on all streams and that nobody has taken.
    var receivedBytes = 0 {
        didSet { usage.receivedBytes += receivedBytes - oldValue }
    }
    /// Body bytes that arrived for streams that are gone.
    var orphanedBytes = 0
    /// Set once the peer has gone too far; the session is then ended with this.
    var violation: Violation?
    /// Whether the peer's first SETTINGS arrived.
    var hasPeerSettings = false
    /// The peer's last GOAWAY.
    var goAway: GoAway?
    /// Whether the connection's delegate is to be told of the connection itself.
    var hasNews = false
    /// Whether the PING of our drain was acknowledged.
    var isDrainSeen = false
    /// When the last open stream closed.
    var idleSince: Instant
    /// The highest stream that our last words say is served; nil before them.
    var lastServedID: Int32?
    /// Streams on which the peer sent something after it had reset them, each once.
    var speakingAfterReset: [Int32] = []
    /// The streams of the DATA frames that the library took in this read (server).
    private(set) var takenDataIDs: [Int32] = []
    /// Whether SETTINGS changed the streams' windows and the consequences have not been sent yet.
    var hasFreshWindows = false
    /// What the loop's connections hold together.
    let usage: LoopUsage

    /// The highest id of a request so far (server).
    private var highestID: Int32 = 0
    /// The request whose HEADERS came last, until the library takes it (server).
    private var untaken: (id: Int32, isEnd: Bool)?
    /// Streams that ended with END_STREAM from the peer, and those that the peer reset.
    private var endedIDs = RecentIDs(countMax: 32)
    private var resetIDs = RecentIDs(countMax: 32)
    /// Those of them on which the peer went on, and was told.
    private var toldIDs = RecentIDs(countMax: 32)
    /// Streams that we ended or refused before the peer had ended its side, which may not know it
    /// yet: twice as many as a peer may usually have open.
    private var cutIDs = RecentIDs(countMax: 512)
    /// Those whose trailers came in this read; DATA before them is looked at when it is over.
    private var lateEnds: [Int32] = []
    private var pings: PingStrikes
    private var peerResets: TokenBucket
    private var ownResets: TokenBucket
    private var idleFrames: TokenBucket
    private var windowUpdatesEarned = 0

    private static let windowUpdatesEarnedMax = 10_000

    /// What a PING of ours is for: the first byte of its payload, which the peer sends back.
    enum PingMark: UInt8 {
        /// To hear whether the peer is there.
        case keepalive
        /// To learn when the peer has seen the GOAWAY before it.
        case drain
    }

    struct Violation {
        let code: ErrorCode
        let reason: StaticString
    }

    init(role: Session.Role, limits: ConnectionLimits, now: Instant, usage: LoopUsage) {
        self.role = role
        self.limits = limits
        self.now = now
        self.usage = usage
        idleSince = now
        sectionBeganAt = now
        pings = PingStrikes(limits)
        peerResets = TokenBucket(limits.peerResets, now: now)
        ownResets = TokenBucket(limits.ownResets, now: now)
        idleFrames = TokenBucket(limits.idleFrames, now: now)
    }

    func stream(_ id: Int32) -> HTTP2Stream? {
        if let recent, recent.id == id { return recent }
        let found = streams[id]
        if let found { recent = found }
        return found
    }

    func add(_ stream: HTTP2Stream) {
        if untaken?.id == stream.id { untaken = nil }
        streams.insert(stream)
        recent = stream
    }

    // MARK: Receiving

    /// A header section begins, of a stream that is open.
    func beginSection(_ stream: HTTP2Stream?) {
        current = stream
        sectionsBegun &+= 1
        sectionBeganAt = now
    }

    func noteHeader(name: Span<UInt8>, value: Span<UInt8>) -> HeaderVerdict {
        guard let current else { return .kept }
        let added = name.count + value.count + HeaderBlock.fieldOverheadBytes
        // Trailers follow headers; to look at `trailers` itself costs more.
        if current.hasHeaders, current.trailers != nil {
            let total = (current.trailers?.listBytes ?? 0) + added
            guard total <= limits.headerListBytesMax else {
                current.isHeaderListTooLarge = true
                return .refused
            }
            current.trailers?.append(name: name, value: value)
            return .kept
        }
        current.headerListBytes += added
        if current.headerListBytes > limits.headerListBytesMax {
            current.isHeaderListTooLarge = true
            return current.headerListBytes > 4 * limits.headerListBytesMax ? .refused : .kept
        }
        current.headers.append(name: name, value: value)
        return .kept
    }

    enum HeaderVerdict {
        case kept
        case refused
    }

    func noteBody(_ id: Int32, _ bytes: Span<UInt8>) {
        guard let stream = stream(id) else {
            orphanedBytes += bytes.count
            return
        }
        stream.received.append(bytes)
        receivedBytes += bytes.count
        stream.unconsumedBytes += bytes.count
        noteBodyEvent(stream)
    }

    func noteRemoteEnd(_ stream: HTTP2Stream) {
        stream.isRemoteEnded = true
        noteBodyEvent(stream)
    }

    func note(_ kind: SessionEvent.Kind, _ stream: HTTP2Stream) {
        events.append(SessionEvent(kind: kind, stream: stream))
    }

    private func noteBodyEvent(_ stream: HTTP2Stream) {
        guard !stream.isBodyNoted else { return }
        stream.isBodyNoted = true
        note(.body, stream)
    }

    func noteClosed(_ id: Int32, _ code: ErrorCode) {
        guard let stream = streams.remove(id) else { return }
        if recent === stream { recent = nil }
        if current === stream { current = nil }
        if stream.isPeerReset {
            resetIDs.insert(id)
        } else if stream.isRemoteEnded {
            endedIDs.insert(id)
        } else {
            cutIDs.insert(id)
        }
        if streams.count == 0 { idleSince = now }
        close(stream, code)
    }

    /// Ends every stream, when the connection is lost.
    func closeAll(_ code: ErrorCode) {
        for stream in streams.all {
            _ = streams.remove(stream.id)
            stream.isCutOff = true
            close(stream, code)
        }
        recent = nil
        current = nil
    }

    private func close(_ stream: HTTP2Stream, _ code: ErrorCode) {
        stream.isClosed = true
        queuedBytes -= stream.queued.count
        stream.queued.removeAll()
        orphanedBytes += stream.unconsumedBytes
        stream.unconsumedBytes = 0
        events.append(SessionEvent(kind: .closed, stream: stream, code: code))
    }

    // MARK: The peer's conduct

    /// Bytes are about to be read (server).
    func beginRead() {
        takenDataIDs.removeAll(keepingCapacity: true)
        for id in lateEnds { endedIDs.insert(id) }
        lateEnds.removeAll()
    }

    /// The library takes a DATA frame (server).
    func noteTakenData(_ id: Int32) { takenDataIDs.append(id) }

    /// A HEADERS frame begins (server). Ids may be passed over, and are closed then (RFC 9113
    /// §5.1.1): whoever goes back to one, or to a stream that it ended long ago, breaks the protocol.
    func noteHeadersFrame(_ id: Int32, isEnd: Bool) {
        noteRefused()
        guard id <= highestID else {
            highestID = id
            untaken = (id, isEnd)
            return
        }
        guard stream(id) == nil else { return }
        if lateEnds.contains(id) { violate(.streamClosed, "the stream has ended") }
        guard noteLate(id, isEnd: false) else {
            violate(.protocolError, "stream id lower than one seen")
            return
        }
        if isEnd { lateEnds.append(id) } else { noteIdleFrame() }
    }

    /// The library tells nothing of a request that it refuses.
    private func noteRefused() {
        guard let request = untaken else { return }
        untaken = nil
        if request.isEnd { endedIDs.insert(request.id) } else { cutIDs.insert(request.id) }
    }

    /// A PRIORITY frame begins (server); nghttp2 looks at none, since we have no use for them.
    func notePriorityFrame(_ id: Int32) {
        if id == 0 { violate(.protocolError, "PRIORITY on no stream") }
        noteIdleFrame()
    }

    /// Looks for DATA frames that came and that nghttp2 did not take, after it has read.
    func noteDroppedData(_ sent: [FrameScanner.DataFrame]) {
        var taken = takenDataIDs[...]
        for frame in sent {
            if taken.first == frame.id {
                taken.removeFirst()
                continue
            }
            if untaken?.id == frame.id { noteRefused() }
            let isExpected = stream(frame.id) != nil || noteLate(frame.id, isEnd: frame.isEnd)
            if !isExpected || (frame.isEmpty && !frame.isEnd) { noteIdleFrame() }
        }
    }

    /// nghttp2 ignores what comes on a stream that it has forgotten. The peer may not know yet that
    /// we reset a stream; it does know when it ended or reset one itself (RFC 9113 §5.1, "closed").
    /// It is told of a reset stream once: an answer to each frame would fill memory for a peer that
    /// does not read them.
    /// - Returns: Whether the stream is one of those that closed lately.
    private func noteLate(_ id: Int32, isEnd: Bool) -> Bool {
        if endedIDs.contains(id) {
            violate(.streamClosed, "the stream has ended")
        } else if resetIDs.contains(id) {
            if toldIDs.contains(id) {
                noteIdleFrame()
            } else {
                toldIDs.insert(id)
                speakingAfterReset.append(id)
            }
        } else if cutIDs.contains(id) {
            if isEnd { endedIDs.insert(id) }
        } else {
            return false
        }
        return true
    }

    /// So many frames wait to be sent (server). A client's own requests would be among them.
    func noteQueued(_ frames: Int) {
        if role == .server, frames > limits.queuedFramesMax { violate("too_many_queued_frames") }
    }

    /// A PING of the peer. Strikes are what gRPC's servers count; a server may ping its clients as
    /// often as it likes, within what a connection can bear.
    func notePing() {
        guard role == .server else {
            noteIdleFrame()
            return
        }
        if !pings.ping(now: now) { violate("too_many_pings") }
    }

    /// The answer to a PING of ours. One to a keepalive says nothing of a GOAWAY that came after it.
    func notePingAck(_ mark: UInt8) {
        if mark == PingMark.drain.rawValue { isDrainSeen = true }
    }

    func notePeerReset(_ id: Int32) {
        stream(id)?.isPeerReset = true
        if !peerResets.take(now: now) { violate("too_many_resets") }
    }

    func noteIdleFrame() {
        if !idleFrames.take(now: now) { violate("too_many_idle_frames") }
    }

    func noteOwnReset(_ code: ErrorCode) {
        // NO_ERROR follows an early answer, and a client resets what it no longer wants: our choice,
        // not the peer's.
        guard role == .server, code != .noError else { return }
        // The library resets each stream whose window the new settings make too large; for the
        // standard that is an error of the connection (RFC 9113 §6.9.2).
        if hasFreshWindows, code == .flowControlError {
            violate(.flowControlError, "SETTINGS make a window too large")
        }
        if !ownResets.take(now: now) { violate("too_many_stream_errors") }
    }

    /// A peer may open its windows as often as we fill them, twice for each frame of body.
    func noteWindowUpdate() {
        if windowUpdatesEarned > 0 { windowUpdatesEarned -= 1 } else { noteIdleFrame() }
    }

    func noteProgressSent(isBody: Bool) {
        pings.reset()
        if isBody {
            windowUpdatesEarned = min(
                windowUpdatesEarned + 2, SessionRecorder.windowUpdatesEarnedMax)
        }
    }

    private func violate(_ reason: StaticString) { violate(.enhanceYourCalm, reason) }

    private func violate(_ code: ErrorCode, _ reason: StaticString) {
        if violation == nil { violation = Violation(code: code, reason: reason) }
    }

    deinit {
        usage.receivedBytes -= receivedBytes
        usage.queuedBytes -= queuedBytes
    }
}
