import EventLoops

/// How fast an agent may send log text: a second's worth at once, then as fast as the limit says. Pure.
struct LogRate {
    private let bytesPerSecondMax: Int
    /// When all that came so far may have come.
    private var paidUntil: Instant

    /// How much may come at once, as the time that it is worth.
    private static let burst = Duration.seconds(1)

    init(bytesPerSecondMax: Int, now: Instant) {
        self.bytesPerSecondMax = bytesPerSecondMax
        paidUntil = now
    }

    /// How long to wait after that many bytes before more is taken; zero while within the limit.
    mutating func pause(after bytes: Int, now: Instant) -> Duration {
        let price = Duration.seconds(1) * bytes / bytesPerSecondMax
        paidUntil = max(paidUntil, now).advanced(by: price)
        return max(.zero, now.duration(to: paidUntil) - LogRate.burst)
    }
}
