/// The stream ids a client used, to tell one that it went back to from one that has closed
/// (RFC 9113 §5.1.1); nghttp2 ignores both.
struct StreamIDSequence {
    /// The highest id so far; -1 before the first.
    private(set) var highest: Int32 = -1
    /// Ids that were passed over, in ascending ranges. Real clients pass over none.
    private var gaps: [ClosedRange<Int32>] = []

    private static let gapsMax = 32

    /// Notes the id of a HEADERS frame.
    /// - Returns: False when the id was passed over before, or too many were.
    mutating func take(_ id: Int32) -> Bool {
        guard id > highest else { return !gaps.contains { $0.contains(id) } }
        if Int64(id) > Int64(highest) + 2 {
            guard gaps.count < StreamIDSequence.gapsMax else { return false }
            gaps.append(highest + 1...id - 1)
        }
        highest = id
        return true
    }
}
