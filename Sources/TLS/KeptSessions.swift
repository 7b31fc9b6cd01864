import HTTP2

/// The last session of each address that one connector connects to.
///
/// All are of one configuration: OpenSSL does not verify a server again whose session it resumes, so
/// another configuration's session would pass for a verification that never was.
struct KeptSessions {
    private var kept: [(address: SocketAddress, session: TLSSession)] = []

    /// Addresses whose sessions are kept; beyond it, the oldest goes.
    static let addressesMax = 8

    /// The session to offer to `address`.
    subscript(address: SocketAddress) -> TLSSession? {
        kept.first { $0.address == address }?.session
    }

    /// Keeps `session` for `address` instead of the one before.
    mutating func keep(_ session: TLSSession, for address: SocketAddress) {
        kept.removeAll { $0.address == address }
        if kept.count == KeptSessions.addressesMax { kept.removeFirst() }
        kept.append((address, session))
    }

    /// Drops `session`, unless a newer one took its place.
    mutating func drop(_ session: TLSSession) {
        kept.removeAll { $0.session === session }
    }
}
