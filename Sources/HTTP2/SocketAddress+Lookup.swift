public import EventLoops

extension SocketAddress {
    /// The addresses of a name, or the address that the text is; a name is looked up on a worker.
    ///
    /// - Returns: At most `HostLookup.addressesMax`, in the order in which to try them.
    /// - Throws: `HostLookup.Failure`; `WorkerPool.Full`.
    public static func all(
        of host: String, port: UInt16, on workers: WorkerPool
    ) async throws -> [SocketAddress] {
        if let address = SocketAddress(host: host, port: port) { return [address] }
        // An address of IPv6 may carry a scope (fe80::1%eth0), which this type does not.
        return try await workers.run { try HostLookup.addresses(of: host) }
            .compactMap { SocketAddress(host: $0, port: port) }
    }
}
