import Glibc

/// Finds the addresses of a host's name.
public enum HostLookup {
    /// A name that has no address, or none now.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// The host.
        public let host: String
        /// What the resolver said.
        public let reason: String
        /// Both in one line.
        public var description: String { "\(host): \(reason)" }
    }

    /// Addresses of one name that are given; further ones are left out.
    public static let addressesMax = 8

    /// The addresses of a name in numbers, IPv4 or IPv6, in the order in which to try them (RFC 6724);
    /// at least one.
    ///
    /// The resolver blocks, for seconds when its servers are away: call it on a worker.
    /// - Throws: ``Failure``.
    public static func addresses(of host: String) throws(Failure) -> [String] {
        // Safe: the list lives until freeaddrinfo; addresses are copied as text before.
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw Failure(host: host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var texts: [String] = []
        var entry = unsafe list
        while let current = unsafe entry, texts.count < addressesMax {
            if let text = unsafe numericText(current.pointee) { texts.append(text) }
            unsafe entry = unsafe current.pointee.ai_next
        }
        guard !texts.isEmpty else { throw Failure(host: host, reason: "it has no address") }
        return texts
    }

    private static func numericText(_ entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        // Safe: the entry's address lives as long as its list; at most `count` bytes are written.
        let code = unsafe getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
