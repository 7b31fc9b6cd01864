/// Finds the DATA frames in what a client sends, and counts those of unknown types, wherever its
/// bytes are cut.
///
/// nghttp2 drops both without a word: DATA of streams that it has forgotten, which comparing what was
/// sent with what it took shows, and every frame that it does not know.
struct FrameScanner {
    /// Bytes until the next frame's header: the preface first.
    private var skipped = 24
    /// The first bytes of a header whose rest is to come.
    private var partial: [UInt8] = []
    /// The DATA frames that began since `removeAll`, in order.
    private(set) var dataFrames: [DataFrame] = []
    /// How many frames of types that RFC 9113 does not have began since then.
    private(set) var unknownFrames = 0

    struct DataFrame: Equatable {
        let id: Int32
        let isEmpty: Bool
        /// Whether it ends its stream.
        let isEnd: Bool
    }

    private static let headerBytes = 9
    private static let dataType: UInt8 = 0
    /// CONTINUATION.
    private static let lastKnownType: UInt8 = 9
    private static let endStreamFlag: UInt8 = 1

    mutating func removeAll() {
        dataFrames.removeAll(keepingCapacity: true)
        unknownFrames = 0
    }

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
        if header[3] > FrameScanner.lastKnownType { unknownFrames += 1 }
        guard header[3] == FrameScanner.dataType else { return }
        var id: UInt32 = 0
        for index in 5..<9 { id = id << 8 | UInt32(header[index]) }
        dataFrames.append(
            DataFrame(
                id: Int32(id & 0x7FFF_FFFF), isEmpty: skipped == 0,
                isEnd: header[4] & FrameScanner.endStreamFlag != 0))
    }
}
