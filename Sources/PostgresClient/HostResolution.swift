import EventLoops

/// A host of a connection URI and the numeric addresses it resolved to; a socket folder has one
/// empty address.
struct ResolvedHost: Sendable {
    let name: String
    let addresses: [String]

    /// Resolves names, which blocks: run it on a worker.
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
        do {
            return try HostLookup.addresses(of: host)
        } catch {
            throw PostgresError(.connectionFailed, function: "getaddrinfo", message: error.reason)
        }
    }
}
