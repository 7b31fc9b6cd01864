/// Finds the DATA frames in what a client sends, wherever its bytes are cut.
///
/// nghttp2 drops DATA of streams that it has forgotten without a word; comparing what was sent with
/// what it took shows it.
struct FrameScanner {
    /// Bytes until the next frame's header: the preface first.
    private var skipped = 24
    /// The first bytes of a header whose rest is to come.
    private var partial: [UInt8] = []
    /// The stream ids of the DATA frames that began since `removeAll`, in order.
    private(set) var dataIDs: [Int32] = []

    private static let headerBytes = 9
    private static let dataType: UInt8 = 0

    mutating func removeAll() { dataIDs.removeAll(keepingCapacity: true) }

    mutating func scan(_ bytes: Span<UInt8>) {
        var index = 0
        while !partial.isEmpty {
            guard index < bytes.count else { return }
            partial.append(bytes[index])
            index += 1
            guard partial.count == FrameScanner.headerBytes else { continue }
            let header = partial
            partial = []
            note(header.span)
        }
        while true {
            let left = bytes.count - index
            guard skipped < left else {
                skipped -= left
                return
            }
            index += skipped
            skipped = 0
            guard bytes.count - index >= FrameScanner.headerBytes else {
                for rest in index..<bytes.count { partial.append(bytes[rest]) }
                return
            }
            note(bytes.extracting(index..<index + FrameScanner.headerBytes))
            index += FrameScanner.headerBytes
        }
    }

    private mutating func note(_ header: Span<UInt8>) {
        skipped = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
        guard header[3] == FrameScanner.dataType else { return }
        var id: UInt32 = 0
        for index in 5..<9 { id = id << 8 | UInt32(header[index]) }
        dataIDs.append(Int32(id & 0x7FFF_FFFF))
    }
}
