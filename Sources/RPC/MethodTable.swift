/// Finds a handler by the bytes of its path, without making a string.
struct MethodTable {
    private var handlers: [any MethodHandler] = []
    private var pathBytes: [[UInt8]] = []
    /// Open addressing over a power of two; -1 is free. At most half full.
    private var slots: [Int32] = [Int32](repeating: -1, count: 16)

    /// The handlers in order of registration.
    var all: [any MethodHandler] { handlers }

    /// The paths in order of registration.
    var paths: [String] { handlers.map(\.path) }

    mutating func insert(_ handler: any MethodHandler) {
        let path = Array(handler.path.utf8)
        if let index = pathBytes.firstIndex(of: path) {
            handlers[index] = handler
            return
        }
        handlers.append(handler)
        pathBytes.append(path)
        if handlers.count * 2 > slots.count { grow() } else { place(handlers.count - 1) }
    }

    /// The handler of the path, which is case-sensitive.
    func find(_ path: Span<UInt8>) -> (any MethodHandler)? {
        var slot = MethodTable.hash(path) & (slots.count - 1)
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            if MethodTable.areEqual(pathBytes[index], path) { return handlers[index] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        for index in handlers.indices { place(index) }
    }

    private mutating func place(_ index: Int) {
        let path = pathBytes[index]
        var slot = MethodTable.hash(path.span) & (slots.count - 1)
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(index)
    }

    /// FNV-1a. The table's keys are our own, so a peer cannot choose them to collide; a path it
    /// sends costs one short probe.
    private static func hash(_ path: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in path.indices { hash = (hash ^ UInt64(path[index])) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ (hash >> 32))
    }

    private static func areEqual(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}
