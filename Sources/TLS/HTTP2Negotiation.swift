import COpenSSL

/// The choice of HTTP/2 inside the handshake (ALPN, RFC 7301), without which RFC 9113 §3.2 allows
/// none over TLS.
enum HTTP2Negotiation {
    /// `h2` as the extension writes it: each name after its length.
    private static let offered: [UInt8] = [2, 0x68, 0x32]

    /// Makes a server refuse, by no_application_protocol, whoever does not offer `h2`.
    static func require(in context: OpaquePointer) {
        // Safe: the callbacks hold no state, and touch what OpenSSL lends only during the call.
        unsafe SSL_CTX_set_client_hello_cb(
            context,
            { ssl, alert, _ in
                var extensionBytes: UnsafePointer<UInt8>?
                var count = 0
                // OpenSSL asks the other callback only when the client offers anything at all.
                if unsafe SSL_client_hello_get0_ext(
                    ssl, UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation),
                    &extensionBytes, &count) == 1
                {
                    return SSL_CLIENT_HELLO_SUCCESS
                }
                unsafe alert?.pointee = SSL_AD_NO_APPLICATION_PROTOCOL
                return SSL_CLIENT_HELLO_ERROR
            }, nil)
        unsafe SSL_CTX_set_alpn_select_cb(
            context,
            { _, chosen, chosenCount, offers, offersCount, _ in
                guard let offers = unsafe offers else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                var start = 0
                let end = Int(offersCount)
                while start < end {
                    let length = Int(unsafe offers[start])
                    guard start + 1 + length <= end else { break }
                    if unsafe length == 2 && offers[start + 1] == 0x68 && offers[start + 2] == 0x32
                    {
                        unsafe chosen?.pointee = offers + start + 1
                        unsafe chosenCount?.pointee = 2
                        return SSL_TLSEXT_ERR_OK
                    }
                    start += 1 + length
                }
                return SSL_TLSEXT_ERR_ALERT_FATAL
            }, nil)
    }

    /// Makes a client offer `h2` alone.
    static func offer(in context: OpaquePointer) {
        // Safe: OpenSSL copies the names. Only want of memory fails, and then the handshake does.
        _ = unsafe SSL_CTX_set_alpn_protos(context, offered, UInt32(offered.count))
    }

    /// Whether the handshake chose `h2`.
    static func isChosen(by ssl: OpaquePointer) -> Bool {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        // Safe: OpenSSL lends the name, which is read before any other call.
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name = unsafe name, count == 2 else { return false }
        return unsafe name[0] == 0x68 && name[1] == 0x32
    }
}
