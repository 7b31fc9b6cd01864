import COpenSSL
import Cryptography

/// The settings that TLS streams begin with: who we are, whom we trust, and which TLS we speak.
///
/// Never changed once made: new certificates mean a new context, and the streams of the old one go
/// on with it. Belongs to one loop.
@safe public final class TLSContext {
    // Safe: made by init, freed by deinit; OpenSSL counts the streams' references itself.
    let pointer: OpaquePointer

    /// Only ciphers that HTTP/2 does not forbid (RFC 9113 appendix A), for TLS 1.2; those of TLS 1.3
    /// are all good.
    private static let ciphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
        + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
        + "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
    /// Seconds for which a session may be resumed.
    private static let sessionSecondsMax = 2 * 60 * 60

    private init(method: OpaquePointer?) throws(TLSError) {
        ERR_clear_error()
        guard let pointer = unsafe SSL_CTX_new(method) else { throw .drained("SSL_CTX_new") }
        unsafe self.pointer = pointer
        try callTLS("SSL_CTX_set_min_proto_version") {
            unsafe berth_ctx_set_version_min(pointer, TLS1_2_VERSION) == 1
        }
        try callTLS("SSL_CTX_set_cipher_list") {
            unsafe SSL_CTX_set_cipher_list(pointer, TLSContext.ciphers) == 1
        }
        // RFC 9113 §9.2.1 forbids both compression and renegotiation.
        unsafe berth_ctx_set_options(pointer)
        unsafe berth_ctx_set_modes(pointer)
        // Sessions live in tickets: a cache would be memory that peers fill, and one a loop.
        unsafe berth_ctx_disable_session_cache(pointer)
        _ = unsafe SSL_CTX_set_timeout(pointer, TLSContext.sessionSecondsMax)
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    /// A context for the streams that a server accepts.
    /// - Throws: ``TLSError``: a text that is no PEM, a key that is not the certificate's.
    public convenience init(server credentials: ServerCredentials) throws(TLSError) {
        try unsafe self.init(method: TLS_server_method())
        try identify(credentials.certificateChain, credentials.privateKey)
        unsafe HTTP2Negotiation.require(in: pointer)
        switch credentials.clients {
        case .unasked: break
        case .optional(let authorities): try verifyClients(of: authorities, isRequired: false)
        case .required(let authorities): try verifyClients(of: authorities, isRequired: true)
        }
        try resumeSessions(credentials.ticketKeys)
    }

    /// A context for the streams that a client opens; the server's certificate is always verified.
    /// - Throws: ``TLSError``: a text that is no PEM, a key that is not the certificate's.
    public convenience init(client credentials: ClientCredentials) throws(TLSError) {
        try unsafe self.init(method: TLS_client_method())
        if let identity = credentials.identity {
            try identify(identity.certificateChain, identity.privateKey)
        }
        unsafe SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        switch credentials.authorities {
        case .system:
            try callTLS("SSL_CTX_set_default_verify_paths") {
                unsafe SSL_CTX_set_default_verify_paths(pointer) == 1
            }
        case .only(let text): try trust(text)
        }
        unsafe HTTP2Negotiation.offer(in: pointer)
        // OpenSSL keeps none itself: it would not know which address a session is of.
        unsafe berth_ctx_report_client_sessions(pointer)
        unsafe SSL_CTX_sess_set_new_cb(
            pointer,
            { ssl, session in
                if let ssl = unsafe ssl, let session = unsafe session {
                    unsafe TLSStream.owner(of: ssl)?.sessionIssued(session)
                }
                // The reference stays OpenSSL's: what is kept is a copy.
                return 0
            })
    }

    private func identify(_ chain: [UInt8], _ key: SecretBytes) throws(TLSError) {
        let pointer = unsafe pointer
        let count = try unsafe PEMText(chain).forEachCertificate {
            (certificate, index) throws(TLSError) in
            // Both count a reference of their own.
            try callTLS("SSL_CTX_use_certificate") {
                unsafe index == 0
                    ? SSL_CTX_use_certificate(pointer, certificate) == 1
                    : berth_ctx_add_chain_certificate(pointer, certificate) == 1
            }
        }
        guard count > 0 else { throw .noCertificate }
        var text = key.revealed()
        // Safe: overwrites the live array's own bytes.
        defer {
            unsafe text.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
        }
        try unsafe PEMText(text).withPrivateKey { (key) throws(TLSError) in
            guard unsafe SSL_CTX_use_PrivateKey(pointer, key) == 1,
                unsafe SSL_CTX_check_private_key(pointer) == 1
            else {
                ERR_clear_error()
                throw .keyMismatch
            }
        }
    }

    private func trust(_ authorities: [UInt8]) throws(TLSError) {
        let pointer = unsafe pointer
        let count = try unsafe PEMText(authorities).forEachCertificate {
            (certificate, _) throws(TLSError) in
            try callTLS("X509_STORE_add_cert") {
                unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), certificate) == 1
            }
        }
        guard count > 0 else { throw .noCertificate }
    }

    private func verifyClients(of authorities: [UInt8], isRequired: Bool) throws(TLSError) {
        let pointer = unsafe pointer
        try trust(authorities)
        // The names go to the client, which chooses its certificate by them.
        _ = try unsafe PEMText(authorities).forEachCertificate {
            (certificate, _) throws(TLSError) in
            try callTLS("SSL_CTX_add_client_CA") {
                unsafe SSL_CTX_add_client_CA(pointer, certificate) == 1
            }
        }
        let mode = SSL_VERIFY_PEER | (isRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe SSL_CTX_set_verify(pointer, mode, nil)
    }

    private func resumeSessions(_ keys: SecretBytes) throws(TLSError) {
        var bytes = keys.revealed()
        let name: [UInt8] = Array("berth".utf8)
        // Safe: OpenSSL copies both arrays during the calls; the keys' length is checked first.
        defer {
            unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
        }
        let pointer = unsafe pointer
        let expected = unsafe berth_ctx_ticket_key_count(pointer)
        try callTLS("SSL_CTX_set_tlsext_ticket_keys") {
            unsafe expected == bytes.count
                && berth_ctx_set_ticket_keys(pointer, &bytes, bytes.count) == 1
        }
        // Without a context id OpenSSL refuses to resume a session with a client's certificate.
        try callTLS("SSL_CTX_set_session_id_context") {
            unsafe SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count)) == 1
        }
        // A gRPC client has one connection, so one ticket is enough.
        try callTLS("SSL_CTX_set_num_tickets") {
            unsafe SSL_CTX_set_num_tickets(pointer, 1) == 1
        }
    }
}
