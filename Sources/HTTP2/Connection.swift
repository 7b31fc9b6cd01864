public import EventLoops

/// Something that takes the streams of a connection.
public protocol ConnectionDelegate: AnyObject {
    /// A request's header section is complete (server). Set the stream's observer here.
    func streamBegan(
        _ stream: HTTP2Stream,
        on connection: Connection,
        loop: isolated EventLoop
    )
    /// The peer's SETTINGS or GOAWAY arrived, or the connection takes no more requests; told before
    /// the streams are told of it.
    func connectionChanged(_ connection: Connection, on loop: isolated EventLoop)
    /// The connection is over, and so is each of its streams.
    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop)
}

extension ConnectionDelegate {
    /// Servers have no use for it.
    public func connectionChanged(_ connection: Connection, on loop: isolated EventLoop) {}
}

/// One HTTP/2 connection on its loop: moves bytes between a ``ByteStream`` and a session, and tells
/// the streams' observers what the session noted.
///
/// Inside a turn: read, let the library parse, tell the observers; at the end of the turn, whatever
/// anyone queued goes out in one write.
public final class Connection: ReadinessHandler, EndOfTurnHandler {
    /// The other end's address.
    public let peer: SocketAddress
    /// What this connection may use.
    public let limits: ConnectionLimits

    let session: Session
    let reactor: Reactor
    private let buffers: LoopBuffers
    private let stream: any ByteStream
    /// Who takes the streams.
    public weak var delegate: (any ConnectionDelegate)?
    /// How many handlers its delegate runs for it (server); the delegate counts them.
    public var handlersRunning = 0
    /// Why the connection is over or about to be; nil before.
    public private(set) var failure: ConnectionFailure?
    /// When bytes of the peer came last.
    public private(set) var lastReadAt: Instant
    private var watch: Watch?
    private var phase = Phase.open
    /// What the peer's kernel did not take yet.
    private var unsent: [UInt8] = []
    private var unsentStart = 0
    private var isFlushScheduled = false
    /// Whether the drain's last GOAWAY is to be queued as soon as it can be sent.
    private var isLastWordDue = false
    private var prefaceTimer: LoopTimer?
    private var stallTimer: LoopTimer?
    private var phaseTimer: LoopTimer?
    // Those of Connection+Timers.swift.
    var lifetime: ConnectionLifetime
    var lifetimeTimer: LoopTimer?
    var dribbleTimer: LoopTimer?
    var windowTimer: LoopTimer?
    /// Bytes handed to the kernel, to see whether any moved.
    private var bytesWritten: UInt64 = 0
    /// What reading waits for: TLS may have to write in order to read.
    private var readWaitsFor: Readiness = .readable
    /// What `unsent` waits for: TLS may have to read in order to write, as in its handshake.
    private var writeWaitsFor: Readiness = .writable

    /// How far the connection is from its end.
    private enum Phase {
        /// Streams come and go. Left by `drain`, by an error, or by the peer.
        case open
        /// GOAWAY was announced; streams are still taken until the peer acknowledges.
        case draining
        /// The last GOAWAY is out or due; left when the last stream ends.
        case finishing
        /// Everything is said: what is unsent goes out, then our side ends.
        case ending
        /// Our side has ended; reads on until the peer ends too.
        case lingering
        /// Over.
        case closed
    }

    /// How much one connection reads in a turn, in buffers, before others have theirs.
    private static let readsATurnMax = 4

    /// Makes a connection over `stream`, which it then owns.
    /// - Throws: ``HTTP2Error``.
    public init(
        over stream: any ByteStream,
        role: Session.Role,
        peer: SocketAddress,
        limits: ConnectionLimits,
        reactor: Reactor,
        buffers: LoopBuffers,
        delegate: (any ConnectionDelegate)?
    ) throws(HTTP2Error) {
        self.stream = stream
        self.peer = peer
        self.limits = limits
        self.reactor = reactor
        self.buffers = buffers
        self.delegate = delegate
        lastReadAt = reactor.now
        lifetime = ConnectionLifetime(
            limits, role: role, now: reactor.now, jitter: Double.random(in: 0.9...1.1))
        session = try Session(
            role: role, limits: limits, now: reactor.now, usage: buffers.usage)
        session.outputPending = { [unowned self] in scheduleFlush() }
    }

