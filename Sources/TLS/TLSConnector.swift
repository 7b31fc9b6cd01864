import COpenSSL
public import EventLoops
public import HTTP2

/// Makes TLS streams of the sockets that one loop opens to one server.
///
/// Keeps the last session, with which the next handshake is shorter.
@safe public final class TLSConnector {
    private let context: TLSContext
    private let turns: HandshakeTurns
    private let serverName: String
    // Safe: one reference, taken by `keepSession`, released here or by deinit.
    private var session: OpaquePointer?

    /// Verifies each server by `serverName`, a host's name or its address in numbers.
    /// - Throws: ``TLSError``: a text that is no PEM, a key that is not the certificate's.
    public init(
        to serverName: String, with credentials: ClientCredentials = ClientCredentials(),
        reactor: Reactor
    ) throws(TLSError) {
        context = try TLSContext(client: credentials)
        turns = HandshakeTurns(reactor: reactor)
        self.serverName = serverName
    }

    deinit { unsafe SSL_SESSION_free(session) }

    /// Takes over a socket that is connected or about to be.
    /// - Throws: ``TLSError``; the socket stays the caller's.
    public func stream(over socket: SocketStream) throws(TLSError) -> TLSStream {
        let stream = try TLSStream(over: socket, role: .client, context: context, turns: turns) {
            _, _ in
        }
        try unsafe stream.withSSL { (ssl) throws(TLSError) in
            try unsafe expectServer(on: ssl)
            if let session = unsafe session { _ = unsafe SSL_set_session(ssl, session) }
        }
        return stream
    }

    /// Keeps the session of a stream that has received something, for the next handshake.
    public func keepSession(of stream: TLSStream) throws(TLSError) {
        let kept = try unsafe stream.withSSL { unsafe SSL_get1_session($0) }
        guard unsafe SSL_SESSION_is_resumable(kept) == 1 else {
            unsafe SSL_SESSION_free(kept)
            return
        }
        unsafe SSL_SESSION_free(session)
        unsafe session = kept
    }

    private func expectServer(on ssl: OpaquePointer) throws(TLSError) {
        let name = serverName
        if SocketAddress(host: name, port: 0) != nil {
            // RFC 6066 §3 allows no address in the server's name.
            try callTLS("X509_VERIFY_PARAM_set1_ip_asc") {
                unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
            }
            return
        }
        try callTLS("SSL_set1_host") { unsafe SSL_set1_host(ssl, name) == 1 }
        try callTLS("SSL_set_tlsext_host_name") {
            unsafe berth_ssl_set_server_name(ssl, name) == 1
        }
    }
}
