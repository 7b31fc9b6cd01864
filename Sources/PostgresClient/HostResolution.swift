import Glibc

/// A host of a connection URI and the numeric addresses it resolved to; a socket folder has one
/// empty address.
struct ResolvedHost: Sendable {
    let name: String
    let addresses: [String]

    /// Resolves names by `getaddrinfo`, which blocks: run it on a worker.
    /// - Throws: `.connectionFailed` when a name does not resolve.
    static func resolve(_ hosts: [String]) throws(PostgresError) -> [ResolvedHost] {
        var resolved: [ResolvedHost] = []
        for host in hosts {
            let isLocal = host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@")
            let addresses = isLocal ? [""] : try addresses(of: host)
            resolved.append(ResolvedHost(name: host, addresses: addresses))
        }
        return resolved
    }

    private static func addresses(of host: String) throws(PostgresError) -> [String] {
        // Safe: the list lives until freeaddrinfo; addresses are copied as text before.
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw PostgresError(
                .connectionFailed, function: "getaddrinfo",
                message: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var texts: [String] = []
        var entry = unsafe list
        while let current = unsafe entry, texts.count < addressesAHostMax {
            if let text = unsafe numericText(current.pointee) { texts.append(text) }
            unsafe entry = unsafe current.pointee.ai_next
        }
        return texts
    }

    private static func numericText(_ entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = unsafe getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// How many addresses of one name are tried.
    private static let addressesAHostMax = 8
}
