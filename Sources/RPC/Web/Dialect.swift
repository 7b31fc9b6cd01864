import HTTP2

/// How a call's messages and its status travel.
enum Dialect: Equatable {
    /// gRPC over HTTP/2: the status comes in the trailers.
    case grpc
    /// gRPC-Web: the status comes as a last frame of the body.
    case web
    /// gRPC-Web whose body is base64 in both directions.
    case webText

    /// The header section that opens a response.
    func openResponse(_ metadata: Metadata, isGzip: Bool, allowing origin: AllowedOrigin?)
        -> HeaderBlock
    {
        if self == .grpc { return ResponseHeaders.leading(metadata, isGzip: isGzip) }
        var block = HeaderBlock()
        block.append(":status", "200")
        block.append("content-type", contentType)
        origin?.append(to: &block)
        metadata.append(to: &block)
        return block
    }

    /// What a response's `content-type` says.
    var contentType: [UInt8] {
        switch self {
        case .grpc: Array("application/grpc".utf8)
        case .web: Array("application/grpc-web+proto".utf8)
        case .webText: Array("application/grpc-web-text+proto".utf8)
        }
    }

    /// A frame as it travels in the body.
    func body(_ frame: [UInt8]) -> [UInt8] { self == .webText ? WebText.encode(frame) : frame }
}
