/// The open streams by id: open addressing, since ids are odd or even numbers in a row and spread
/// by themselves.
struct StreamTable {
    private var slots: [HTTP2Stream?] = [HTTP2Stream?](repeating: nil, count: 16)
    /// How many streams are in the table.
    private(set) var count = 0

    subscript(id: Int32) -> HTTP2Stream? {
        var slot = home(id)
        while let stream = slots[slot] {
            if stream.id == id { return stream }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds a stream whose id is not in the table.
    mutating func insert(_ stream: HTTP2Stream) {
        if (count + 1) * 2 > slots.count { grow() }
        place(stream)
        count += 1
    }

    /// Removes the stream with `id`, if there is one.
    mutating func remove(_ id: Int32) -> HTTP2Stream? {
        var slot = home(id)
        while let stream = slots[slot] {
            if stream.id == id {
                empty(slot)
                count -= 1
                return stream
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// All streams, in no order.
    var all: [HTTP2Stream] { slots.compactMap(\.self) }

    private func home(_ id: Int32) -> Int { Int(id >> 1) & (slots.count - 1) }

    private mutating func place(_ stream: HTTP2Stream) {
        var slot = home(stream.id)
        while slots[slot] != nil { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = stream
    }

    private mutating func grow() {
        let old = slots
        slots = [HTTP2Stream?](repeating: nil, count: old.count * 2)
        for case .some(let stream) in old { place(stream) }
    }

    /// Frees a slot and moves back what probed past it, so that no search ends early.
    private mutating func empty(_ freed: Int) {
        var hole = freed
        var slot = freed
        let mask = slots.count - 1
        slots[hole] = nil
        while true {
            slot = (slot + 1) & mask
            guard let stream = slots[slot] else { return }
            let distanceFromHome = (slot - home(stream.id)) & mask
            if distanceFromHome >= (slot - hole) & mask {
                slots[hole] = stream
                slots[slot] = nil
                hole = slot
            }
        }
    }
}
