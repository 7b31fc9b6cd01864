import CProtobufC

/// The memory of one call: handed out front to back, never given back singly, freed all at once.
///
/// Lives on the stack of `Wire`; the first chunk is its caller's, more chunks are made on demand,
/// never above `bytesMax` in all. Pointers from it are valid until ``freeChunks()``.
@safe
struct Arena {
    private var cursor: UnsafeMutableRawPointer?
    private var bytesLeft: Int
    private var chunks: UnsafeMutableRawPointer?
    private var nextChunkBytes: Int
    private var bytesAllowed: Int
    /// What went wrong first, if anything did: the writers note it and `Wire` throws it.
    private(set) var failure: MessageError?

    private static let chunkBytesMin = 8 * 1024
    private static let chunkHeaderBytes = 16

    /// Starts with `first`, which the caller owns and which must be aligned to 8 bytes.
    init(first: UnsafeMutableRawBufferPointer, bytesMax: Int) {
        unsafe cursor = first.baseAddress
        bytesLeft = min(first.count, bytesMax)
        unsafe chunks = nil
        nextChunkBytes = Arena.chunkBytesMin
        bytesAllowed = bytesMax - bytesLeft
    }

    /// `byteCount` bytes aligned to 8 with any content, or `nil` when the limit is reached.
    mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let rounded = (byteCount + 7) & ~7
        if rounded > bytesLeft {
            guard addChunk(for: rounded) else {
                fail(.limitExceeded(.arenaBytesMax))
                return nil
            }
        }
        let start = unsafe cursor
        unsafe cursor = start.map { unsafe $0 + rounded }
        bytesLeft -= rounded
        return unsafe start
    }

    /// A C message with every field at its default, or `nil` when the limit is reached.
    mutating func message(
        _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafeMutablePointer<ProtobufCMessage>? {
        guard let memory = unsafe allocate(descriptor.pointee.sizeof_message) else { return nil }
        let message = unsafe memory.assumingMemoryBound(to: ProtobufCMessage.self)
        unsafe protobuf_c_message_init(descriptor, message)
        return unsafe message
    }

    /// Notes a failure; the first one stays.
    mutating func fail(_ error: MessageError) {
        if failure == nil { failure = error }
    }

    /// Frees every chunk that this arena made.
    mutating func freeChunks() {
        while let chunk = unsafe chunks {
            unsafe chunks = chunk.load(as: UnsafeMutableRawPointer?.self)
            unsafe chunk.deallocate()
        }
    }

    private mutating func addChunk(for byteCount: Int) -> Bool {
        let wanted = max(byteCount + Arena.chunkHeaderBytes, nextChunkBytes)
        let size = min(wanted, bytesAllowed)
        guard size >= byteCount + Arena.chunkHeaderBytes else { return false }
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        unsafe chunk.storeBytes(of: chunks, as: UnsafeMutableRawPointer?.self)
        unsafe chunks = chunk
        unsafe cursor = chunk + Arena.chunkHeaderBytes
        bytesLeft = size - Arena.chunkHeaderBytes
        bytesAllowed -= size
        nextChunkBytes = 2 * size
        return true
    }
}

extension ProtobufCAllocator {
    /// Lets protobuf-c allocate from `arena`, which must outlive every use; its frees do nothing.
    init(arena: UnsafeMutablePointer<Arena>) {
        unsafe self.init(
            alloc: { arena, size in
                // A size past Int would be a fault of protobuf-c; the limit refuses it all the same.
                guard let arena = unsafe arena?.assumingMemoryBound(to: Arena.self) else {
                    return nil
                }
                return unsafe arena.pointee.allocate(Int(clamping: size))
            },
            free: { _, _ in },
            allocator_data: UnsafeMutableRawPointer(arena)
        )
    }
}
