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
