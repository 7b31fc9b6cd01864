import HTTP2

/// The header sections that a gRPC server sends.
enum ResponseHeaders {
    /// Before the first message.
    static func leading(_ metadata: Metadata, isGzip: Bool) -> HeaderBlock {
        if metadata.isEmpty { return isGzip ? plainGzip : plain }
        var block = isGzip ? plainGzip : plain
        metadata.append(to: &block)
        return block
    }

    /// After the last message; nil is OK.
    static func trailing(
        _ status: RPCStatus?,
        _ metadata: Metadata,
        limits: ServerLimits
    ) -> HeaderBlock {
        if status == nil, metadata.isEmpty { return okTrailers }
        var block = HeaderBlock()
        append(status, to: &block, limits: limits)
        metadata.append(to: &block)
        return block
    }

    /// Instead of both, when there is no message.
    static func trailersOnly(
        _ status: RPCStatus?,
        initial: Metadata,
        trailing: Metadata,
        limits: ServerLimits,
        httpStatus: String = "200",
        contentType: [UInt8] = Dialect.grpc.contentType
    ) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":status", Array(httpStatus.utf8))
        block.append("content-type", contentType)
        append(status, to: &block, limits: limits)
        initial.append(to: &block)
        trailing.append(to: &block)
        return block
    }

    /// Says which encodings of requests are understood, in the answer to one that was not.
    static func appendAcceptedEncodings(to block: inout HeaderBlock) {
        block.append("grpc-accept-encoding", "identity,gzip")
    }

    private static func append(
        _ status: RPCStatus?,
        to block: inout HeaderBlock,
        limits: ServerLimits
    ) {
        guard let status else {
            block.append("grpc-status", "0")
            return
        }
        block.append("grpc-status", Array(String(status.code.rawValue).utf8))
        if !status.message.isEmpty {
            let text = PercentEncoding.encode(
                status.message,
                bytesMax: limits.statusMessageBytesMax
            )
            block.append("grpc-message", text)
        }
        if !status.details.isEmpty, status.details.count <= limits.statusDetailsBytesMax {
            block.append("grpc-status-details-bin", MetadataBase64.encode(status.details))
        }
    }

    private static let plain = {
        var block = HeaderBlock()
        block.append(":status", "200")
        block.append("content-type", "application/grpc")
        return block
    }()

    private static let plainGzip = {
        var block = plain
        block.append("grpc-encoding", "gzip")
        return block
    }()

    private static let okTrailers = {
        var block = HeaderBlock()
        block.append("grpc-status", "0")
        return block
    }()
}
