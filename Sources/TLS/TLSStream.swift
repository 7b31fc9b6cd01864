import COpenSSL
import EventLoops
public import HTTP2

/// TLS over a connected, non-blocking socket.
///
/// The handshake happens inside the first reads and writes: until it is done they are blocked, and
/// whoever limits the time to the first bytes (HTTP/2's preface) limits the handshake with it.
/// Reads decrypt all that one `recv` brought and leave nothing behind in OpenSSL, given a buffer of
/// at least ``readBytesMin``.
@safe public final class TLSStream: ByteStream {
    /// Which end of the connection this is.
    enum Role {
        /// We connected and begin the handshake.
        case client
        /// We accepted and answer it.
        case server
    }

    /// Told of the handshake's outcome, once.
    typealias HandshakeEnded = (TLSStream, TLSError?) -> Void
    /// Told of each session that the server gives (clients).
    typealias SessionIssued = (TLSSession) -> Void

    private enum Phase {
        /// Left when both sides are sure, or by a failure.
        case handshaking
        /// Bytes go both ways.
        case open
        /// The handshake failed and the alert is out (servers): what still comes is thrown away, so
        /// that the peer reads the alert instead of a reset.
        case refused(discardedBytes: Int)
        /// The peer ended its side; ours may go on.
        case readEnded
        /// Broken.
        case failed(TLSError)
        /// The descriptor is closed.
        case closed
    }

    // Safe: made by init, freed by deinit, before the BIO's object goes.
    private let ssl: OpaquePointer
    private let bio: SocketBIO
    private let role: Role
    private let turns: HandshakeTurns
    private let context: TLSContext
    private let handshakeEnded: HandshakeEnded
    private var keepSession: SessionIssued?
    private var phase = Phase.handshaking
    private var isCloseNotified = false
    /// A record is half sent: OpenSSL must be given the same bytes again before anything else.
    private var isWriteBlocked = false
    /// What the handshake waits for.
    private var handshakeWaitsFor: Readiness = .readable

    /// The shortest buffer that every read empties OpenSSL into.
    public static let readBytesMin = 32 * 1024
    /// What a record may add to what was read before it was complete.
    private static let recordBytesMax = 17 * 1024
    /// What is thrown away after a failed handshake before the connection is cut.
    private static let discardedBytesMax = 64 * 1024

    /// Whether a read may give something although the descriptor is not ready.
    public private(set) var hasPending = false

    init(
        over socket: SocketStream, role: Role, context: TLSContext, turns: HandshakeTurns,
        handshakeEnded: @escaping HandshakeEnded
    ) throws(TLSError) {
        ERR_clear_error()
        guard let ssl = unsafe SSL_new(context.pointer) else { throw .drained("SSL_new") }
        unsafe self.ssl = ssl
        self.role = role
        self.context = context
        self.turns = turns
        self.handshakeEnded = handshakeEnded
        bio = SocketBIO(socket: socket)
        try unsafe bio.attach(to: ssl)
        switch role {
        case .client: unsafe SSL_set_connect_state(ssl)
        case .server: unsafe SSL_set_accept_state(ssl)
        }
    }

    deinit { unsafe SSL_free(ssl) }

    /// Whether the peer may have seen anything of the handshake.
    var hasSent: Bool { bio.hasSent }

    /// Hands every session that the server gives to `keep`.
    func keepSessions(_ keep: @escaping SessionIssued) throws(TLSError) {
        keepSession = keep
        // Safe: unretained, for this object owns `ssl` and frees it before it goes.
        try callTLS("SSL_set_app_data") {
            unsafe berth_ssl_set_app_data(ssl, Unmanaged.passUnretained(self).toOpaque()) == 1
        }
    }

    /// The stream that ``keepSessions(_:)`` was called on; for OpenSSL's callback.
    static func owner(of ssl: OpaquePointer) -> TLSStream? {
        guard let data = unsafe berth_ssl_app_data(ssl) else { return nil }
        return unsafe Unmanaged<TLSStream>.fromOpaque(data).takeUnretainedValue()
    }

    /// OpenSSL lends a session that the server gave.
    func sessionIssued(_ session: OpaquePointer) {
        guard let keepSession, let copy = unsafe TLSSession(copying: session) else { return }
        keepSession(copy)
    }

    /// What the loop watches.
    public var descriptor: Int32 { bio.socket.descriptor }

    /// Gives `body` the connection's OpenSSL object, for settings and questions of this target.
    func withSSL<Result>(_ body: (OpaquePointer) throws(TLSError) -> Result) throws(TLSError)
        -> Result
    {
        try unsafe body(ssl)
    }

    // MARK: Reading

    /// Reads and decrypts what is there; the handshake's part of it is taken first.
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome {
        hasPending = false
        switch phase {
        case .handshaking:
            // The descriptor stays ready for what it was waiting for: the next turn goes on.
            guard turns.takeStep() else { return .blocked(until: handshakeWaitsFor) }
        case .open: break
        case .refused(let discarded): return unsafe discard(into: buffer, discarded)
        case .readEnded: return .ended
        case .failed(let error): return .failed(error)
        case .closed: return .ended
        }
        let bytesMax = min(
            max(buffer.count - TLSStream.recordBytesMax, 1024), HandshakeTurns.bytesMax)
        return unsafe bio.withCiphertext(in: turns.ciphertext, bytesMax: bytesMax) {
            if case .handshaking = phase, let outcome = handshake() { return outcome }
            return unsafe decrypt(into: buffer)
        }
    }

