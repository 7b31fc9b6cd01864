import HTTP2

/// What a request's header section says to a gRPC server, read in one pass.
struct RequestHead {
    /// The kind of body.
    enum Content: Equatable {
        /// `application/grpc` or `application/grpc+proto`.
        case grpc
        /// `application/grpc+` with a codec other than protobuf.
        case otherCodec
        /// Anything else.
        case other
    }

    /// The encoding of request messages.
    enum Encoding: Equatable {
        case identity
        case gzip
        case unknown
    }

    var isPost = false
    var isGet = false
    /// Where the path lies in the block's storage.
    var path = 0..<0
    var content = Content.other
    var encoding = Encoding.identity
    var acceptsGzip = false
    /// Where the value of `grpc-timeout` lies in the block's storage.
    var timeout: Range<Int>?
    /// Whether the request names its host in two ways.
    var hasTwoAuthorities = false

    init(_ block: HeaderBlock) {
        let bytes = block.storage.span
        var authority: Range<Int>?
        for field in block.fields {
            let value = bytes.extracting(field.value)
            switch field.token {
            case .method:
                isPost = value.equals("POST")
                isGet = value.equals("GET") || value.equals("HEAD")
            case .path: path = field.value
            case .contentType: content = RequestHead.content(value)
            case .grpcEncoding: encoding = RequestHead.encoding(value)
            case .grpcAcceptEncoding: acceptsGzip = acceptsGzip || RequestHead.listsGzip(value)
            case .grpcTimeout: timeout = field.value
            case .authority, .host:
                if let authority, block.storage[authority] != block.storage[field.value] {
                    hasTwoAuthorities = true
                }
                authority = field.value
            default: break
            }
        }
    }

    static func content(_ value: Span<UInt8>) -> Content {
        let prefix: StaticString = "application/grpc"
        let prefixCount = prefix.utf8CodeUnitCount
        guard value.count >= prefixCount, value.extracting(0..<prefixCount).equals(prefix) else {
            return .other
        }
        if value.count == prefixCount { return .grpc }
        switch value[prefixCount] {
        case UInt8(ascii: ";"), UInt8(ascii: " "): return .grpc
        case UInt8(ascii: "+"):
            let codec = value.extracting(prefixCount + 1..<value.count)
            if codec.equals("proto") { return .grpc }
            let isProtoWithParameters =
                codec.count > 5 && codec.extracting(0..<5).equals("proto")
                && codec[5] == UInt8(ascii: ";")
            return isProtoWithParameters ? .grpc : .otherCodec
        default: return .other
        }
    }

    private static func encoding(_ value: Span<UInt8>) -> Encoding {
        if value.equals("identity") { return .identity }
        return value.equals("gzip") ? .gzip : .unknown
    }

    /// Whether a comma-separated list names gzip.
    static func listsGzip(_ list: Span<UInt8>) -> Bool {
        var start = 0
        for index in 0...list.count where index == list.count || list[index] == UInt8(ascii: ",") {
            var end = index
            while start < end, list[start] == UInt8(ascii: " ") { start += 1 }
            while end > start, list[end - 1] == UInt8(ascii: " ") { end -= 1 }
            if list.extracting(start..<end).equals("gzip") { return true }
            start = index + 1
        }
        return false
    }
}
