/// The encoded arguments of the statements that are queued and not yet handed to libpq.
///
/// One buffer a connection, reused: a statement costs no allocation for its arguments.
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
        let length = bytes.count - start
        // Text format ends at a NUL, and would cut the value there; in binary format PostgreSQL
        // sees the NUL and refuses it.
        let hasNUL = bytes[start...].contains(0)
        bytes.append(0)
        entries.append(Entry(start: start, length: length, isBinary: hasNUL))
    }

    /// Appends an integer in binary format, big-endian.
    package mutating func appendInteger(_ value: some FixedWidthInteger) {
        let start = bytes.count
        append(value)
        entries.append(Entry(start: start, length: bytes.count - start, isBinary: true))
    }

    /// Appends bytes in binary format.
    package mutating func appendBinary(_ value: some Sequence<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: value)
        entries.append(Entry(start: start, length: bytes.count - start, isBinary: true))
    }

    /// Appends two big-endian halves in binary format: a uuid.
    package mutating func appendHalves(_ high: UInt64, _ low: UInt64) {
        let start = bytes.count
        append(high)
        append(low)
        entries.append(Entry(start: start, length: bytes.count - start, isBinary: true))
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

    private mutating func append(_ value: some FixedWidthInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    private static let keptCapacityMax = 64 * 1024
}
