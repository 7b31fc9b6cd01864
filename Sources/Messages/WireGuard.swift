import CProtobufC

/// Scans an encoded message before protobuf-c may see it: its unpacking is recursive and trusting.
///
/// What passes has valid tags, wire types that fit the known fields, lengths inside what holds them,
/// strings of UTF-8 without NUL, and counts and depth within the limits. Unknown fields are skipped,
/// their content unseen. Nothing is allocated.
@safe
struct WireGuard {
    private let start: UnsafePointer<UInt8>
    private let limits: MessageLimits
    private var submessages = 0
    private var fieldCount = 0
    private var unknownFields = 0

    private init(start: UnsafePointer<UInt8>, limits: MessageLimits) {
        unsafe self.start = start
        self.limits = limits
    }

    /// Throws unless `bytes` may be unpacked as `descriptor` says.
    static func check(
        _ bytes: UnsafeBufferPointer<UInt8>,
        as descriptor: MessageDescriptor,
        limits: MessageLimits
    ) throws(MessageError) {
        guard bytes.count <= limits.messageBytesMax else {
            throw .limitExceeded(.messageBytesMax)
        }
        guard let start = bytes.baseAddress else { return }
        var wireGuard = unsafe WireGuard(start: start, limits: limits)
        unsafe try wireGuard.checkMessage(0..<bytes.count, descriptor.pointer, depth: 1)
    }

    private mutating func checkMessage(
        _ range: Range<Int>,
        _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
        depth: Int
    ) throws(MessageError) {
        guard depth <= limits.depthMax else { throw .limitExceeded(.depthMax) }
        var cursor = unsafe WireCursor(start: start, range: range)
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            try count(1)
            guard let field = unsafe WireGuard.field(tag.fieldNumber, of: descriptor) else {
                try count(unknown: 1)
                try cursor.skip(tag.wireType)
                continue
            }
            try unsafe checkField(tag, field, &cursor, depth: depth)
        }
    }

    private mutating func checkField(
        _ tag: WireTag,
        _ field: UnsafePointer<ProtobufCFieldDescriptor>,
        _ cursor: inout WireCursor,
        depth: Int
    ) throws(MessageError) {
        let expected = unsafe WireType(of: field.pointee.type)
        let tagOffset = cursor.offset
        if tag.wireType == .lengthDelimited {
            let content = try cursor.lengthDelimited()
            switch unsafe field.pointee.type {
            case PROTOBUF_C_TYPE_STRING:
                try unsafe UTF8Text.check(start, content)
            case PROTOBUF_C_TYPE_BYTES:
                break
            case PROTOBUF_C_TYPE_MESSAGE:
                submessages += 1
                guard submessages <= limits.submessagesMax else {
                    throw .limitExceeded(.submessagesMax)
                }
                guard let child = unsafe field.pointee.descriptor else { throw .refusedByUnpacker }
                try unsafe checkMessage(
                    content,
                    child.assumingMemoryBound(to: ProtobufCMessageDescriptor.self),
                    depth: depth + 1
                )
            default:
                guard unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED else {
                    throw .malformed(.wireTypeMismatch, offset: tagOffset)
                }
                try checkPacked(content, of: expected)
            }
        } else if tag.wireType == expected {
            try cursor.skip(expected)
        } else {
            throw .malformed(.wireTypeMismatch, offset: tagOffset)
        }
    }

    private mutating func checkPacked(
        _ range: Range<Int>,
        of wireType: WireType
    ) throws(MessageError) {
        switch wireType {
        case .bits32, .bits64:
            let size = wireType == .bits32 ? 4 : 8
            guard range.count.isMultiple(of: size) else {
                throw .malformed(.packedLength, offset: range.lowerBound)
            }
            try count(range.count / size)
        case .varint, .lengthDelimited:
            var cursor = unsafe WireCursor(start: start, range: range)
            while !cursor.isAtEnd {
                try count(1)
                try cursor.skip(.varint)
            }
        }
    }

    private mutating func count(_ fields: Int) throws(MessageError) {
        fieldCount += fields
        guard fieldCount <= limits.fieldsMax else { throw .limitExceeded(.fieldsMax) }
    }

    private mutating func count(unknown fields: Int) throws(MessageError) {
        unknownFields += fields
        guard unknownFields <= limits.unknownFieldsMax else {
            throw .limitExceeded(.unknownFieldsMax)
        }
    }

    /// The known field with this number. protobuf-c sorts fields by number, and most messages number
    /// theirs from 1 without gaps, so the first look usually hits.
    private static func field(
        _ number: UInt32,
        of descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafePointer<ProtobufCFieldDescriptor>? {
        let count = unsafe Int(descriptor.pointee.n_fields)
        guard let fields = unsafe descriptor.pointee.fields, count > 0 else { return nil }
        let guess = Int(number) - 1
        if guess < count, unsafe fields[guess].id == number { return unsafe fields + guess }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            let found = unsafe fields[middle].id
            if found == number { return unsafe fields + middle }
            if found < number { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
