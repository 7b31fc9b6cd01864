import HTTP2

/// The five bytes before each message: a flag and the length (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
enum MessageFraming {
    /// Bytes of the prefix.
    static let prefixBytes = 5

    /// What lies at the front of the bytes that arrived.
    enum Front: Equatable {
        /// Not even a prefix.
        case nothing
        /// A prefix whose message is not all there.
        case partial(count: Int)
        /// A message of `count` bytes after its prefix.
        case message(isCompressed: Bool, count: Int)
    }

    /// Looks at the front of `received`.
    /// - Throws: ``RPCStatus``: INTERNAL for a flag that gRPC does not define, RESOURCE_EXHAUSTED for
    ///   a message of more than `bytesMax`, which is noticed before it has arrived.
    /// - Parameter limit: The name of `bytesMax`, for people.
    static func front(
        of received: ByteQueue, bytesMax: Int, limit: @autoclosure () -> String = "messageBytesMax"
    ) throws(RPCStatus) -> Front {
        guard received.count >= prefixBytes else { return .nothing }
        let flag = received[0]
        guard flag <= 1 else {
            throw RPCStatus(.internal, "a message has the unknown flag \(flag)")
        }
        var count = 0
        for offset in 1..<prefixBytes { count = count << 8 | Int(received[offset]) }
        guard count <= bytesMax else {
            throw RPCStatus(
                .resourceExhausted,
                "a message has \(count) bytes; the limit is \(bytesMax) (\(limit()))"
            )
        }
        if received.count - prefixBytes < count { return .partial(count: count) }
        return .message(isCompressed: flag == 1, count: count)
    }

    /// Writes the prefix over the first five bytes of `bytes`, which hold its place.
    static func setPrefix(of bytes: inout [UInt8], isCompressed: Bool) {
        let count = UInt32(clamping: bytes.count - prefixBytes)
        bytes[0] = isCompressed ? 1 : 0
        bytes[1] = UInt8(truncatingIfNeeded: count >> 24)
        bytes[2] = UInt8(truncatingIfNeeded: count >> 16)
        bytes[3] = UInt8(truncatingIfNeeded: count >> 8)
        bytes[4] = UInt8(truncatingIfNeeded: count)
    }
}
