public import Domain
public import StandardMessages

extension GoogleProtobuf.Timestamp {
    /// The message of a time; nanoseconds count forward from the second before it, also before 1970.
    public init(_ time: Timestamp) {
        self.init()
        let (quotient, remainder) = time.microsecondsSince1970.quotientAndRemainder(
            dividingBy: 1_000_000
        )
        seconds = remainder < 0 ? quotient - 1 : quotient
        nanos = Int32(remainder < 0 ? remainder + 1_000_000 : remainder) * 1000
    }
}

extension Timestamp {
    /// The time that a message says, cut to the microsecond; nil when its fields are out of range.
    public init?(_ message: GoogleProtobuf.Timestamp) {
        // Years 1 to 9999.
        guard (-62_135_596_800...253_402_300_799).contains(message.seconds),
            (0...999_999_999).contains(message.nanos)
        else { return nil }
        self.init(
            microsecondsSince1970: message.seconds * 1_000_000 + Int64(message.nanos) / 1000)
    }
}
