import Domain
import EventLoops

/// How long to wait before a container that ended is started again.
struct RestartPauses {
    static let pauseMin = Duration.seconds(1)
    static let pauseMax = Duration.seconds(60)
    /// A container that ran this long is well again: its next end begins with the shortest pause.
    static let calmMin = Duration.seconds(60)

    private enum Phase {
        case waiting(until: Instant)
        case started(at: Instant)
    }

    private struct Entry {
        var pause: Duration
        var phase: Phase
        var restarts: Int32 = 0
    }

    private var entries: [ServiceID: Entry] = [:]

    /// A service's container is found to have ended.
    /// - Returns: When to start it; at or before `now` once its pause is over.
    mutating func due(_ service: ServiceID, now: Instant) -> Instant {
        guard var entry = entries[service] else {
            let start = now.advanced(by: RestartPauses.pauseMin)
            entries[service] = Entry(
                pause: RestartPauses.pauseMin, phase: .waiting(until: start))
            return start
        }
        switch entry.phase {
        case .waiting(let start): return start
        case .started(let at):
            let isCalm = at.duration(to: now) >= RestartPauses.calmMin
            if isCalm {
                (entry.pause, entry.restarts) = (RestartPauses.pauseMin, 0)
            } else {
                entry.pause = min(entry.pause * 2, RestartPauses.pauseMax)
            }
            let start = now.advanced(by: entry.pause)
            entry.phase = .waiting(until: start)
            entries[service] = entry
            return start
        }
    }

    /// A service's container was started again.
    mutating func started(_ service: ServiceID, now: Instant) {
        entries[service]?.phase = .started(at: now)
        entries[service]?.restarts += 1
    }

    /// The service has another container, or none.
    mutating func forget(_ service: ServiceID) { entries[service] = nil }

    /// How often a service's container was started again, without having run well in between.
    func restarts(of service: ServiceID) -> Int32 { entries[service]?.restarts ?? 0 }
}
