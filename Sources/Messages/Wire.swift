import CProtobufC

/// Between bytes on the wire and message values. protobuf-c packs and unpacks every byte.
public enum Wire {
    /// The stack memory that a call's arena begins with: enough for a small message. Swift takes a
    /// temporary allocation of more than 1,024 bytes from the heap instead.
    private static let stackBytes = 1024

    /// Unpacks a message from its encoded bytes.
    ///
    /// - Returns: A value that shares no memory with `bytes`.
    /// - Throws: ``MessageError/malformed(_:offset:)`` or ``MessageError/limitExceeded(_:)``.
    public static func decode<M: Message>(
        _ type: M.Type = M.self,
        from bytes: [UInt8],
        limits: MessageLimits = .standard
    ) throws(MessageError) -> M {
        try decode(type, from: bytes.span, limits: limits)
    }

    /// Unpacks a message from its encoded bytes.
    ///
    /// - Returns: A value that shares no memory with `bytes`.
    /// - Throws: ``MessageError/malformed(_:offset:)`` or ``MessageError/limitExceeded(_:)``.
    public static func decode<M: Message>(
        _ type: M.Type = M.self,
        from bytes: Span<UInt8>,
        limits: MessageLimits = .standard
    ) throws(MessageError) -> M {
        var message = M()
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(MessageError) in
            try unsafe decode(buffer, as: M.descriptor, limits) { message.read(from: $0) }
        }
        return message
    }

    /// Packs a message into its encoded bytes: fields by number, map entries by key, so that equal
    /// messages have equal bytes.
    ///
    /// - Parameters:
    ///   - prefixByteCount: How many zero bytes to leave before the message, for the caller to fill.
    /// - Throws: ``MessageError/nulInString`` or ``MessageError/limitExceeded(_:)``.
    public static func encode<M: Message>(
        _ message: M,
        after prefixByteCount: Int = 0,
        limits: MessageLimits = .standard
    ) throws(MessageError) -> [UInt8] {
        try encode(M.descriptor, after: prefixByteCount, limits) { message.write(to: $0) }
    }

    // Nothing below is generic: the metadata of generic results would cost more than the work.

    private static func encode(
        _ descriptor: MessageDescriptor,
        after prefixByteCount: Int,
        _ limits: MessageLimits,
        _ write: (borrowing FieldWriter) -> Void
    ) throws(MessageError) -> [UInt8] {
        var bytes: [UInt8] = []
        try unsafe withArena(limits) { arena throws(MessageError) in
            let packable = unsafe arena.pointee.message(descriptor.pointer)
            if let packable = unsafe packable {
                write(unsafe FieldWriter(packable, arena: arena))
            }
            if let failure = unsafe arena.pointee.failure { throw failure }
            let size = unsafe protobuf_c_message_get_packed_size(packable)
            guard size <= limits.messageBytesMax else { throw .limitExceeded(.messageBytesMax) }
            bytes = unsafe [UInt8](unsafeUninitializedCapacity: prefixByteCount + size) {
                buffer,
                count in
                count = prefixByteCount + size
                guard let start = buffer.baseAddress else { return }
                unsafe start.update(repeating: 0, count: prefixByteCount)
                _ = unsafe protobuf_c_message_pack(packable, start + prefixByteCount)
            }
        }
        return bytes
    }

    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        as descriptor: MessageDescriptor,
        _ limits: MessageLimits,
        _ read: (borrowing FieldReader) -> Void
    ) throws(MessageError) {
        try unsafe WireGuard.check(bytes, as: descriptor, limits: limits)
        try unsafe withArena(limits) { arena throws(MessageError) in
            var allocator = unsafe ProtobufCAllocator(arena: arena)
            let unpacked = unsafe protobuf_c_message_unpack(
                descriptor.pointer,
                &allocator,
                bytes.count,
                bytes.baseAddress
            )
            guard let unpacked = unsafe unpacked else {
                throw unsafe arena.pointee.failure ?? .refusedByUnpacker
            }
            read(unsafe FieldReader(unpacked))
        }
    }

    /// Gives `body` an arena that dies when it returns: no pointer into it may outlive it.
    private static func withArena(
        _ limits: MessageLimits,
        _ body: (UnsafeMutablePointer<Arena>) throws(MessageError) -> Void
    ) throws(MessageError) {
        unsafe try withUnsafeTemporaryAllocation(byteCount: stackBytes, alignment: 16) {
            stack throws(MessageError) in
            var arena = unsafe Arena(first: stack, bytesMax: limits.arenaBytesMax)
            defer { arena.freeChunks() }
            try unsafe withUnsafeMutablePointer(to: &arena) {
                arena throws(MessageError) in try unsafe body(arena)
            }
        }
    }
}
