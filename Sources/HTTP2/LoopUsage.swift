/// What all connections of one loop hold in memory together.
final class LoopUsage {
    /// Bytes of bodies that arrived and that nobody has taken.
    var receivedBytes = 0
    /// Bytes of bodies that wait to be sent.
    var queuedBytes = 0
}
