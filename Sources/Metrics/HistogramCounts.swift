/// Observations of a time, counted by size; plain counts of one loop, without locks.
public struct HistogramCounts: Sendable, Equatable {
    /// Upper bounds in nanoseconds, rising; a last bucket takes the rest.
    public let bounds: [Int64]
    /// How many observations fell into each bucket, the last one for what is above every bound.
    public private(set) var counts: [UInt64]
    /// The sum of all observations in nanoseconds.
    public private(set) var sum: Int64 = 0

    /// From a tenth of a millisecond to ten seconds: what calls take.
    public static let callBounds: [Int64] = [
        100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
        50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000,
        5_000_000_000, 10_000_000_000,
    ]

    /// Makes an empty histogram.
    public init(bounds: [Int64] = HistogramCounts.callBounds) {
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    /// How many observations there were.
    public var count: UInt64 { counts.reduce(0, &+) }

    /// Counts one observation.
    public mutating func observe(nanoseconds: Int64) {
        var index = 0
        while index < bounds.count, nanoseconds > bounds[index] { index += 1 }
        counts[index] &+= 1
        sum &+= nanoseconds
    }

    mutating func merge(_ other: HistogramCounts) {
        guard other.bounds == bounds else { return }
        for index in counts.indices { counts[index] &+= other.counts[index] }
        sum &+= other.sum
    }
}
