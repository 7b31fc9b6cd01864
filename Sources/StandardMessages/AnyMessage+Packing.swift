public import Messages

extension GoogleProtobuf.AnyMessage {
    /// Packs `message` with the address of its type.
    ///
    /// - Throws: What ``Wire/encode(_:after:limits:)`` throws.
    public init<M: Message>(packing message: M) throws(MessageError) {
        self.init()
        typeURL = "type.googleapis.com/\(M.descriptor.fullName)"
        value = try Wire.encode(message)
    }

    /// The packed message, or `nil` when it is of another type.
    ///
    /// - Throws: What ``Wire/decode(_:from:limits:)`` throws.
    public func unpacked<M: Message>(as type: M.Type = M.self) throws(MessageError) -> M? {
        guard typeURL.split(separator: "/").last.map(String.init) == M.descriptor.fullName else {
            return nil
        }
        return try Wire.decode(type, from: value)
    }
}
