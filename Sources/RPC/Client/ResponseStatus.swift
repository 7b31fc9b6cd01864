import HTTP2

/// What a response's header sections, or its end without them, say of how a call ended.
enum ResponseStatus {
    /// The status of trailers, or of a response that is nothing but them; nil when there is none.
    static func read(_ block: HeaderBlock) -> RPCStatus? {
        guard let text = block.first(.grpcStatus) else { return nil }
        let message = block.first(.grpcMessage).map { PercentEncoding.decode($0) } ?? ""
        guard let number = UInt8(String(decoding: text, as: UTF8.self)) else {
            return RPCStatus(.unknown, "the server sent a grpc-status that is no number")
        }
        guard let code = StatusCode(rawValue: number) else {
            return RPCStatus(
                .unknown, "the server sent the unknown grpc-status \(number): \(message)")
        }
        let details = block.first(.grpcStatusDetails).flatMap { MetadataBase64.decode($0) } ?? []
        return RPCStatus(code, message, details: details)
    }

    /// Why a header section does not open a gRPC response; nil when it does.
    static func refusal(_ block: HeaderBlock) -> RPCStatus? {
        let http = block.first(.status).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard http == "200" else {
            // Some servers say more beside the HTTP status.
            if let status = read(block), status.code != .ok { return status }
            return RPCStatus(code(ofHTTP: http), "the server answered with HTTP status \(http)")
        }
        guard let type = block.first(.contentType),
            RequestHead.content(Array(type).span) == .grpc
                || RequestHead.content(Array(type).span) == .otherCodec
        else {
            let type = block.first(.contentType).map { String(decoding: $0, as: UTF8.self) }
            return RPCStatus(
                .unknown, "the server's content-type is \(type ?? "absent"), not application/grpc")
        }
        return nil
    }

    /// gRPC, "HTTP to gRPC status code mapping".
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

    /// The status of a stream that was reset (gRPC over HTTP/2, "Errors").
    static func ofReset(_ code: ErrorCode) -> RPCStatus {
        let status: StatusCode =
            switch code {
            case .refusedStream: .unavailable
            case .cancel: .cancelled
            case .enhanceYourCalm: .resourceExhausted
            case .inadequateSecurity: .permissionDenied
            default: .internal
            }
        return RPCStatus(status, "the server reset the stream: \(code.name)")
    }
}
