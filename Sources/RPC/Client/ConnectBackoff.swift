/// The pauses between attempts to connect (gRPC, "connection backoff").
struct ConnectBackoff {
    private let limits: ChannelLimits
    private var current: Double

    init(_ limits: ChannelLimits) {
        self.limits = limits
        current = limits.backoffBase / .seconds(1)
    }

    /// The next pause, with its jitter.
    mutating func next() -> Duration {
        let jitter = Double.random(in: -limits.backoffJitter...limits.backoffJitter)
        let pause = current * (1 + jitter)
        current = min(current * limits.backoffMultiplier, limits.backoffMax / .seconds(1))
        return .seconds(pause)
    }

    /// A connection served: the next failure is the first again.
    mutating func reset() { current = limits.backoffBase / .seconds(1) }
}
