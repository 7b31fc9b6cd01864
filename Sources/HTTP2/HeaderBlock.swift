/// The fields of one header section in order, as bytes in one buffer.
///
/// A block costs two allocations whatever it holds; names and values are cut out only when asked for.
public struct HeaderBlock: Sendable {
    /// Where one field's name and value lie in ``HeaderBlock/storage``.
    public struct Field: Sendable {
        let start: UInt32
        let nameCount: UInt32
        let valueCount: UInt32
        /// Which name this is.
        public let token: HeaderToken

        /// The name's place.
        public var name: Range<Int> { Int(start)..<Int(start) + Int(nameCount) }
        /// The value's place.
        public var value: Range<Int> { name.upperBound..<name.upperBound + Int(valueCount) }
    }

    /// The bytes of all names and values.
    public private(set) var storage: [UInt8] = []
    /// The fields in the order in which they were sent.
    public private(set) var fields: [Field] = []

    /// Makes an empty block.
    public init() {}

    /// Makes an empty block with room for a header section as calls have it, so that none of its
    /// fields makes the buffers grow.
    init(reserved: Void) {
        storage.reserveCapacity(HeaderBlock.usualBytes)
        fields.reserveCapacity(HeaderBlock.usualFields)
    }

    private static let usualBytes = 384
    private static let usualFields = 14

    /// The size as RFC 9113 §10.5.1 counts it: names, values and 32 bytes a field.
    public var listBytes: Int { storage.count + fields.count * HeaderBlock.fieldOverheadBytes }

    /// What each field adds to the size of a header list (RFC 7541 §4.1).
    public static let fieldOverheadBytes = 32

    /// Adds a field whose bytes are `name` (lower case) and `value`.
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let start = UInt32(storage.count)
        let token = HeaderToken(of: name)
        storage.append(span: name)
        storage.append(span: value)
        fields.append(
            Field(
                start: start,
                nameCount: UInt32(name.count),
                valueCount: UInt32(value.count),
                token: token
            )
        )
    }

    /// Adds a field with a fixed name (lower case) and a fixed value.
    public mutating func append(_ name: StaticString, _ value: StaticString) {
        append(name: Array(name.bytes).span, value: Array(value.bytes).span)
    }

    /// Adds a field with a fixed name (lower case) and the bytes of `value`.
    public mutating func append(_ name: StaticString, _ value: some Collection<UInt8>) {
        append(name: Array(name.bytes).span, value: Array(value).span)
    }

    /// Removes all fields and keeps the memory.
    public mutating func removeAll() {
        storage.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    /// The bytes of the first field named by `token`.
    public func first(_ token: HeaderToken) -> ArraySlice<UInt8>? {
        for field in fields where field.token == token { return storage[field.value] }
        return nil
    }

    /// How many fields are named by `token`.
    public func count(of token: HeaderToken) -> Int {
        var count = 0
        for field in fields where field.token == token { count += 1 }
        return count
    }

    /// Whether the first field named by `token` has exactly the value `text`.
    public func isFirst(_ token: HeaderToken, _ text: StaticString) -> Bool {
        for field in fields where field.token == token {
            return storage.span.extracting(field.value).equals(text)
        }
        return false
    }
}

extension StaticString {
    /// The string's UTF-8 bytes.
    var bytes: [UInt8] { withUTF8Buffer { unsafe [UInt8]($0) } }
}

extension [UInt8] {
    /// Appends what a span shows.
    mutating func append(span: Span<UInt8>) {
        // Safe: the bytes are copied before the closure returns.
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
