public import EventLoops
import Glibc

/// Finds the addresses of a host's name.
public enum HostLookup {
    /// A name that has no address, or none now.
    public struct Failure: Error, CustomStringConvertible {
        /// The host.
        public let host: String
        /// What the resolver said.
        public let reason: String
        /// Both in one line.
        public var description: String { "\(host): \(reason)" }
    }

    /// Addresses of one name that are tried.
    public static let addressesMax = 8

    /// The addresses of a name, or the address that the text is; waits on a worker, since a resolver
    /// blocks.
    ///
    /// - Throws: ``Failure``; `WorkerPool.Full`.
    public static func addresses(
        of host: String, port: UInt16, on workers: WorkerPool
    ) async throws -> [SocketAddress] {
        if let address = SocketAddress(host: host, port: port) { return [address] }
        let result = try await workers.run { resolve(host) }
        return try result.get().compactMap { SocketAddress(host: $0, port: port) }
    }

    private static func resolve(_ host: String) -> Result<[String], Failure> {
        // Safe: the list lives until freeaddrinfo; addresses are copied as text before.
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            return .failure(Failure(host: host, reason: unsafe String(cString: gai_strerror(code))))
        }
        defer { unsafe freeaddrinfo(list) }
        var texts: [String] = []
        var entry = unsafe list
        while let current = unsafe entry, texts.count < addressesMax {
            if let text = unsafe numericText(current.pointee) { texts.append(text) }
            unsafe entry = unsafe current.pointee.ai_next
        }
        return texts.isEmpty
            ? .failure(Failure(host: host, reason: "it has no address")) : .success(texts)
    }

    private static func numericText(_ entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = unsafe getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
