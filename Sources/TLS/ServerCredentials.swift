import COpenSSL
public import Cryptography

/// What a server shows itself by and knows its clients by, read but not yet in use.
///
/// One value serves every loop of a process: a session begun on one can be resumed on another, for
/// they share the keys that its ticket is sealed with.
public struct ServerCredentials: Sendable {
    /// Who may connect.
    public enum Clients: Sendable {
        /// Anyone; no certificate is asked for.
        case unasked
        /// Anyone, but a certificate that is shown must come from these authorities (PEM).
        case optional(of: [UInt8])
        /// Only who shows a certificate of these authorities (PEM).
        case required(of: [UInt8])
    }

    let certificateChain: [UInt8]
    let privateKey: SecretBytes
    let clients: Clients
    let ticketKeys: SecretBytes

    /// What OpenSSL 3 takes: a name of 16 bytes, an HMAC key and a cipher key of 32 each.
    static let ticketKeyBytes = 80

    /// Takes PEM texts and draws new ticket keys.
    /// - Throws: ``TLSError`` when the system gives no random bytes.
    public init(certificateChain: [UInt8], privateKey: SecretBytes, clients: Clients = .unasked)
        throws(TLSError)
    {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clients = clients
        do {
            ticketKeys = try SecretBytes(randomCount: ServerCredentials.ticketKeyBytes)
        } catch {
            throw .library(function: "RAND_priv_bytes", reasons: ["\(error)"])
        }
    }

    /// Builds what a listener would use and throws it away.
    /// - Throws: ``TLSError``: a text that is no PEM, a key that is not the certificate's.
    public func verify() throws(TLSError) { _ = try TLSContext(server: self) }
}
