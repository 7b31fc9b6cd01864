public import EventLoops

/// Allows a burst and then a steady rate; what goes unused is never worth more than the burst.
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
        let elapsed = now.nanoseconds &- refilledAt.nanoseconds
        if elapsed >= TokenBucket.second { refill(elapsed / TokenBucket.second) }
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }

    /// Whole seconds only: the part of a second that is left over goes to the next refill.
    private mutating func refill(_ seconds: Int64) {
        refilledAt = refilledAt.advanced(by: .seconds(seconds))
        let (added, isHuge) = rate.perSecond.multipliedReportingOverflow(by: UInt64(seconds))
        let (sum, overflow) = tokens.addingReportingOverflow(added)
        tokens = isHuge || overflow ? rate.burst : min(rate.burst, sum)
    }

    /// In nanoseconds.
    private static let second: Int64 = 1_000_000_000
}
