/// The encoded arguments of the statements that are queued and not yet handed to libpq.
///
/// One buffer a connection, reused: a statement costs no allocation for its arguments. The methods
/// are concrete, not generic: other modules call them, where generics would not be specialized.
package struct ParameterBuffer {
    struct Entry {
        let start: Int
        let length: Int
        let isBinary: Bool
        var isNull: Bool { length < 0 }
    }

    // Starts with one byte, so that an empty value has an address and is not NULL.
    private(set) var bytes: [UInt8] = [0]
    private(set) var entries: [Entry] = []

    /// Appends SQL NULL.
    package mutating func appendNull() {
        entries.append(Entry(start: 0, length: -1, isBinary: false))
    }

    /// Appends a value in PostgreSQL's text format.
    package mutating func appendText(_ text: String) {
        let start = bytes.count
        bytes.append(contentsOf: text.utf8)
        // Text format ends at a NUL, and would cut the value there; in binary format PostgreSQL
        // sees the NUL and refuses it.
        let hasNUL = bytes[start...].contains(0)
        entries.append(Entry(start: start, length: bytes.count - start, isBinary: hasNUL))
        bytes.append(0)
    }

    /// Appends a boolean in binary format.
    package mutating func appendBool(_ value: Bool) {
        let start = bytes.count
        bytes.append(value ? 1 : 0)
        finishBinary(start)
    }

    /// Appends four bytes in binary format.
    package mutating func appendInt32(_ value: Int32) {
        let start = bytes.count
        appendBytes(of: value)
        finishBinary(start)
    }

    /// Appends eight bytes in binary format.
    package mutating func appendInt64(_ value: Int64) {
        let start = bytes.count
        appendBytes(of: value)
        finishBinary(start)
    }

    /// Appends two big-endian halves in binary format: a uuid.
    package mutating func appendHalves(_ high: UInt64, _ low: UInt64) {
        let start = bytes.count
        appendBytes(of: high)
        appendBytes(of: low)
        finishBinary(start)
    }

    /// Appends bytes in binary format.
    package mutating func appendBinary(_ value: [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: value)
        finishBinary(start)
    }

    var count: Int { entries.count }

    mutating func removeAll() {
        if bytes.count > ParameterBuffer.keptCapacityMax {
            bytes = [0]
        } else {
            bytes.removeSubrange(1...)
        }
        entries.removeAll(keepingCapacity: true)
    }

    private mutating func finishBinary(_ start: Int) {
        entries.append(Entry(start: start, length: bytes.count - start, isBinary: true))
    }

    private mutating func appendBytes(of value: some FixedWidthInteger) {
        // Safe: the bytes of a local, copied within the call.
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    private static let keptCapacityMax = 64 * 1024
}
