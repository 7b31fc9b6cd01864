import HTTP2

/// What a server's header sections and resets mean to a gRPC client.
enum ResponseRules {
    /// Why what follows a leading header section is no gRPC response; nil when it is one.
    static func failure(ofHead head: HeaderBlock) -> RPCStatus? {
        // Some servers say more beside an HTTP status.
        if head.first(.grpcStatus) != nil, !head.isFirst(.status, "200"),
            let status = status(in: head, isOnly: true)
        {
            return status
        }
        return failureOfHTTP(head)
    }

    /// The status in the header section that ended the response; nil is OK.
    ///
    /// - Parameter isOnly: Whether it is the only one, so that it must say `application/grpc` too.
    static func status(in block: HeaderBlock, isOnly: Bool) -> RPCStatus? {
        guard let value = block.first(.grpcStatus) else {
            if isOnly, let failure = failureOfHTTP(block) { return failure }
            return RPCStatus(.internal, "the server ended the call without a grpc-status")
        }
        let message = block.first(.grpcMessage).map(PercentEncoding.decode) ?? ""
        guard let number = number(value) else {
            return RPCStatus(.unknown, "the server sent a malformed grpc-status")
        }
        let code = UInt8(exactly: number).flatMap(StatusCode.init(rawValue:))
        if code == .ok { return nil }
        let details = block.first(.grpcStatusDetails).flatMap(MetadataBase64.decode) ?? []
        guard let code else {
            let text = "the server sent the unknown grpc-status \(number): \(message)"
            return RPCStatus(.unknown, text, details: details)
        }
        return RPCStatus(code, message, details: details)
    }

    /// The number that a `grpc-status` stands for: digits without leading zeros; nil for anything else.
    private static func number(_ value: ArraySlice<UInt8>) -> Int? {
        let isPlain = value.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isPlain, value.first != UInt8(ascii: "0") || value.count == 1 else { return nil }
        return Int(String(decoding: value, as: UTF8.self))
    }

    /// The status of a stream that was reset before the response was whole (gRPC over HTTP/2,
    /// "Errors").
    static func status(ofReset code: ErrorCode) -> RPCStatus {
        let text = "the stream was reset: \(code.name)"
        switch code {
        case .refusedStream: return RPCStatus(.unavailable, text)
        case .cancel: return RPCStatus(.cancelled, text)
        case .enhanceYourCalm: return RPCStatus(.resourceExhausted, text)
        case .inadequateSecurity: return RPCStatus(.permissionDenied, text)
        default: return RPCStatus(.internal, text)
        }
    }

    /// Why a header section is no gRPC response (gRPC, "HTTP to gRPC Status Code Mapping").
    private static func failureOfHTTP(_ head: HeaderBlock) -> RPCStatus? {
        let status = head.first(.status).map { String(decoding: $0, as: UTF8.self) } ?? "none"
        guard status == "200" else {
            return RPCStatus(code(ofHTTP: status), "the server answered HTTP \(status)")
        }
        let type = head.first(.contentType) ?? []
        let content = RequestHead.content(Array(type).span)
        if content == .grpc { return nil }
        let shown = String(decoding: type.prefix(80), as: UTF8.self)
        return RPCStatus(.unknown, "the server's answer has the content-type \"\(shown)\"")
    }

    private static func code(ofHTTP status: String) -> StatusCode {
        switch status {
        case "400": .internal
        case "401": .unauthenticated
        case "403": .permissionDenied
        case "404": .unimplemented
        case "429", "502", "503", "504": .unavailable
        default: .unknown
        }
    }
}
