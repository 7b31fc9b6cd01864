/// How pauses between attempts grow: each `multiplier` times the one before, up to `max`, and spread
/// by `jitter` so that many clients do not come back in step.
struct Backoff {
    let initial: Duration
    let multiplier: Double
    let max: Duration
    /// By which part of itself a pause may be longer or shorter.
    let jitter: Double
    private var current: Duration?

    init(initial: Duration, multiplier: Double, max: Duration, jitter: Double) {
        self.initial = initial
        self.multiplier = multiplier
        self.max = max
        self.jitter = jitter
    }

    /// The next pause.
    /// - Parameter spread: From -1, the shortest, to 1, the longest.
    mutating func next(spread: Double = .random(in: -1...1)) -> Duration {
        let pause = min(current.map { $0 * multiplier } ?? initial, max)
        current = pause
        return pause * (1 + jitter * spread)
    }

    /// Begins anew.
    mutating func reset() { current = nil }
}
