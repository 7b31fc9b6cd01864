/// Bytes that are put in at the end and taken from the front, in one buffer.
public struct ByteQueue {
    private var storage: [UInt8] = []
    private var head = 0

    /// Makes an empty queue.
    public init() {}

    /// How many bytes wait.
    public var count: Int { storage.count - head }
    /// Whether none waits.
    public var isEmpty: Bool { head == storage.count }

    /// The waiting byte at `offset` from the front, which must be below ``count``.
    public subscript(offset: Int) -> UInt8 { storage[head + offset] }

    /// Adds bytes at the end.
    public mutating func append(_ bytes: Span<UInt8>) {
        reclaim()
        storage.append(span: bytes)
    }

    /// Adds bytes at the end.
    public mutating func append(_ bytes: [UInt8]) {
        reclaim()
        storage.append(contentsOf: bytes)
    }

    /// Adds one byte at the end.
    public mutating func append(_ byte: UInt8) { storage.append(byte) }

    /// Makes room for `count` more bytes.
    public mutating func reserve(_ count: Int) {
        reclaim()
        storage.reserveCapacity(storage.count + count)
    }

    /// Shows the waiting bytes.
    public func withBytes<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        try body(storage.span.extracting(head..<storage.count))
    }

    /// Takes up to `count` bytes from the front.
    public mutating func removeFirst(_ count: Int) {
        head += min(count, self.count)
        if isEmpty { removeAll() }
    }

    /// Copies the first `count` waiting bytes.
    public func prefix(_ count: Int) -> ArraySlice<UInt8> {
        storage[head..<head + min(count, self.count)]
    }

    /// Drops everything; keeps a small buffer for the next bytes and frees a large one.
    public mutating func removeAll() {
        storage.removeAll(keepingCapacity: storage.capacity <= ByteQueue.keptBytesMax)
        head = 0
    }

    /// Moves the rest to the front once the taken part is the larger one, so that a queue that
    /// never runs empty does not grow for ever.
    private mutating func reclaim() {
        guard head > 4096, head > count else { return }
        storage.removeFirst(head)
        head = 0
    }

    private static let keptBytesMax = 16 * 1024
}
