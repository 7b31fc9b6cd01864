import Cryptography

/// The files that a server shows itself by and knows its clients by.
public struct ServerCertificateFiles: Sendable {
    /// The certificate, then those that lead to its authority; PEM.
    public let certificateChain: String
    /// The private key of the first certificate; PEM, without a passphrase, its owner's alone.
    public let privateKey: String
    /// The authorities that clients' certificates come from; PEM. Nil: none is asked for.
    public let clientAuthorities: String?
    /// Whether a client without a certificate is refused.
    public let requiresClientCertificate: Bool

    /// Names the files; nothing is read yet.
    public init(
        certificateChain: String, privateKey: String, clientAuthorities: String? = nil,
        requiresClientCertificate: Bool = true
    ) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorities = clientAuthorities
        self.requiresClientCertificate = requiresClientCertificate
    }

    /// Reads the files. May block: call it at the start or on a worker.
    ///
    /// Each call draws new ticket keys: after a change of the clients' authorities no session of
    /// before may be resumed.
    /// - Throws: ``TLSError``.
    public func read() throws(TLSError) -> ServerCredentials {
        var clients = ServerCredentials.Clients.unasked
        if let clientAuthorities {
            let authorities = try PEMFile.read(clientAuthorities, isSecret: false)
            clients =
                requiresClientCertificate ? .required(of: authorities) : .optional(of: authorities)
        }
        var key = try PEMFile.read(privateKey, isSecret: true)
        return try ServerCredentials(
            certificateChain: try PEMFile.read(certificateChain, isSecret: false),
            privateKey: SecretBytes(taking: &key), clients: clients)
    }

    /// What changes when any of the files does. May block.
    public func stamp() -> Stamp {
        let paths = [certificateChain, privateKey] + (clientAuthorities.map { [$0] } ?? [])
        return Stamp(files: paths.map(PEMFile.stamp))
    }

    /// The state of the files at one time.
    public struct Stamp: Equatable, Sendable {
        let files: [PEMFile.Stamp?]
    }
}
