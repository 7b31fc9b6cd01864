import Domain

/// The jobs that an agent was sent on a stream and has not ended.
struct RunningJobs {
    private struct Entry {
        let fencingToken: Int64
        /// The heartbeats that came since it was sent.
        var heartbeats = 0
    }

    private var entries: [JobID: Entry] = [:]

    var count: Int { entries.count }

    /// Notes that a job was sent; the same job again replaces it.
    mutating func begin(_ reference: JobReference) {
        entries[reference.jobID] = Entry(fencingToken: reference.fencingToken)
    }

    /// Notes that a job has ended, or that the agent has lost it.
    /// - Returns: Whether there is room for another now.
    mutating func end(_ reference: JobReference) -> Bool {
        guard let entry = entries[reference.jobID], entry.fencingToken <= reference.fencingToken
        else { return false }
        entries[reference.jobID] = nil
        return true
    }

    /// Forgets the jobs that the agent does not know of: those that two heartbeats since their sending
    /// have not named. One that was on its way when a heartbeat left is in the next.
    /// - Returns: Whether there is room for another now.
    mutating func reconcile(_ named: [JobReference]) -> Bool {
        let known = Set(named.map(\.jobID))
        let before = entries.count
        for (id, entry) in entries {
            if known.contains(id) {
                entries[id]?.heartbeats = 0
            } else if entry.heartbeats >= 1 {
                entries[id] = nil
            } else {
                entries[id]?.heartbeats += 1
            }
        }
        return entries.count < before
    }
}
