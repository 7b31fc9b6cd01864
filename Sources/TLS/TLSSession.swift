import COpenSSL

/// What a server gave a client to shorten the next handshake by.
@safe final class TLSSession {
    // Safe: made by init, freed by deinit; OpenSSL counts references of its own.
    private let pointer: OpaquePointer

    /// Copies the session that OpenSSL reports: it spoils its own when a connection breaks, which says
    /// nothing against the session (RFC 5246 §7.2.1). Nil when it cannot be resumed.
    init?(copying session: OpaquePointer) {
        guard unsafe SSL_SESSION_is_resumable(session) == 1,
            let copy = unsafe SSL_SESSION_dup(session)
        else { return nil }
        unsafe pointer = copy
    }

    deinit { unsafe SSL_SESSION_free(pointer) }

    /// Whether it may be offered again: a ticket of TLS 1.3 shown twice would tell who listens that it
    /// is the same client (RFC 8446, appendix C.4).
    var isReusable: Bool { unsafe SSL_SESSION_get_protocol_version(pointer) < TLS1_3_VERSION }

    /// Offers it in the handshake that `ssl` will begin: as a copy, for the reason that it is one.
    func offer(by ssl: OpaquePointer) {
        guard let copy = unsafe SSL_SESSION_dup(pointer) else { return }
        // `ssl` counts a reference of its own. Only a session of another kind of method is refused,
        // and then the handshake is a whole one.
        _ = unsafe SSL_set_session(ssl, copy)
        unsafe SSL_SESSION_free(copy)
    }
}
