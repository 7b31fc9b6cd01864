import COpenSSL
public import EventLoops
public import HTTP2

/// Makes TLS streams of the sockets that one loop opens to one server.
///
/// Keeps the last session of each address, with which the next handshake there is shorter: no
/// certificates cross, and the server signs nothing.
@safe public final class TLSConnector {
    private let context: TLSContext
    private let turns: HandshakeTurns
    private let serverName: String
    private var sessions = KeptSessions()

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

    /// Takes over a socket that is connected or about to be.
    ///
    /// The session of a stream before is resumed if that led to the same address and the server still
    /// knows it; else the handshake is a whole one. A stream may outlive its connector.
    /// - Throws: ``TLSError``; the socket stays the caller's.
    public func stream(over socket: SocketStream) throws(TLSError) -> TLSStream {
        let session = socket.target.flatMap { sessions[$0] }
        let stream = try TLSStream(over: socket, role: .client, context: context, turns: turns) {
            [weak self] stream, error in
            guard let self, let session else { return }
            // One that the server may have seen is used up, or did harm. A socket that never got
            // connected says nothing of it.
            if stream.hasSent, error != nil || !session.isReusable || !stream.isResumed {
                sessions.drop(session)
            }
        }
        try unsafe stream.withSSL { (ssl) throws(TLSError) in
            try unsafe expectServer(on: ssl)
            unsafe session?.offer(by: ssl)
        }
        if let address = socket.target {
            try stream.keepSessions { [weak self] in self?.sessions.keep($0, for: address) }
        }
        return stream
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
