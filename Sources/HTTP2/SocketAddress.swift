import Glibc

/// An IPv4 or IPv6 address and a port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The kind of address.
    public enum Family: Hashable, Sendable {
        /// IPv4: four bytes.
        case v4
        /// IPv6: sixteen bytes.
        case v6
    }

    /// The kind of address.
    public let family: Family
    /// The address in network order: 4 or 16 bytes.
    public let bytes: [UInt8]
    /// The port; 0 lets the system choose.
    public let port: UInt16

    /// Reads `HOST:PORT` or `[HOST]:PORT`, where HOST is an IPv4 or IPv6 address in numbers or
    /// `localhost` (127.0.0.1). No name is resolved. Nil when it is none of these.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        self.init(host: host == "localhost" ? "127.0.0.1" : host, port: port)
    }

    /// Reads an address in numbers; nil when it is none.
    public init?(host: String, port: UInt16) {
        // Safe: inet_pton writes 4 or 16 bytes, according to the family, into a buffer of 16.
        var bytes = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, host, &bytes) == 1 {
            self.init(family: .v4, bytes: Array(bytes.prefix(4)), port: port)
        } else if unsafe inet_pton(AF_INET6, host, &bytes) == 1 {
            self.init(family: .v6, bytes: bytes, port: port)
        } else {
            return nil
        }
    }

    private init(family: Family, bytes: [UInt8], port: UInt16) {
        self.family = family
        self.bytes = bytes
        self.port = port
    }

    /// The same address with another port.
    public func with(port: UInt16) -> SocketAddress {
        SocketAddress(family: family, bytes: bytes, port: port)
    }

    /// Whether only this machine can reach it: 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        switch family {
        case .v4: bytes[0] == 127
        case .v6: bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
        }
    }

    /// `127.0.0.1:80` or `[::1]:80`.
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = self.family == .v4 ? AF_INET : AF_INET6
        // Safe: inet_ntop reads 4 or 16 bytes and writes at most the given count, NUL included.
        guard unsafe inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            return "unknown:\(port)"
        }
        let host = String(
            decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        return self.family == .v4 ? "\(host):\(port)" : "[\(host)]:\(port)"
    }
}

// Safe in all that follows: the storage is as large and as aligned as any socket address, and each
// cast reads only what its own family defines.
extension SocketAddress {
    /// Gives `body` the address as the kernel takes it.
    func withSockaddr<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        switch family {
        case .v4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin_addr) {
                unsafe $0.copyBytes(from: bytes)
            }
            return unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0.copyBytes(from: bytes)
            }
            return unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
    }

    /// Takes over the address that `fill`, a call such as `getsockname`, wrote; nil when it failed
    /// or wrote another family.
    init?(filledBy fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32)
    {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe fill($0, &size)
            }
        }
        guard code >= 0 else { return nil }
        self.init(storage)
    }

    init?(_ storage: sockaddr_storage) {
        var storage = storage
        let family = Int32(storage.ss_family)
        let read: (Family, [UInt8], UInt16)? = unsafe withUnsafeMutablePointer(to: &storage) {
            pointer in
            switch family {
            case AF_INET:
                unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    var address = unsafe $0.pointee.sin_addr
                    let bytes = unsafe withUnsafeBytes(of: &address) { unsafe [UInt8]($0) }
                    return unsafe (.v4, bytes, UInt16(bigEndian: $0.pointee.sin_port))
                }
            case AF_INET6:
                unsafe pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    var address = unsafe $0.pointee.sin6_addr
                    let bytes = unsafe withUnsafeBytes(of: &address) { unsafe [UInt8]($0) }
                    return unsafe (.v6, bytes, UInt16(bigEndian: $0.pointee.sin6_port))
                }
            default: nil
            }
        }
        guard let read else { return nil }
        self.init(family: read.0, bytes: read.1, port: read.2)
    }
}
