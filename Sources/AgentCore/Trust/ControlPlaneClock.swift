import Domain
import EventLoops

/// The control plane's clock as last heard, carried on by our monotonic one: a server's own clock may
/// be wrong, and then every job would seem expired.
struct ControlPlaneClock {
    private var heard: (time: Timestamp, at: Instant)?

    /// Notes what time it was there just now.
    mutating func set(_ time: Timestamp, at instant: Instant) {
        heard = (time, instant)
    }

    /// What time it is there; nil before it was ever heard.
    func time(at instant: Instant) -> Timestamp? {
        heard.map { $0.time.advanced(by: $0.at.duration(to: instant)) }
    }
}
