import EventLoops

// The timers of a connection that do not belong to reading or writing: how long it lives, how long
// a header section may take to arrive, and how long a stream may wait for window.

extension Connection {
    // MARK: Lifetime

    func checkLifetime() {
        lifetimeTimer = nil
        guard !isOver else { return }
        let isIdle = session.openStreams == 0
        let (action, next) = lifetime.check(
            now: reactor.now, heardAt: lastReadAt,
            idleSince: isIdle ? session.recorder.idleSince : nil)
        switch action {
        case .ping: session.submitPing()
        case .abandon: abandon(because: .silent(limits.keepaliveTimeoutMax))
        case .leaveIdle, .leaveOld: drain()
        case .end: end(.noError, reason: "max_age")
        case nil: break
        }
        guard !isOver, let next else { return }
        lifetimeTimer = reactor.schedule(at: next) { [weak self] in self?.checkLifetime() }
    }

    // MARK: Header sections that dribble

    /// Looks after a read whether a header section is half there. One timer does for all: when it was
    /// set for a section that is complete by now, the one that is half there has its own time.
    func watchForDribble() {
        guard dribbleTimer == nil, session.recorder.current != nil else { return }
        let due = session.recorder.sectionBeganAt.advanced(by: limits.headersTimeMax)
        dribbleTimer = reactor.schedule(at: due) {
            [weak self, section = session.recorder.sectionsBegun] in
            guard let self else { return }
            dribbleTimer = nil
            guard !isOver, session.recorder.current != nil else { return }
            if session.recorder.sectionsBegun == section {
                end(.enhanceYourCalm, reason: "headers_too_slow")
            } else {
                watchForDribble()
            }
        }
    }

    // MARK: Streams without window

    /// Looks now and then whether what is queued on the streams moves, as long as there are any. A
    /// client may wait for its server as long as its deadlines allow.
    func watchForClosedWindows() {
        guard session.recorder.role == .server, windowTimer == nil, session.openStreams > 0,
            !isOver
        else { return }
        windowTimer = reactor.schedule(after: limits.windowStallTimeMax / 2) { [weak self] in
            guard let self else { return }
            windowTimer = nil
            guard !isOver else { return }
            for stream in session.recorder.streams.all where stream.isStalledAgain() {
                stream.reset(.enhanceYourCalm)
            }
            watchForClosedWindows()
        }
    }
}

extension HTTP2Stream {
    /// Whether bytes have waited, and none has gone, at this look and at the two before it.
    fileprivate func isStalledAgain() -> Bool {
        let waits = !queued.isEmpty || (isFinishing && !isLocalEndSent)
        guard waits, stallMark == bytesSent else {
            stallMark = waits ? bytesSent : nil
            stallLooks = 0
            return false
        }
        stallLooks += 1
        return stallLooks >= 2
    }
}
