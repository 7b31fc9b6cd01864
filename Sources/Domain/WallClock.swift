import Glibc

/// What the modules ask for the time of day; a fake in unit tests.
public protocol WallClock {
    /// The current time, to the microsecond.
    func now() -> Timestamp
}

/// The machine's `CLOCK_REALTIME`.
public struct SystemWallClock: WallClock {
    /// Makes a clock.
    public init() {}

    /// The current time, to the microsecond.
    public func now() -> Timestamp {
        var time = timespec()
        // Safe: fills a live local; CLOCK_REALTIME exists on every Linux.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(
            microsecondsSince1970: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
