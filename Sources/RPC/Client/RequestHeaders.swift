import EventLoops
import HTTP2

/// The header section that a gRPC client sends.
enum RequestHeaders {
    /// Makes it.
    /// - Parameter timeout: What is left to the call's deadline; nil when it has none.
    static func block(
        path: String, scheme: StaticString, authority: String, options: CallOptions,
        timeout: Duration?
    ) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":method", "POST")
        block.append(":scheme", scheme)
        block.append(":path", path.utf8)
        block.append(":authority", authority.utf8)
        block.append("te", "trailers")
        block.append("content-type", "application/grpc")
        if options.metadata.firstBytes("user-agent") == nil {
            block.append("user-agent", "grpc-swift-berth/1.0")
        }
        block.append("grpc-accept-encoding", "identity,gzip")
        if options.compressesRequests { block.append("grpc-encoding", "gzip") }
        if let timeout { block.append("grpc-timeout", Timeout.encode(timeout)) }
        options.metadata.append(to: &block)
        return block
    }
}

extension Timeout {
    /// The value that says `duration`, rounded up to what eight digits can; at least 1 ns.
    static func encode(_ duration: Duration) -> [UInt8] {
        let nanoseconds = max(1, duration.nanosecondsClamped)
        for (size, unit) in units {
            let count = nanoseconds / size + (nanoseconds % size == 0 ? 0 : 1)
            if count <= 99_999_999 { return Array("\(count)\(unit)".utf8) }
        }
        return Array("99999999H".utf8)
    }

    private static let units: [(size: Int64, unit: String)] = [
        (1, "n"), (1000, "u"), (1_000_000, "m"), (1_000_000_000, "S"), (60_000_000_000, "M"),
        (3_600_000_000_000, "H"),
    ]
}
