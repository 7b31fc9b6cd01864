/// A protobuf message as a plain Swift value; `scripts/generate` writes the conforming types.
///
/// Properties hold the fields. An absent message is `nil`; every other absent field holds its proto3
/// default. Enumerations keep numbers that this version does not know; unknown fields are dropped.
public protocol Message: Sendable, Equatable {
    /// Starts with every field at its default.
    init()

    /// Copies every field of an unpacked message over what is there.
    mutating func read(from fields: borrowing FieldReader)

    /// Writes the fields of a message to be packed.
    func write(to fields: borrowing FieldWriter)

    /// What protobuf-c knows of the message.
    static var descriptor: MessageDescriptor { get }
}

extension Message {
    /// A message that starts with every field at its default and is then filled by `fill`.
    public static func with<Failure: Error>(
        _ fill: (inout Self) throws(Failure) -> Void
    ) throws(Failure) -> Self {
        var message = Self()
        try fill(&message)
        return message
    }
}
