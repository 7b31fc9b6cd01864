import HTTP2

/// The header section that begins a call.
enum RequestHeaders {
    static func make(
        path: String, authority: String, scheme: StaticString, _ options: CallOptions,
        timeLeft: Duration?
    ) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":method", "POST")
        block.append(":scheme", scheme)
        block.append(":path", Array(path.utf8))
        block.append(":authority", Array(authority.utf8))
        block.append("te", "trailers")
        block.append("content-type", "application/grpc")
        block.append("user-agent", "berth-swift")
        block.append("grpc-accept-encoding", "identity,gzip")
        if options.compressesRequests { block.append("grpc-encoding", "gzip") }
        if let timeLeft { block.append("grpc-timeout", Array(timeout(timeLeft).utf8)) }
        options.metadata.append(to: &block)
        return block
    }

    /// At most eight digits and a unit (gRPC over HTTP/2, "Timeout").
    static func timeout(_ duration: Duration) -> String {
        let digitsMax: Int64 = 99_999_999
        let microseconds = max(
            1,
            duration.components.seconds > digitsMax
                ? digitsMax * 1_000_000
                : duration.components.seconds * 1_000_000
                    + duration.components.attoseconds / 1_000_000_000_000)
        if microseconds <= digitsMax { return "\(microseconds)u" }
        if microseconds / 1000 <= digitsMax { return "\(microseconds / 1000)m" }
        return "\(min(microseconds / 1_000_000, digitsMax))S"
    }
}
