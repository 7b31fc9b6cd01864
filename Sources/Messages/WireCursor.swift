import CProtobufC

/// The wire types of proto3, by their numbers on the wire. Groups (3 and 4) are not among them.
enum WireType: UInt32 {
    case varint = 0
    case bits64 = 1
    case lengthDelimited = 2
    case bits32 = 5

    /// How one value of a field of this type is encoded.
    init(of type: ProtobufCType) {
        switch type {
        case PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_FLOAT:
            self = .bits32
        case PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_DOUBLE:
            self = .bits64
        case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE:
            self = .lengthDelimited
        default:
            self = .varint
        }
    }
}

/// What stands before every field.
struct WireTag {
    let fieldNumber: UInt32
    let wireType: WireType
}

/// Walks over encoded fields without reading past its range. Offsets count from the whole message's
/// start.
@safe
struct WireCursor {
    private let start: UnsafePointer<UInt8>
    private let end: Int
    private(set) var offset: Int

    private static let varintBytesMax = 10
    /// protobuf-c reads a tag and a length from at most this many bytes.
    private static let headerBytesMax = 5
    private static let fieldNumberMax: UInt64 = (1 << 29) - 1

    init(start: UnsafePointer<UInt8>, range: Range<Int>) {
        unsafe self.start = start
        offset = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { offset >= end }

    /// Reads a tag.
    mutating func tag() throws(MessageError) -> WireTag {
        let tagOffset = offset
        let value = try integer(bytesMax: WireCursor.headerBytesMax)
        guard let wireType = WireType(rawValue: UInt32(value & 7)) else {
            throw .malformed(.wireType, offset: tagOffset)
        }
        let number = value >> 3
        guard number > 0, number <= WireCursor.fieldNumberMax else {
            throw .malformed(.fieldNumber, offset: tagOffset)
        }
        return WireTag(fieldNumber: UInt32(number), wireType: wireType)
    }

    /// Reads a length and passes over what it measures; returns where that is.
    mutating func lengthDelimited() throws(MessageError) -> Range<Int> {
        let lengthOffset = offset
        let length = try integer(bytesMax: WireCursor.headerBytesMax)
        guard length <= UInt64(end - offset) else {
            throw .malformed(.lengthPastEnd, offset: lengthOffset)
        }
        let content = offset..<(offset + Int(length))
        offset = content.upperBound
        return content
    }

    /// Passes over one value.
    mutating func skip(_ wireType: WireType) throws(MessageError) {
        switch wireType {
        case .varint: _ = try integer(bytesMax: WireCursor.varintBytesMax)
        case .bits64: try skip(byteCount: 8)
        case .lengthDelimited: _ = try lengthDelimited()
        case .bits32: try skip(byteCount: 4)
        }
    }

    private mutating func skip(byteCount: Int) throws(MessageError) {
        guard byteCount <= end - offset else { throw .malformed(.truncated, offset: offset) }
        offset += byteCount
    }

    private mutating func integer(bytesMax: Int) throws(MessageError) -> UInt64 {
        let first = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < end {
            let byte = unsafe start[offset]
            value |= UInt64(byte & 0x7F) &<< shift
            offset += 1
            if byte < 0x80 { return value }
            if offset - first == bytesMax { throw .malformed(.overlongInteger, offset: first) }
            shift += 7
        }
        throw .malformed(.truncated, offset: first)
    }
}
