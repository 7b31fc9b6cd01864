/// The ids of the streams that closed last: a ring, so that any number of streams costs the same.
struct RecentIDs {
    private var ids: [Int32] = []
    private var next = 0
    private let countMax: Int

    /// - Parameter countMax: How many are known, at least one.
    init(countMax: Int) { self.countMax = countMax }

    mutating func insert(_ id: Int32) {
        if ids.count < countMax {
            ids.append(id)
            return
        }
        ids[next] = id
        next = (next + 1) % countMax
    }

    func contains(_ id: Int32) -> Bool { ids.contains(id) }
}
