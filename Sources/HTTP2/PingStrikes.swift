import EventLoops

/// Counts the PING frames of a peer that pings too often while we send it nothing (gRPC,
/// "Server-side Connection Management").
struct PingStrikes {
    private let strikesMax: Int
    private let intervalMin: Duration
    private var strikes = 0
    private var last: Instant?

    init(_ limits: ConnectionLimits) {
        strikesMax = limits.pingStrikesMax
        intervalMin = limits.pingIntervalMin
    }

    /// Notes a PING.
    /// - Returns: False when it was one too many.
    mutating func ping(now: Instant) -> Bool {
        defer { last = now }
        if let last, last.duration(to: now) < intervalMin { strikes += 1 }
        return strikes <= strikesMax
    }

    /// We sent HEADERS or DATA, which a peer may answer by a PING.
    mutating func reset() {
        strikes = 0
        last = nil
    }
}
