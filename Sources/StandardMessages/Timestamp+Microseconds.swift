extension GoogleProtobuf.Timestamp {
    /// The time that lies this many microseconds after 1970-01-01T00:00:00Z, or before when negative.
    public init(microsecondsSince1970: Int64) {
        self.init()
        let (seconds, remainder) = microsecondsSince1970.quotientAndRemainder(dividingBy: 1_000_000)
        // Nanoseconds count forward, also before 1970.
        self.seconds = remainder < 0 ? seconds - 1 : seconds
        nanos = Int32((remainder < 0 ? remainder + 1_000_000 : remainder) * 1_000)
    }

    /// Microseconds since 1970-01-01T00:00:00Z, finer parts cut; `nil` past what an Int64 holds.
    public var microsecondsSince1970: Int64? {
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, sumOverflow) = whole.addingReportingOverflow(Int64(nanos / 1_000))
        return overflow || sumOverflow ? nil : sum
    }
}
