/// What a pool has done and what it does, as plain counts.
public struct PoolStatistics: Equatable, Sendable {
    /// Sends to the server that someone waited for.
    public internal(set) var roundTrips = 0
    /// Transactions that PostgreSQL committed.
    public internal(set) var commits = 0
    /// Transactions that ended otherwise, but for those of which nobody knows.
    public internal(set) var rollbacks = 0
    /// Transactions whose COMMIT was sent and never answered.
    public internal(set) var unknownOutcomes = 0
    /// Callers that got no connection: too many waited already, or they waited too long.
    public internal(set) var refusals = 0
    /// Connections that were opened.
    public internal(set) var connects = 0
    /// Attempts to open a connection that failed.
    public internal(set) var connectFailures = 0
    /// Connections that are being opened now.
    public internal(set) var connecting = 0
    /// Connections that serve a caller now.
    public internal(set) var inUse = 0
    /// Connections that are open and free now.
    public internal(set) var idle = 0
    /// Callers that wait for a connection now.
    public internal(set) var waiting = 0
}
