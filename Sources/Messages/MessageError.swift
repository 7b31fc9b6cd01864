/// Why bytes are no message, or a message cannot be bytes. Holds nothing of the content.
public enum MessageError: Error, Equatable, Sendable {
    /// A limit of ``MessageLimits`` was reached.
    case limitExceeded(MessageLimit)
    /// The bytes are not a valid encoding; where the guard noticed, in bytes from the message's start.
    case malformed(Malformation, offset: Int)
    /// A string to be encoded holds a NUL, which protobuf-c would take for its end.
    case nulInString
    /// protobuf-c refused what the guard had passed: a fault of ours, not of the sender.
    case refusedByUnpacker
}

/// How bytes fail to be a valid encoding of a message.
public enum Malformation: Equatable, Sendable {
    /// The bytes end inside a field.
    case truncated
    /// A length reaches past the end of what holds it.
    case lengthPastEnd
    /// A variable-length integer, tag or length has more bytes than it may.
    case overlongInteger
    /// A field number of 0 or past 2^29 - 1.
    case fieldNumber
    /// A wire type that does not exist, or a group, which proto3 does not have.
    case wireType
    /// A known field with the wire type of another kind of field.
    case wireTypeMismatch
    /// A string that is not UTF-8.
    case notUTF8
    /// A string with a NUL in it, which no field of ours may hold.
    case nulInString
    /// A packed field whose length is no multiple of its elements' size.
    case packedLength
    /// A second occurrence of a message field that is not repeated. The protobuf specification would
    /// merge the two, no encoder splits them, and protobuf-c 1.4.1 merges wrongly: it fails on a oneof
    /// that neither sets, and drops the first inside a oneof.
    case messageTwice
}

extension MessageError: CustomStringConvertible {
    /// One line for developers and callers: safe to send, since it quotes no content.
    public var description: String {
        switch self {
        case .limitExceeded(let limit): "the message exceeds the limit \(limit)"
        case .malformed(let how, let offset): "the message is malformed at byte \(offset): \(how)"
        case .nulInString: "a string of the message holds a NUL"
        case .refusedByUnpacker: "the message could not be unpacked"
        }
    }
}