    private func decrypt(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome {
        var total = 0
        while total < buffer.count {
            var count = 0
            ERR_clear_error()
            // Safe: OpenSSL writes at most what is left of the caller's live buffer.
            let code = unsafe SSL_read_ex(
                ssl, buffer.baseAddress?.advanced(by: total), buffer.count - total, &count)
            if code == 1 {
                total += count
                continue
            }
            let error = unsafe SSL_get_error(ssl, code)
            if error == SSL_ERROR_WANT_READ {
                return total > 0 ? .moved(total) : .blocked(until: .readable)
            }
            if error == SSL_ERROR_WANT_WRITE {
                hasPending = total > 0
                return total > 0 ? .moved(total) : .blocked(until: .writable)
            }
            let isEnd = error == SSL_ERROR_ZERO_RETURN
            phase = isEnd ? .readEnded : .failed(takeFailure("SSL_read"))
            guard total == 0 else {
                hasPending = true
                return .moved(total)
            }
            if case .failed(let failure) = phase { return .failed(failure) }
            return .ended
        }
        hasPending = unsafe SSL_pending(ssl) > 0 || bio.hasKept
        return .moved(total)
    }

    /// Throws away what comes after a failed handshake.
    private func discard(
        into buffer: UnsafeMutableRawBufferPointer, _ discarded: Int
    ) -> ByteStreamOutcome {
        let outcome = unsafe bio.socket.read(into: buffer)
        guard case .moved(let count) = outcome else { return outcome }
        phase = .refused(discardedBytes: discarded + count)
        return discarded + count < TLSStream.discardedBytesMax
            ? .blocked(until: .readable) : .ended
    }

    // MARK: Handshake

    /// Goes on with the handshake; nil once it is done.
    private func handshake() -> ByteStreamOutcome? {
        ERR_clear_error()
        let code = unsafe SSL_do_handshake(ssl)
        if code == 1 {
            guard unsafe HTTP2Negotiation.isChosen(by: ssl) else { return refuse(.noHTTP2) }
            phase = .open
            handshakeEnded(self, nil)
            return nil
        }
        let error = unsafe SSL_get_error(ssl, code)
        guard error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE else {
            return refuse(takeFailure("SSL_do_handshake"))
        }
        handshakeWaitsFor = error == SSL_ERROR_WANT_READ ? .readable : .writable
        return .blocked(until: handshakeWaitsFor)
    }

    private func refuse(_ error: TLSError) -> ByteStreamOutcome {
        handshakeEnded(self, error)
        if role == .client || bio.isEnded || bio.failure != nil {
            phase = .failed(error)
            return .failed(error)
        }
        // OpenSSL has written the alert; FIN follows it.
        bio.socket.endWriting()
        bio.discardKept()
        phase = .refused(discardedBytes: 0)
        return .blocked(until: .readable)
    }

    /// What OpenSSL or the socket failed with.
    private func takeFailure(_ function: String) -> TLSError {
        let reasons = TLSError.drained(function, and: verificationFailure)
        if let failure = bio.failure { return failure }
        return bio.isEnded ? .truncated : reasons
    }

    /// Why the peer's certificate was not believed; nil when it was, or there was none to judge.
    private var verificationFailure: String? {
        let result = unsafe SSL_get_verify_result(ssl)
        guard result != Int(X509_V_OK) else { return nil }
        return unsafe X509_verify_cert_error_string(result).map { unsafe String(cString: $0) }
    }

    // MARK: Writing

    /// Encrypts and writes what the kernel takes, whole records at a time. After `blocked`, or when
    /// less than all was moved, the next call must begin with the same bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome {
        switch phase {
        case .open, .readEnded: return unsafe encrypt(bytes)
        case .handshaking:
            // A server has nothing to say before the client spoke.
            guard role == .client else { return .blocked(until: handshakeWaitsFor) }
            if let outcome = handshake() { return outcome }
            return unsafe encrypt(bytes)
        case .refused: return .blocked(until: .readable)
        case .failed(let error): return .failed(error)
        case .closed: return .ended
        }
    }

    private func encrypt(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome {
        var total = 0
        while total < bytes.count {
            var count = 0
            ERR_clear_error()
            // Safe: OpenSSL reads at most what is left of the caller's live buffer.
            let code = unsafe SSL_write_ex(
                ssl, bytes.baseAddress?.advanced(by: total), bytes.count - total, &count)
            if code == 1 {
                isWriteBlocked = false
                total += count
                continue
            }
            let error = unsafe SSL_get_error(ssl, code)
            if error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ {
                isWriteBlocked = true
                if total > 0 { return .moved(total) }
                return .blocked(until: error == SSL_ERROR_WANT_READ ? .readable : .writable)
            }
            let failure = takeFailure("SSL_write")
            phase = .failed(failure)
            return .failed(failure)
        }
        return .moved(total)
    }

    // MARK: Ending

    /// Sends close_notify, then FIN; reading goes on.
    public func endWriting() {
        sendCloseNotify()
        bio.socket.endWriting()
    }

    /// Sends close_notify if nothing was said yet, as far as the kernel takes it, and closes.
    public func close() {
        // Whoever waits for a client's handshake hears that it will not end; a server's says nothing
        // of its own that somebody waits for.
        if case .handshaking = phase, role == .client { handshakeEnded(self, .truncated) }
        sendCloseNotify()
        phase = .closed
        bio.socket.close()
    }

    private func sendCloseNotify() {
        guard !isCloseNotified, !isWriteBlocked else { return }
        switch phase {
        case .open, .readEnded: break
        default: return
        }
        isCloseNotified = true
        ERR_clear_error()
        // 0 means that the peer has not answered yet, which nobody waits for; an error, that it
        // went away or takes no bytes, and then it would not read this either.
        _ = unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }
}
