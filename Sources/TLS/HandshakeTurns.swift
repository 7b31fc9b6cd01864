import EventLoops

/// What the TLS streams of one loop share: a buffer that ciphertext is read into, and how much
/// handshaking one turn of the loop may do.
@safe final class HandshakeTurns {
    // Safe: allocated here, freed in deinit, and lent only for the length of a call.
    let ciphertext = UnsafeMutableRawBufferPointer.allocate(byteCount: bytesMax, alignment: 16)

    private let reactor: Reactor
    private var turn: Instant
    private var steps = 0

    /// Ciphertext that one read takes from the socket.
    static let bytesMax = 64 * 1024
    /// Steps of handshakes that one turn takes; a step costs up to about a millisecond (an RSA
    /// signature), and calls of other connections wait meanwhile.
    static let stepsATurnMax = 4

    init(reactor: Reactor) {
        self.reactor = reactor
        turn = reactor.now
    }

    deinit { unsafe ciphertext.deallocate() }

    /// Whether this turn has time for one more step; counts it if so.
    func takeStep() -> Bool {
        if turn != reactor.now {
            turn = reactor.now
            steps = 0
        }
        guard steps < HandshakeTurns.stepsATurnMax else { return false }
        steps += 1
        return true
    }
}
