import Domain

/// The orphans that the last inventory of each server named, so that of each is told once. Pure.
struct OrphanMemory {
    /// More servers than this one process does not serve; past it, orphans may be told of again.
    static let serversMax = 4096

    private var seen: [ServerID: Set<String>] = [:]

    /// Those that the server's inventory before did not name; one that went and came back is new.
    mutating func new(_ names: [String], of server: ServerID) -> [String] {
        let before = seen[server] ?? []
        if seen.count >= OrphanMemory.serversMax, seen[server] == nil { seen.removeAll() }
        seen[server] = names.isEmpty ? nil : Set(names)
        return names.filter { !before.contains($0) }
    }
}
