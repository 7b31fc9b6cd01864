import BerthMessages

/// What waits to be reported on a stream, in order. Pure.
///
/// Bounded: what a newer report makes worthless is replaced by it, so that at most a few reports of
/// each job wait, one inventory, and as many refusals and log lines as the limits say.
struct ReportQueue {
    /// Chunks of logs that wait; whoever has more waits too.
    static let logChunksMax = 8
    /// Refusals that wait; more are not told.
    static let refusalsMax = 64

    private var kinds: [AgentV1.Report.Kind] = []

    /// Adds a report.
    mutating func add(_ kind: AgentV1.Report.Kind) {
        if let index = kinds.firstIndex(where: { ReportQueue.replaces(kind, $0) }) {
            kinds[index] = kind
            return
        }
        if case .jobRefusal = kind {
            let refusals = kinds.filter { if case .jobRefusal = $0 { true } else { false } }
            guard refusals.count < ReportQueue.refusalsMax else { return }
        }
        kinds.append(kind)
    }

    /// Takes the oldest report.
    mutating func next() -> AgentV1.Report.Kind? { kinds.isEmpty ? nil : kinds.removeFirst() }

    /// Whether a chunk of logs may be added.
    var hasRoomForLogs: Bool {
        let chunks = kinds.filter { if case .logChunk = $0 { true } else { false } }
        return chunks.count < ReportQueue.logChunksMax
    }

    /// Whether the new report says all that the old one did, as of now.
    private static func replaces(_ new: AgentV1.Report.Kind, _ old: AgentV1.Report.Kind) -> Bool {
        switch (new, old) {
        case (.inventory, .inventory): true
        case (.jobProgress(let new), .jobProgress(let old)):
            new.reference == old.reference && new.state == old.state
        default: false
        }
    }
}
