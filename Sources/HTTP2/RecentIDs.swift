/// The ids of the streams that closed last: a ring, so that any number of streams costs the same.
struct RecentIDs {
    private var ids: [Int32] = []
    private var next = 0

    static let countMax = 32

    mutating func insert(_ id: Int32) {
        if ids.count < RecentIDs.countMax {
            ids.append(id)
            return
        }
        ids[next] = id
        next = (next + 1) % RecentIDs.countMax
    }

    func contains(_ id: Int32) -> Bool { ids.contains(id) }
}
