/// The header names that code looks for, known by number so that nobody compares strings twice.
public enum HeaderToken: UInt8, Sendable {
    /// Any name not listed here.
    case other
    /// `:method`
    case method
    /// `:path`
    case path
    /// `:scheme`
    case scheme
    /// `:authority`
    case authority
    /// `:status`
    case status
    /// `content-type`
    case contentType
    /// `content-length`
    case contentLength
    /// `te`
    case te
    /// `host`
    case host
    /// `user-agent`
    case userAgent
    /// `authorization`
    case authorization
    /// `accept-encoding`
    case acceptEncoding
    /// `grpc-timeout`
    case grpcTimeout
    /// `grpc-encoding`
    case grpcEncoding
    /// `grpc-accept-encoding`
    case grpcAcceptEncoding
    /// `grpc-status`
    case grpcStatus
    /// `grpc-message`
    case grpcMessage
    /// `grpc-status-details-bin`
    case grpcStatusDetails
    /// Another name that begins with `grpc-`, which gRPC reserves.
    case grpcReserved
    /// Another name that begins with a colon.
    case otherPseudo

    /// The token of a lower-case name.
    public init(of name: Span<UInt8>) {
        self = HeaderToken.find(name)
    }

    private static func find(_ name: Span<UInt8>) -> HeaderToken {
        guard name.count > 1 else { return .other }
        switch name[0] {
        case UInt8(ascii: ":"): return pseudo(name)
        case UInt8(ascii: "g"): return grpc(name)
        case UInt8(ascii: "c"):
            if name.equals("content-type") { return .contentType }
            if name.equals("content-length") { return .contentLength }
        case UInt8(ascii: "t"):
            if name.equals("te") { return .te }
        case UInt8(ascii: "h"):
            if name.equals("host") { return .host }
        case UInt8(ascii: "u"):
            if name.equals("user-agent") { return .userAgent }
        case UInt8(ascii: "a"):
            if name.equals("authorization") { return .authorization }
            if name.equals("accept-encoding") { return .acceptEncoding }
        default: break
        }
        return .other
    }

    private static func pseudo(_ name: Span<UInt8>) -> HeaderToken {
        if name.equals(":path") { return .path }
        if name.equals(":method") { return .method }
        if name.equals(":scheme") { return .scheme }
        if name.equals(":authority") { return .authority }
        if name.equals(":status") { return .status }
        return .otherPseudo
    }

    private static func grpc(_ name: Span<UInt8>) -> HeaderToken {
        guard name.count >= 5, name.extracting(0..<5).equals("grpc-") else { return .other }
        if name.equals("grpc-timeout") { return .grpcTimeout }
        if name.equals("grpc-encoding") { return .grpcEncoding }
        if name.equals("grpc-accept-encoding") { return .grpcAcceptEncoding }
        if name.equals("grpc-status") { return .grpcStatus }
        if name.equals("grpc-message") { return .grpcMessage }
        if name.equals("grpc-status-details-bin") { return .grpcStatusDetails }
        return .grpcReserved
    }
}

extension Span<UInt8> {
    /// Whether the bytes are exactly those of `text`.
    public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        // Safe: a static string's bytes live for ever, and both counts are equal.
        return text.withUTF8Buffer { other in
            for index in 0..<other.count where unsafe other[index] != self[index] { return false }
            return true
        }
    }
}
