public import StandardMessages

extension GoogleProtobuf.Duration {
    /// The message of a length of time, to the nanosecond.
    public init(_ duration: Duration) {
        self.init()
        let (wholeSeconds, attoseconds) = duration.components
        seconds = wholeSeconds
        nanos = Int32(attoseconds / 1_000_000_000)
    }
}

extension Duration {
    /// The length of time that a message says; nil when its fields are out of range.
    public init?(_ message: GoogleProtobuf.Duration) {
        let secondsMax: Int64 = 315_576_000_000
        guard (-secondsMax...secondsMax).contains(message.seconds),
            (-999_999_999...999_999_999).contains(message.nanos)
        else { return nil }
        self = .seconds(message.seconds) + .nanoseconds(Int64(message.nanos))
    }
}
