/// Reads the fields of one encoded message in order, no more than descriptors need: numbers and
/// length-delimited bytes.
struct ProtobufFields {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// One field.
    struct Field {
        let number: Int
        /// The value of a varint; 0 for other wire types.
        let varint: UInt64
        /// The content of a length-delimited field; empty for other wire types.
        let content: ArraySlice<UInt8>

        var text: String { String(decoding: content, as: UTF8.self) }
    }

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field, or nil at the end.
    /// - Throws: ``MalformedDescriptor``.
    mutating func next() throws(MalformedDescriptor) -> Field? {
        guard position < bytes.endIndex else { return nil }
        let tag = try varint()
        let number = Int(truncatingIfNeeded: tag >> 3)
        switch tag & 7 {
        case 0: return Field(number: number, varint: try varint(), content: [])
        case 1: return Field(number: number, varint: 0, content: try skip(8).prefix(0))
        case 2:
            guard let count = Int(exactly: try varint()) else { throw MalformedDescriptor() }
            return Field(number: number, varint: 0, content: try skip(count))
        case 5: return Field(number: number, varint: 0, content: try skip(4).prefix(0))
        default: throw MalformedDescriptor()
        }
    }

    private mutating func varint() throws(MalformedDescriptor) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.endIndex else { throw MalformedDescriptor() }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw MalformedDescriptor()
    }

    private mutating func skip(_ count: Int) throws(MalformedDescriptor) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw MalformedDescriptor() }
        defer { position += count }
        return bytes[position..<position + count]
    }
}

/// The descriptor set that a server was given is not one.
public struct MalformedDescriptor: Error, Equatable {}
