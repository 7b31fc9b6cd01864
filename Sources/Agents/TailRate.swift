import EventLoops

/// How many log requests may begin: so many at once, and then so many a minute. Pure.
struct TailRate {
    private let burst: Double
    private let perSecond: Double
    private var left: Double
    private var counted: Instant

    init(burstMax: Int, perMinuteMax: Int, now: Instant) {
        burst = Double(burstMax)
        perSecond = Double(perMinuteMax) / 60
        left = burst
        counted = now
    }

    /// Whether one more may begin; if so, it is counted.
    mutating func admits(now: Instant) -> Bool {
        let passed = counted.duration(to: now).components
        let seconds = Double(passed.seconds) + Double(passed.attoseconds) / 1e18
        left = min(burst, left + max(seconds, 0) * perSecond)
        counted = now
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
