import HTTP2

/// The base64 of `application/grpc-web-text`: a sequence of texts, each of which may be padded, so that
/// padding can stand in the middle of a body.
enum WebText {
    /// The padded base64 of `bytes`.
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text = MetadataBase64.encode(bytes)
        while text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        return text
    }

    /// Reads a body as it arrives.
    struct Decoder {
        /// What is decoded and not yet taken.
        var bytes = ByteQueue()
        /// The characters of a group of four that is not complete.
        private var group: [UInt8] = []

        /// A character that base64 has not, or one after padding that does not begin a group.
        struct Malformed: Error {}

        /// Whether the body so far ends between two groups.
        var isComplete: Bool { group.isEmpty }

        /// Adds a piece of the body; returns how many characters of it were read.
        ///
        /// - Parameter bytesMax: Stops once this many bytes wait to be taken.
        mutating func append(_ text: Span<UInt8>, bytesMax: Int) throws(Malformed) -> Int {
            for index in text.indices {
                guard bytes.count < bytesMax else { return index }
                group.append(text[index])
                guard group.count == 4 else { continue }
                guard let decoded = MetadataBase64.decode(group[...]) else { throw Malformed() }
                bytes.append(decoded)
                group.removeAll(keepingCapacity: true)
            }
            return text.count
        }
    }
}