    /// Begins to read and sends our SETTINGS.
    /// - Throws: ``SystemError`` of `epoll_ctl`; the byte stream is closed then.
    public func start() throws(SystemError) {
        do {
            watch = try reactor.watch(stream.descriptor, for: .readable, handler: self)
        } catch {
            phase = .closed
            stream.close()
            throw error
        }
        prefaceTimer = reactor.schedule(after: limits.prefaceTimeMax) { [weak self] in
            guard let self else { return }
            abandon(because: .slowPreface(limits.prefaceTimeMax))
        }
        checkLifetime()
        scheduleFlush()
    }

    /// Whether nothing more is exchanged but last words.
    var isOver: Bool { phase == .ending || phase == .lingering || phase == .closed }
    /// Whether the connection is over.
    public var isClosed: Bool { phase == .closed }
    /// How many streams are open.
    public var openStreams: Int { session.openStreams }

    /// Who follows the open streams, in no order.
    public var observers: [any StreamObserver] {
        session.recorder.streams.all.compactMap(\.observer)
    }

    /// Whether the peer's SETTINGS have arrived.
    public var hasPeerSettings: Bool { session.recorder.hasPeerSettings }
    /// The peer's last GOAWAY; nil while it has sent none.
    public var goAway: GoAway? { session.recorder.goAway }
    /// How many streams the peer takes at once (its SETTINGS_MAX_CONCURRENT_STREAMS).
    public var peerStreamsMax: Int { session.peerStreamsMax }
    /// Whether a request may still be started (client).
    public var takesRequests: Bool { phase == .open && session.recorder.goAway == nil }

    /// Sends a PING; whatever the peer sends after it moves ``lastReadAt``.
    public func ping() { session.submitPing() }

    /// Starts a request (client); the observer follows the stream from here on.
    /// - Throws: ``HTTP2Error``.
    public func request(
        _ headers: HeaderBlock,
        isEnd: Bool,
        observer: (any StreamObserver)?
    ) throws(HTTP2Error) -> HTTP2Stream {
        let stream = try session.submitRequest(headers, isEnd: isEnd)
        stream.observer = observer
        return stream
    }

    /// Goes away without losing a call: announces it (GOAWAY, PING), refuses streams once the peer
    /// has seen that, and closes after the last stream.
    public func drain() {
        guard phase == .open else { return }
        phase = .draining
        session.submitShutdownNotice()
        session.submitPing(.drain)
        phaseTimer = reactor.schedule(after: limits.drainAckTimeMax) { [weak self] in
            self?.finish()
        }
    }

    /// Says goodbye, sends what is queued as far as the kernel takes it, and closes.
    public func end(_ code: ErrorCode, reason: StaticString) {
        guard !isOver else { return }
        session.submitGoAway(code, reason: reason)
        isLastWordDue = false
        phase = .ending
        failure = failure ?? .ended(reason)
        session.recorder.hasNews = true
        phaseTimer?.cancel()
        phaseTimer = reactor.schedule(after: limits.lingerTimeMax) { [weak self] in
            self?.abandon()
        }
        scheduleFlush()
    }

    /// Closes at once.
    public func abandon(because cause: ConnectionFailure = .abandoned) {
        guard phase != .closed else { return }
        phase = .closed
        failure = failure ?? cause
        for timer in [
            prefaceTimer, stallTimer, phaseTimer, lifetimeTimer, dribbleTimer, windowTimer,
        ] {
            timer?.cancel()
        }
        if let watch { reactor.stopWatching(watch) }
        watch = nil
        stream.close()
        unsent = []
        session.recorder.closeAll(.cancel)
        // The streams' observers are told at the end of the turn: the caller may be one of them.
        scheduleFlush()
    }

