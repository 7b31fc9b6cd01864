/// A wall-clock time in microseconds since 1970-01-01T00:00:00Z, the precision that PostgreSQL keeps.
public struct Timestamp: Comparable, Hashable, Sendable {
    /// Microseconds since the Unix epoch; negative before it.
    public let microsecondsSince1970: Int64

    /// Makes a time from microseconds since the Unix epoch.
    public init(microsecondsSince1970: Int64) {
        self.microsecondsSince1970 = microsecondsSince1970
    }

    /// The time `duration` later, to the microsecond.
    public func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        return Timestamp(microsecondsSince1970: microsecondsSince1970 + microseconds)
    }

    /// Whether `left` is earlier.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }
}
