import HTTP2
import Messages

/// Reads a message that lies whole at the front of what arrived.
struct MessageDecoding {
    let gzip: Gzip
    let limits: MessageLimits
    /// The name of the limit of bytes, for people.
    var limit = "messageBytesMax"
    /// Whether `grpc-encoding` names gzip.
    let acceptsCompressed: Bool

    /// Decodes the message of `count` bytes after the prefix; nothing is taken.
    /// - Throws: ``RPCStatus``; `MessageError`.
    func decode<M: Message>(
        _ type: M.Type, _ received: borrowing ByteQueue, isCompressed: Bool, count: Int
    ) throws -> M {
        let place = MessageFraming.prefixBytes..<MessageFraming.prefixBytes + count
        if !isCompressed {
            return try received.withBytes { bytes in
                try Wire.decode(type, from: bytes.extracting(place), limits: limits)
            }
        }
        guard acceptsCompressed else {
            throw RPCStatus(
                .internal, "a message is compressed and grpc-encoding names no encoding")
        }
        do {
            let bytes = try received.withBytes { bytes in
                try gzip.decompress(
                    bytes.extracting(place), bytesMax: limits.messageBytesMax)
            }
            return try Wire.decode(type, from: bytes.span, limits: limits)
        } catch GzipError.tooLarge {
            throw RPCStatus(
                .resourceExhausted,
                "a message has more than \(limits.messageBytesMax) bytes decompressed (\(limit))")
        } catch is GzipError {
            throw RPCStatus(.internal, "a message is not valid gzip")
        }
    }
}