    /// The last GOAWAY is due. It says which streams are served, and is written for a peer that reads:
    /// while it does not, what it opens is served too.
    private func finish() {
        guard phase == .draining else { return }
        phase = .finishing
        phaseTimer?.cancel()
        isLastWordDue = true
        scheduleFlush()
    }

    // MARK: Reading

    /// Reads what arrived, or writes what was left.
    public func ready(_ readiness: Readiness, on loop: isolated EventLoop) {
        guard phase != .closed else { return }
        if !readiness.isDisjoint(with: writeWaitsFor) { scheduleFlush() }
        guard !readiness.isDisjoint(with: readWaitsFor.union(.closed)) else { return }
        if phase == .lingering || phase == .ending {
            discardInput()
        } else {
            readInput()
        }
        dispatch(on: loop)
    }

    private func readInput() {
        for _ in 0..<Connection.readsATurnMax {
            switch unsafe stream.read(into: buffers.input) {
            case .moved(let count):
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffers.input[..<count])
                guard unsafe receive(bytes) else { return }
                if readWaitsFor != .readable { waitToRead(for: .readable) }
                if unsafe count < buffers.input.count, !stream.hasPending { return }
            case .blocked(let readiness):
                waitToRead(for: readiness)
                return
            case .ended:
                abandon(because: .endedByPeer)
                return
            case .failed(let error):
                abandon(because: .broken(error))
                return
            }
        }
    }

    private func waitToRead(for readiness: Readiness) {
        readWaitsFor = readiness
        updateInterest()
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        lastReadAt = reactor.now
        do {
            try unsafe session.receive(bytes, now: reactor.now)
        } catch {
            failure = failure ?? .unusable(error)
            if error.isBadPreface {
                abandon()
            } else {
                end(error.isFlooded ? .enhanceYourCalm : .internalError, reason: "")
            }
            return false
        }
        return checkPeer()
    }

    /// Looks at what the recorder noted about the connection itself.
    private func checkPeer() -> Bool {
        if let violation = session.recorder.violation {
            end(violation.code, reason: violation.reason)
            return false
        }
        if session.recorder.hasPeerSettings, let timer = prefaceTimer {
            timer.cancel()
            prefaceTimer = nil
        }
        if session.recorder.isDrainSeen { finish() }
        watchForDribble()
        // The library may have queued answers of its own: acknowledgements, resets, last words.
        scheduleFlush()
        return true
    }

    /// Takes what the peer still sends to a connection that has ended, so that closing it does not
    /// destroy our last words on their way (RFC 9293 §3.10.4).
    private func discardInput() {
        for _ in 0..<Connection.readsATurnMax {
            switch unsafe stream.read(into: buffers.input) {
            case .moved(let count): if unsafe count < buffers.input.count { return }
            case .blocked: return
            case .ended, .failed:
                abandon()
                return
            }
        }
    }

    // MARK: Telling

    private func dispatch(on loop: isolated EventLoop) {
        let recorder = session.recorder
        if recorder.hasNews {
            recorder.hasNews = false
            delegate?.connectionChanged(self, on: loop)
        }
        var index = 0
        while index < recorder.events.count {
            let event = recorder.events[index]
            index += 1
            tell(event, on: loop)
        }
        recorder.events.removeAll(keepingCapacity: true)
    }

    private func tell(_ event: SessionEvent, on loop: isolated EventLoop) {
        let stream = event.stream
        switch event.kind {
        case .began: delegate?.streamBegan(stream, on: self, loop: loop)
        case .headers: stream.observer?.headersReceived(stream, on: loop)
        case .body:
            stream.isBodyNoted = false
            guard let observer = stream.observer else {
                stream.discardReceived()
                break
            }
            observer.bodyReceived(stream, on: loop)
        case .drained: stream.observer?.writesDrained(stream, on: loop)
        case .localEnd:
            // Our answer is complete and the client still talks: tell it to stop, without an error.
            if !stream.isRemoteEnded { stream.reset(.noError) }
        case .notSent: stream.reset(.internalError)
        case .closed:
            let observer = stream.observer
            stream.observer = nil
            observer?.streamClosed(stream, code: event.code, on: loop)
            stream.discardReceived()
        }
    }

    // MARK: Writing

    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        reactor.callAtEndOfTurn(self)
    }

    /// Sends what the turn produced.
    public func endOfTurn(on loop: isolated EventLoop) {
        isFlushScheduled = false
        if phase != .closed, phase != .lingering { flush() }
        dispatch(on: loop)
        if phase == .closed, let delegate {
            self.delegate = nil
            delegate.connectionClosed(self, on: loop)
        }
    }

    private func flush() {
        guard sendUnsent() else { return }
        if isLastWordDue {
            isLastWordDue = false
            session.submitGoAway(.noError, reason: "")
        }
        while true {
            buffers.output.removeAll(keepingCapacity: true)
            do {
                try session.drain(
                    into: &buffers.output,
                    bytesMax: LoopBuffers.outputBytes,
                    now: reactor.now
                )
            } catch {
                abandon(because: .unusable(error))
                return
            }
            if buffers.output.isEmpty { break }
            guard send() else { return }
        }
        if let violation = session.recorder.violation, phase == .open {
            end(violation.code, reason: violation.reason)
            return
        }
        watchForClosedWindows()
        settle()
    }

    /// Everything is written: move on if nothing more will come.
    private func settle() {
        let isDone = phase == .ending || (!session.wantsToRead && !session.wantsToWrite)
        guard isDone else { return }
        phase = .lingering
        // The library ends the session when the peer breaks the protocol.
        failure = failure ?? (session.recorder.goAway == nil ? .misspoken : .endedByPeer)
        session.recorder.hasNews = true
        stream.endWriting()
        phaseTimer?.cancel()
        phaseTimer = reactor.schedule(after: limits.lingerTimeMax) { [weak self] in
            self?.abandon()
        }
        session.recorder.closeAll(.cancel)
    }

    /// Sends `buffers.output`; keeps what the kernel does not take.
    private func send() -> Bool {
        let outcome = unsafe buffers.output.withUnsafeBytes { unsafe stream.write($0) }
        switch outcome {
        case .moved(let count):
            bytesWritten &+= UInt64(count)
            if count == buffers.output.count { return true }
            unsent = Array(buffers.output[count...])
            writeWaitsFor = .writable
        case .blocked(let readiness):
            unsent = buffers.output
            writeWaitsFor = readiness
        case .ended:
            abandon(because: .endedByPeer)
            return false
        case .failed(let error):
            abandon(because: .broken(error))
            return false
        }
        unsentStart = 0
        updateInterest()
        watchForStall()
        return false
    }

    private func sendUnsent() -> Bool {
        while unsentStart < unsent.count {
            let outcome = unsafe unsent.withUnsafeBytes {
                unsafe stream.write(UnsafeRawBufferPointer(rebasing: $0[unsentStart...]))
            }
            switch outcome {
            case .moved(let count):
                bytesWritten &+= UInt64(count)
                unsentStart += count
                writeWaitsFor = .writable
            case .blocked(let readiness):
                writeWaitsFor = readiness
                updateInterest()
                return false
            case .ended:
                abandon(because: .endedByPeer)
                return false
            case .failed(let error):
                abandon(because: .broken(error))
                return false
            }
        }
        if !unsent.isEmpty {
            unsent = []
            unsentStart = 0
            writeWaitsFor = .writable
            updateInterest()
        }
        return true
    }

    private func updateInterest() {
        guard let watch else { return }
        var interest = readWaitsFor
        if !unsent.isEmpty { interest.formUnion(writeWaitsFor) }
        do { try reactor.update(watch, interest: interest) } catch { abandon() }
    }

    /// Gives up on a peer that takes nothing of what waits for it.
    private func watchForStall() {
        guard stallTimer == nil else { return }
        let written = bytesWritten
        stallTimer = reactor.schedule(after: limits.writeStallTimeMax) { [weak self] in
            guard let self else { return }
            stallTimer = nil
            if unsent.isEmpty { return }
            if bytesWritten == written {
                abandon(because: .stalled(limits.writeStallTimeMax))
            } else {
                watchForStall()
            }
        }
    }
}
