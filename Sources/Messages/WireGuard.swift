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
        // A bit for each field, by its place: generated messages have at most 64.
        var messagesSeen: UInt64 = 0
        while !cursor.isAtEnd {
            let tag = try cursor.tag()
            try count(1)
            guard let field = unsafe WireGuard.field(tag.fieldNumber, of: descriptor) else {
                try count(unknown: 1)
                try cursor.skip(tag.wireType)
                continue
            }
            let tagEnd = cursor.offset
            let content = try unsafe checkField(tag, field, &cursor)
            if unsafe field.pointee.type == PROTOBUF_C_TYPE_MESSAGE {
                if unsafe field.pointee.label != PROTOBUF_C_LABEL_REPEATED {
                    let bit: UInt64 = unsafe 1 &<< UInt64(field - descriptor.pointee.fields)
                    guard messagesSeen & bit == 0 else {
                        throw .malformed(.messageTwice, offset: tagEnd)
                    }
                    messagesSeen |= bit
                }
                try unsafe checkSubmessage(content, of: field, depth: depth + 1)
            }
        }
    }

    private mutating func checkSubmessage(
        _ range: Range<Int>,
        of field: UnsafePointer<ProtobufCFieldDescriptor>,
        depth: Int
    ) throws(MessageError) {
        submessages += 1
        guard submessages <= limits.submessagesMax else { throw .limitExceeded(.submessagesMax) }
        guard let descriptor = unsafe field.pointee.descriptor else { throw .refusedByUnpacker }
        try unsafe checkMessage(
            range,
            descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self),
            depth: depth
        )
    }

    /// Passes over the field; returns where its content is, which only a submessage needs.
    private mutating func checkField(
        _ tag: WireTag,
        _ field: UnsafePointer<ProtobufCFieldDescriptor>,
        _ cursor: inout WireCursor
    ) throws(MessageError) -> Range<Int> {
        let type = unsafe field.pointee.type
        let expected = WireType(of: type)
        let tagEnd = cursor.offset
        guard tag.wireType == .lengthDelimited else {
            guard tag.wireType == expected else {
                throw .malformed(.wireTypeMismatch, offset: tagEnd)
            }
            try cursor.skip(expected)
            return tagEnd..<cursor.offset
        }
        let content = try cursor.lengthDelimited()
        if type == PROTOBUF_C_TYPE_STRING {
            try unsafe UTF8Text.check(start, content)
        } else if expected != .lengthDelimited {
            guard unsafe field.pointee.label == PROTOBUF_C_LABEL_REPEATED else {
                throw .malformed(.wireTypeMismatch, offset: tagEnd)
            }
            try checkPacked(content, of: expected)
        }
        return content
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
