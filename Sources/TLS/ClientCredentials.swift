public import Cryptography

/// Whom a client trusts, and what it shows itself by.
public struct ClientCredentials: Sendable {
    /// Who may vouch for a server.
    public enum Authorities: Sendable {
        /// Those that the machine trusts.
        case system
        /// These alone (PEM).
        case only([UInt8])
    }

    /// A client's own certificate.
    public struct Identity: Sendable {
        let certificateChain: [UInt8]
        let privateKey: SecretBytes

        /// Takes PEM texts.
        public init(certificateChain: [UInt8], privateKey: SecretBytes) {
            self.certificateChain = certificateChain
            self.privateKey = privateKey
        }
    }

    let authorities: Authorities
    let identity: Identity?

    /// Puts the two together.
    public init(authorities: Authorities = .system, identity: Identity? = nil) {
        self.authorities = authorities
        self.identity = identity
    }
}
