import Messages

/// Takes one input: a byte that chooses the type, a byte that chooses the limits, and the encoded message.
/// - Returns: Whether it is one.
func fuzzMessage(_ input: [UInt8]) -> Bool {
    guard input.count >= 2 else { return false }
    let type = Int(input[0])
    guard type < fuzzedMessages.count else { return false }
    do {
        try fuzzedMessages[type](Input(bytes: Array(input[2...]), limits: limits(input[1])))
    } catch {
        // The guard must refuse everything that protobuf-c would.
        precondition(error as? MessageError != .refusedByUnpacker)
    }
    return true
}

/// The usual limits, or some so tight that small inputs reach them.
private func limits(_ choice: UInt8) -> MessageLimits {
    var limits = MessageLimits()
    if choice & 1 != 0 { limits.arenaBytesMax = Int(choice) * 16 }
    if choice & 2 != 0 { limits.submessagesMax = 4 }
    if choice & 4 != 0 { limits.fieldsMax = 16 }
    if choice & 8 != 0 { limits.depthMax = 2 }
    return limits
}

/// One encoded message, to be read under some limits.
struct Input {
    let bytes: [UInt8]
    let limits: MessageLimits

    /// Reads the bytes as `type`; what is read must come out of encoding and decoding as it went in.
    func check<M: Message>(_ type: M.Type) throws(MessageError) {
        let message = try Wire.decode(type, from: bytes, limits: limits)
        do throws(MessageError) {
            let encoded = try Wire.encode(message)
            let again = try Wire.decode(type, from: encoded)
            precondition(again == message, "a message changed on its way")
            let encodedAgain = try Wire.encode(again)
            precondition(encodedAgain == encoded, "equal messages have other bytes")
        } catch {
            preconditionFailure("what was read cannot be written and read again: \(error)")
        }
    }
}
