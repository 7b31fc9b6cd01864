public import EventLoops
public import HTTP2

/// Makes TLS streams of the sockets that one loop accepts.
public final class TLSAcceptor {
    /// How the handshakes of this loop went, since it began.
    public struct HandshakeCounts: Sendable {
        /// Those that led to a stream.
        public internal(set) var completed: UInt64 = 0
        /// Those of them that went on with a session of before.
        public internal(set) var resumed: UInt64 = 0
        /// Those that were refused or broke off.
        public internal(set) var failed: UInt64 = 0
    }

    /// How the handshakes went.
    public private(set) var handshakes = HandshakeCounts()
    /// Told of each handshake that failed; anyone can make it happen, so log it quietly.
    public var handshakeFailed: (TLSError) -> Void = { _ in }

    private var context: TLSContext
    let turns: HandshakeTurns

    /// Accepts as the credentials say.
    /// - Throws: ``TLSError``: a text that is no PEM, a key that is not the certificate's.
    public init(_ credentials: ServerCredentials, reactor: Reactor) throws(TLSError) {
        context = try TLSContext(server: credentials)
        turns = HandshakeTurns(reactor: reactor)
    }

    /// Uses these credentials from the next connection on; those there are keep theirs.
    /// - Throws: ``TLSError``; then the old ones stay in use.
    public func replaceCredentials(_ credentials: ServerCredentials) throws(TLSError) {
        context = try TLSContext(server: credentials)
    }

    /// Takes over an accepted socket.
    /// - Throws: ``TLSError`` when OpenSSL has no memory for it; the socket stays the caller's.
    public func stream(over socket: SocketStream) throws(TLSError) -> TLSStream {
        try TLSStream(over: socket, role: .server, context: context, turns: turns) {
            [weak self] stream, error in self?.handshakeEnded(stream, error)
        }
    }

    private func handshakeEnded(_ stream: TLSStream, _ error: TLSError?) {
        if let error {
            handshakes.failed += 1
            handshakeFailed(error)
            return
        }
        handshakes.completed += 1
        if stream.isResumed { handshakes.resumed += 1 }
    }
}
