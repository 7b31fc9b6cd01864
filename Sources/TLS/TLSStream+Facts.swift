import COpenSSL

extension TLSStream {
    /// The protocol in use, such as `TLSv1.3`.
    public var protocolVersion: String {
        // Safe: OpenSSL's own constant text, copied.
        unsafe (try? withSSL { unsafe SSL_get_version($0).map { unsafe String(cString: $0) } })
            ?? ""
    }

    /// Whether the handshake went on with a session of before.
    public var isResumed: Bool {
        unsafe (try? withSSL { unsafe SSL_session_reused($0) == 1 }) ?? false
    }

    /// Whether the peer showed a certificate; it is verified then.
    public var hasPeerCertificate: Bool {
        unsafe (try? withSSL { unsafe SSL_get0_peer_certificate($0) != nil }) ?? false
    }
}
