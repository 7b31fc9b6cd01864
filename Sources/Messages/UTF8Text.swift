/// The rule for strings on the wire: UTF-8 without NUL.
enum UTF8Text {
    private static let highBits: UInt64 = 0x8080_8080_8080_8080
    private static let lowBits: UInt64 = 0x0101_0101_0101_0101

    /// Throws unless the bytes of `start` in `range` are UTF-8 without NUL.
    static func check(_ start: UnsafePointer<UInt8>, _ range: Range<Int>) throws(MessageError) {
        var offset = range.lowerBound
        let words = unsafe UnsafeRawPointer(start)
        // Eight bytes at a time while all are ASCII and none is NUL.
        while offset + 8 <= range.upperBound {
            let word = unsafe words.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            // Exact for ASCII: a borrow can reach a byte only from a NUL below it.
            guard (word | (word &- lowBits)) & highBits == 0 else { break }
            offset += 8
        }
        while offset < range.upperBound, unsafe start[offset] < 0x80 {
            guard unsafe start[offset] != 0 else { throw .malformed(.nulInString, offset: offset) }
            offset += 1
        }
        guard offset < range.upperBound else { return }
        try unsafe checkBeyondASCII(start, offset..<range.upperBound)
    }

    private static func checkBeyondASCII(
        _ start: UnsafePointer<UInt8>,
        _ range: Range<Int>
    ) throws(MessageError) {
        let bytes = unsafe UnsafeBufferPointer(start: start + range.lowerBound, count: range.count)
        if let nul = unsafe bytes.firstIndex(of: 0) {
            throw .malformed(.nulInString, offset: range.lowerBound + nul)
        }
        do {
            _ = try unsafe UTF8Span(validating: bytes.span)
        } catch {
            throw .malformed(
                .notUTF8,
                offset: range.lowerBound + error.byteOffsets.lowerBound
            )
        }
    }
}
