import HTTP2

/// Where the control plane is: `https://HOST[:PORT]`, or `http://` on this machine alone.
struct ControlPlaneAddress: Equatable, Sendable, CustomStringConvertible {
    let isEncrypted: Bool
    /// A name or an address in numbers, without brackets.
    let host: String
    let port: UInt16

    /// Reads an address; nil when it is none: another scheme, a path, a user, a bad port.
    init?(_ text: String) {
        let rest: Substring
        if text.hasPrefix("https://") {
            isEncrypted = true
            rest = text.dropFirst("https://".count)
        } else if text.hasPrefix("http://") {
            isEncrypted = false
            rest = text.dropFirst("http://".count)
        } else {
            return nil
        }
        let authority = rest.hasSuffix("/") ? rest.dropLast() : rest
        guard !authority.isEmpty, !authority.contains(where: { "/?#@ ".contains($0) }) else {
            return nil
        }
        let (host, port) = ControlPlaneAddress.parted(authority)
        guard !host.isEmpty else { return nil }
        if let port {
            guard let number = UInt16(port), number > 0 else { return nil }
            self.port = number
        } else {
            self.port = isEncrypted ? 443 : 80
        }
        self.host = String(host)
    }

    /// Whether nobody on the way can read or change what is sent.
    var isSafe: Bool { isEncrypted || isLoopback }

    private var isLoopback: Bool {
        host == "localhost" || SocketAddress(host: host, port: port)?.isLoopback == true
    }

    var description: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(isEncrypted ? "https" : "http")://\(name):\(port)"
    }

    private static func parted(_ authority: Substring) -> (host: Substring, port: Substring?) {
        if authority.hasPrefix("["), let end = authority.lastIndex(of: "]") {
            let host = authority[authority.index(after: authority.startIndex)..<end]
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return ("", nil) }
            return (host, rest.isEmpty ? nil : rest.dropFirst())
        }
        guard let colon = authority.lastIndex(of: ":") else { return (authority, nil) }
        let host = authority[..<colon]
        return host.contains(":") ? ("", nil) : (host, authority[authority.index(after: colon)...])
    }
}
