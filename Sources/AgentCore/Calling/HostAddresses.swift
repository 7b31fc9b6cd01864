import Glibc
import HTTP2

/// Finds the addresses of a host's name.
enum HostAddresses {
    /// How many addresses of one name are tried.
    static let addressesMax = 8

    /// A name without addresses.
    struct Unknown: Error, CustomStringConvertible {
        let host: String
        let reason: String
        var description: String { "\(host) has no address: \(reason)" }
    }

    /// Resolves by `getaddrinfo`, which blocks: for a worker.
    /// - Throws: ``Unknown``.
    static func resolve(_ host: String, port: UInt16) throws(Unknown) -> [SocketAddress] {
        if host == "localhost" { return SocketAddress("127.0.0.1:\(port)").map { [$0] } ?? [] }
        if let address = SocketAddress(host: host, port: port) { return [address] }
        // Safe: the list lives until freeaddrinfo; addresses are copied as text before.
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw Unknown(host: host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let current = unsafe entry, addresses.count < addressesMax {
            if let address = unsafe address(current.pointee, port) { addresses.append(address) }
            unsafe entry = unsafe current.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw Unknown(host: host, reason: "none of IPv4 or IPv6") }
        return addresses
    }

    private static func address(_ entry: addrinfo, _ port: UInt16) -> SocketAddress? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = unsafe getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        let host = String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return SocketAddress(host: host, port: port)
    }
}
