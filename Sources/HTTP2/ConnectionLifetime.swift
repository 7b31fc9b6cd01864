import EventLoops

/// When a connection is asked whether its peer is still there, and when it is sent away: a pure
/// state machine that the connection's timer drives.
struct ConnectionLifetime {
    /// What the connection shall do now.
    enum Action: Equatable {
        /// Send a PING: nothing was heard for a while.
        case ping
        /// Close: the PING was not answered in time.
        case abandon
        /// Go away without losing a call: nobody used it for a while.
        case leaveIdle
        /// Go away without losing a call: it is old.
        case leaveOld
        /// End what still runs: it had its grace.
        case end
    }

    private enum Phase {
        /// Used, idle or silent. Left by age, and by idleness.
        case open
        /// Sent away; calls finish. Left by the end of the grace.
        case leaving
        /// The grace is over.
        case ended
    }

    private let keepaliveTime: Duration?
    private let keepaliveTimeoutMax: Duration
    private let idleTimeMax: Duration?
    private let graceMax: Duration
    private var phase = Phase.open
    private var oldAt: Instant?
    private var endAt: Instant?
    private var pingedAt: Instant?

    /// - Parameter jitter: From 0.9 to 1.1: connections that began together shall not end together.
    init(_ limits: ConnectionLimits, role: Session.Role, now: Instant, jitter: Double) {
        // A client's PINGs follow other rules, and only a server can announce that it goes away.
        keepaliveTime = role == .server ? limits.keepaliveTime : nil
        keepaliveTimeoutMax = limits.keepaliveTimeoutMax
        idleTimeMax = role == .server ? limits.connectionIdleTimeMax : nil
        graceMax = limits.connectionAgeGraceMax
        if role == .server, let age = limits.connectionAgeMax {
            oldAt = now.advanced(by: age * jitter)
        }
    }

    /// What is due, and when to ask again; nil when nothing can become due any more.
    ///
    /// - Parameters:
    ///   - heardAt: When the peer last sent anything.
    ///   - idleSince: Since when no stream is open; nil while one is.
    mutating func check(
        now: Instant, heardAt: Instant, idleSince: Instant?
    ) -> (action: Action?, next: Instant?) {
        let action =
            leave(now: now, idleSince: idleSince) ?? keepAlive(now: now, heardAt: heardAt)
        if action == .abandon || action == .end { return (action, nil) }
        return (action, next(now: now, heardAt: heardAt, idleSince: idleSince))
    }

    private mutating func leave(now: Instant, idleSince: Instant?) -> Action? {
        switch phase {
        case .open:
            if let oldAt, oldAt <= now { return startLeaving(now, .leaveOld) }
            if let idleTimeMax, let idleSince, idleSince.advanced(by: idleTimeMax) <= now {
                return startLeaving(now, .leaveIdle)
            }
            return nil
        case .leaving:
            guard let endAt, endAt <= now else { return nil }
            phase = .ended
            return .end
        case .ended: return nil
        }
    }

    private mutating func startLeaving(_ now: Instant, _ action: Action) -> Action {
        phase = .leaving
        endAt = now.advanced(by: graceMax)
        return action
    }

    private mutating func keepAlive(now: Instant, heardAt: Instant) -> Action? {
        guard let keepaliveTime else { return nil }
        if let pingedAt {
            // Whatever the peer sends shows that it lives.
            if heardAt > pingedAt {
                self.pingedAt = nil
            } else {
                return pingedAt.advanced(by: keepaliveTimeoutMax) <= now ? .abandon : nil
            }
        }
        guard heardAt.advanced(by: keepaliveTime) <= now else { return nil }
        pingedAt = now
        return .ping
    }

    private func next(now: Instant, heardAt: Instant, idleSince: Instant?) -> Instant? {
        var times: [Instant] = []
        switch phase {
        case .open:
            if let oldAt { times.append(oldAt) }
            if let idleTimeMax { times.append((idleSince ?? now).advanced(by: idleTimeMax)) }
        case .leaving: if let endAt { times.append(endAt) }
        case .ended: break
        }
        if let pingedAt {
            times.append(pingedAt.advanced(by: keepaliveTimeoutMax))
        } else if let keepaliveTime {
            times.append(heardAt.advanced(by: keepaliveTime))
        }
        return times.min()
    }
}
