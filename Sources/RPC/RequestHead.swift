import HTTP2

/// What a request's header section says to a gRPC server, read in one pass.
struct RequestHead {
    /// The kind of body.
    enum Content: Equatable {
        /// `application/grpc` or `application/grpc+proto`.
        case grpc
        /// `application/grpc-web` or `application/grpc-web+proto`.
        case web
        /// `application/grpc-web-text` or `application/grpc-web-text+proto`.
        case webText
        /// One of these with a codec other than protobuf.
        case otherCodec(Dialect)
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
    /// GET, or HEAD, which is answered alike but without the body.
    var isGet = false
    var isHead = false
    var isOptions = false
    /// Where the path lies in the block's storage.
    var path = 0..<0
    var content = Content.other
    var encoding = Encoding.identity
    var acceptsGzip = false
    /// Where the value of `grpc-timeout` lies in the block's storage.
    var timeout: Range<Int>?
    /// Whether the request names its host in two ways.
    var hasTwoAuthorities = false
    /// Where the name of a `-bin` field whose value is no base64 lies in the block's storage.
    var malformedBinary: Range<Int>?

    /// How a call with this head travels.
    var dialect: Dialect {
        switch content {
        case .web: .web
        case .webText: .webText
        case .grpc, .other: .grpc
        case .otherCodec(let dialect): dialect
        }
    }

    init(_ block: HeaderBlock) {
        let bytes = block.storage.span
        var authority: Range<Int>?
        for field in block.fields {
            let value = bytes.extracting(field.value)
            switch field.token {
            case .method:
                isPost = value.equals("POST")
                isHead = value.equals("HEAD")
                isGet = isHead || value.equals("GET")
                isOptions = value.equals("OPTIONS")
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
            case .other:
                guard RequestHead.isBinary(bytes.extracting(field.name)) else { break }
                if Metadata.binaryValues(in: block.storage[field.value]) == nil {
                    malformedBinary = field.name
                }
            default: break
            }
        }
    }

    /// Whether a name ends in `-bin`.
    private static func isBinary(_ name: Span<UInt8>) -> Bool {
        let start = name.count - 4
        // The last byte first, which settles it for nearly all names.
        guard start >= 0, name[name.count - 1] == UInt8(ascii: "n") else { return false }
        return name.extracting(start..<name.count).equals("-bin")
    }

    static func content(_ value: Span<UInt8>) -> Content {
        guard begins(value, at: 0, "application/grpc") else { return .other }
        if begins(value, at: 16, "-web-text") {
            return withCodec(value, at: 25, .webText, .otherCodec(.webText))
        }
        if begins(value, at: 16, "-web") {
            return withCodec(value, at: 20, .web, .otherCodec(.web))
        }
        return withCodec(value, at: 16, .grpc, .otherCodec(.grpc))
    }

    /// The content that a type has whose codec or parameters begin at `start`; `other` with a codec
    /// that is not protobuf.
    private static func withCodec(
        _ value: Span<UInt8>, at start: Int, _ content: Content, _ other: Content
    ) -> Content {
        guard start < value.count else { return content }
        switch value[start] {
        case UInt8(ascii: ";"), UInt8(ascii: " "): return content
        case UInt8(ascii: "+"):
            let end = start + 6
            guard begins(value, at: start, "+proto") else { return other }
            return end == value.count || value[end] == UInt8(ascii: ";") ? content : other
        default: return .other
        }
    }

    private static func begins(
        _ value: Span<UInt8>, at start: Int, _ text: StaticString
    ) -> Bool {
        let end = start + text.utf8CodeUnitCount
        return end <= value.count && value.extracting(start..<end).equals(text)
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
