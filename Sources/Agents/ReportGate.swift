import Domain

/// Admits each report of a stream once, in order.
struct ReportGate {
    let identity: AgentIdentity
    let clockDifferenceMax: Duration
    private var lastSequence: Int64 = 0

    init(identity: AgentIdentity, clockDifferenceMax: Duration) {
        self.identity = identity
        self.clockDifferenceMax = clockDifferenceMax
    }

    /// Why a report whose signature is good counts nothing; nil when it counts.
    mutating func refusal(of header: SignedReport.Header, now: Timestamp) -> ReportRefusal? {
        guard ServerID(header.serverID) == identity.serverID else { return .wrongServer }
        guard header.sessionID == identity.sessionID.bytes else { return .wrongSession }
        guard header.sequence > lastSequence else { return .replayed }
        guard header.sequence == lastSequence + 1 else { return .outOfOrder }
        guard let issuedAt = header.issuedAt else { return .malformed }
        guard issuedAt >= now.advanced(by: .zero - clockDifferenceMax),
            issuedAt <= now.advanced(by: clockDifferenceMax)
        else { return .wrongTime }
        lastSequence = header.sequence
        return nil
    }
}

/// Why a report counts nothing.
enum ReportRefusal: String, Hashable, Sendable {
    /// It has more bytes than a report may have.
    case tooLarge = "TOO_LARGE"
    /// It was not signed by the agent's key.
    case badSignature = "BAD_SIGNATURE"
    /// It cannot be read.
    case malformed = "MALFORMED"
    /// It is about another server.
    case wrongServer = "WRONG_SERVER"
    /// It was made for another stream.
    case wrongSession = "WRONG_SESSION"
    /// Its number was there before.
    case replayed = "REPLAYED"
    /// A report before it is missing.
    case outOfOrder = "OUT_OF_ORDER"
    /// It was signed too long ago, or in the future.
    case wrongTime = "WRONG_TIME"
}
