/// Encoded fields, made by hand so that they can be wrong.
enum WireBytes {
    /// A variable-length integer.
    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// A tag.
    static func tag(_ fieldNumber: UInt64, _ wireType: UInt64) -> [UInt8] {
        varint(fieldNumber << 3 | wireType)
    }

    /// A length-delimited field.
    static func field(_ fieldNumber: UInt64, _ content: [UInt8]) -> [UInt8] {
        tag(fieldNumber, 2) + varint(UInt64(content.count)) + content
    }

    /// A string field.
    static func field(_ fieldNumber: UInt64, _ text: String) -> [UInt8] {
        field(fieldNumber, Array(text.utf8))
    }

    /// A field of each wire type, with the bytes that follow its tag.
    static let values: [(wireType: UInt64, bytes: [UInt8])] = [
        (0, [0x01]),
        (1, [1, 2, 3, 4, 5, 6, 7, 8]),
        (2, [0x02, 0x61, 0x62]),
        (5, [1, 2, 3, 4]),
    ]
}
