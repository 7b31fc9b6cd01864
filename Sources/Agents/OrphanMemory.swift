import Domain

/// What the last inventory of each server named as orphans, so that it is looked into when it changed,
/// and of each is told once. Pure.
struct OrphanMemory {
    /// More servers than this one process does not serve; past it, orphans may be told of again.
    static let serversMax = 4096

    private struct Entry {
        var session: AgentSessionID
        var named: [ServerOrphan]
        var told: Set<ServerOrphan>
    }

    private var entries: [ServerID: Entry] = [:]

    /// Whether an inventory names others than the one before, or is the first of its stream: meanwhile
    /// another process may have had the server.
    func isNews(_ named: [ServerOrphan], of identity: AgentIdentity) -> Bool {
        guard let entry = entries[identity.serverID] else { return true }
        return entry.session != identity.sessionID || entry.named != named
    }

    /// Those that were not told of while they were there; one that went and came back is new.
    ///
    /// - Parameters:
    ///   - unknown: Those of which nothing is known, as many as are told of.
    ///   - named: All of them.
    mutating func new(
        _ unknown: [ServerOrphan], among named: [ServerOrphan], of identity: AgentIdentity
    ) -> [ServerOrphan] {
        let before = entries[identity.serverID]?.told ?? []
        if entries.count >= OrphanMemory.serversMax, entries[identity.serverID] == nil {
            entries.removeAll()
        }
        entries[identity.serverID] = Entry(
            session: identity.sessionID, named: named,
            // One beyond those that are shown stays told of while it is there.
            told: before.intersection(named).union(unknown))
        return unknown.filter { !before.contains($0) }
    }
}
