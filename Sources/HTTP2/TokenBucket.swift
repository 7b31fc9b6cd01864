public import EventLoops

/// Allows a burst and then a steady rate.
public struct TokenBucket {
    private let rate: ConnectionLimits.Rate
    private var tokens: UInt64
    private var refilledAt: Instant

    /// Makes a full bucket.
    public init(_ rate: ConnectionLimits.Rate, now: Instant) {
        self.rate = rate
        tokens = rate.burst
        refilledAt = now
    }

    /// Takes a token.
    /// - Returns: False when there is none.
    public mutating func take(now: Instant) -> Bool {
        if tokens == 0 { refill(now) }
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    /// Whole seconds only: the part of a second that is left over goes to the next refill.
    private mutating func refill(_ now: Instant) {
        let seconds = refilledAt.duration(to: now).components.seconds
        guard seconds > 0 else { return }
        refilledAt = refilledAt.advanced(by: .seconds(seconds))
        let (added, overflow) = rate.perSecond.multipliedReportingOverflow(by: UInt64(seconds))
        tokens = overflow ? rate.burst : min(rate.burst, added)
    }
}
