import ArgumentParser
import HTTP2
import TLS

/// How `berthd serve` encrypts its connections.
struct TLSOptions: ParsableArguments {
    @Option(help: "A PEM file: our certificate, then those that lead to its authority.")
    var tlsCert: String?
    @Option(help: "A PEM file: the certificate's private key, its owner's alone (mode 0600).")
    var tlsKey: String?
    @Option(
        name: .customLong("tls-client-ca"),
        help: "A PEM file: the authorities of our clients' certificates, which are asked for then.")
    var tlsClientAuthorities: String?
    @Option(
        help: "Whether a client must show a certificate: optional or required (the default).")
    var tlsClientAuth: ClientAuthentication?
    @Flag(help: "Take connections from other machines without TLS: a proxy in front does it.")
    var plaintextBehindProxy = false

    /// Whether a client must show a certificate.
    enum ClientAuthentication: String, ExpressibleByArgument {
        case optional, required
    }

    /// The files, read; nil when connections shall not be encrypted.
    func encryption(on address: SocketAddress) throws -> ServeConfiguration.Encryption? {
        guard let files = try files() else {
            guard address.isLoopback || plaintextBehindProxy else {
                throw ValidationError(
                    "--listen \(address): other machines can reach it, and without TLS everyone on "
                        + "the way reads tokens and passwords: give --tls-cert FILE and --tls-key "
                        + "FILE, or --plaintext-behind-proxy when a proxy in front does TLS")
            }
            return nil
        }
        do {
            // Before the reading: a change in between is noticed later.
            let stamp = files.stamp()
            let credentials = try files.read()
            try credentials.verify()
            return ServeConfiguration.Encryption(
                files: files, stamp: stamp, credentials: credentials)
        } catch {
            throw ValidationError("--tls-cert, --tls-key, --tls-client-ca: \(error)")
        }
    }

    private func files() throws -> ServerCertificateFiles? {
        guard let tlsCert, let tlsKey else {
            guard tlsCert == nil, tlsKey == nil else {
                throw ValidationError("--tls-cert and --tls-key belong together: give both")
            }
            guard tlsClientAuthorities == nil, tlsClientAuth == nil else {
                throw ValidationError("--tls-client-… need --tls-cert and --tls-key")
            }
            return nil
        }
        guard !plaintextBehindProxy else {
            throw ValidationError("--plaintext-behind-proxy and --tls-cert exclude each other")
        }
        guard tlsClientAuth == nil || tlsClientAuthorities != nil else {
            throw ValidationError("--tls-client-auth needs --tls-client-ca")
        }
        return ServerCertificateFiles(
            certificateChain: tlsCert, privateKey: tlsKey, clientAuthorities: tlsClientAuthorities,
            requiresClientCertificate: tlsClientAuth != .optional)
    }
}
