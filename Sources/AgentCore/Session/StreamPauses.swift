import EventLoops

/// How long to wait before the next stream. Pure.
struct StreamPauses {
    /// The first pause; doubled each time.
    static let pauseMin = Duration.milliseconds(500)
    static let pauseMax = Duration.seconds(30)
    /// A stream that was open this long was well: after its end the pauses begin anew. One that ends
    /// sooner, each time, is part of the trouble: whoever ends it takes the jobs' leases back too, and
    /// a deployment is given up after ten of these.
    static let calmMin = Duration.seconds(30)

    private var failures = 0

    /// The next pause, without the random part that is taken off.
    ///
    /// - Parameter openDuration: How long the stream was open that has ended; nil when none came about.
    mutating func next(after openDuration: Duration?) -> Duration {
        if let openDuration, openDuration >= StreamPauses.calmMin { failures = 0 }
        let doubled = StreamPauses.pauseMin * (1 << min(failures, 10))
        failures += 1
        return min(doubled, StreamPauses.pauseMax)
    }
}
