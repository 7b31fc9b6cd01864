import HTTP2

/// Why a request never becomes a call, and what it is answered.
enum Refusal: Equatable {
    /// By an HTTP status and a short text: the client does not speak gRPC.
    case http(HTTPAnswer)
    /// By HTTP's 200 to someone who looks at `/`, once the whole request is there; without the body
    /// for HEAD.
    case page(hasBody: Bool)
    /// By a gRPC status.
    case status(StatusCode, String)
    /// By a gRPC status on an HTTP status that is not 200.
    case statusOnHTTP(HTTPAnswer, StatusCode, String)
    /// UNIMPLEMENTED, with the encodings that are implemented.
    case encoding

    /// The HTTP answers that this server knows.
    enum HTTPAnswer: String {
        case ok = "200"
        case badRequest = "400"
        case notFound = "404"
        case methodNotAllowed = "405"
        case unsupportedMediaType = "415"
        case headersTooLarge = "431"
    }

    /// The rules of gRPC over HTTP/2, in the order in which they are applied; nil when the request
    /// is a call of a registered method.
    init?(of stream: HTTP2Stream, head: RequestHead, isMethod: Bool) {
        let block = stream.headers
        let path = block.storage.span.extracting(head.path)
        if stream.isHeaderListTooLarge {
            self = .statusOnHTTP(
                .headersTooLarge, .resourceExhausted,
                "the metadata has more than headerListBytesMax")
            return
        }
        if head.hasTwoAuthorities {
            self = .http(.badRequest)
            return
        }
        let isMessage = head.content != .other
        guard path.count > 0, path[0] == UInt8(ascii: "/") else {
            self = .http(.badRequest)
            return
        }
        if path.equals("/"), !isMessage {
            self =
                head.isGet || head.isPost
                ? .page(hasBody: !head.isHead) : .http(.methodNotAllowed)
            return
        }
        guard head.isPost else {
            self = .http(isMethod || isMessage ? .methodNotAllowed : .notFound)
            return
        }
        switch head.content {
        case .other: self = .http(.unsupportedMediaType)
        case .otherCodec: self = .status(.unimplemented, "the only codec is proto")
        case .grpc, .web, .webText:
            if !isMethod {
                self = .status(.unimplemented, "unknown method \(Refusal.shown(path))")
            } else if head.encoding == .unknown {
                self = .encoding
            } else if let timeout = head.timeout,
                Timeout.parse(block.storage.span.extracting(timeout)) == nil
            {
                self = .statusOnHTTP(.badRequest, .internal, "grpc-timeout is malformed")
            } else if let name = head.malformedBinary {
                let shown = Refusal.shown(block.storage.span.extracting(name))
                self = .statusOnHTTP(.badRequest, .internal, "metadata \(shown) is not base64")
            } else {
                return nil
            }
        }
    }

    /// Whether the answer waits for the end of the request: clients of gRPC are told at once that they
    /// may stop, other HTTP clients need not understand that.
    var isPatient: Bool {
        if case .page = self { return true }
        return false
    }

    /// Whether this is an error, which names its request.
    var isError: Bool { !isPatient }

    /// Sends the answer; the rest of the body, if any, is dropped.
    ///
    /// - Parameter id: By which the log names the request; gRPC's callers find it in the status's
    ///   details, others in the body.
    func answer(
        _ stream: HTTP2Stream, _ id: RequestID, limits: ServerLimits, dialect: Dialect = .grpc,
        origin: AllowedOrigin? = nil
    ) {
        let reply = Reply(stream: stream, id: id, limits: limits, dialect: dialect, origin: origin)
        switch self {
        case .http(let answer): page(reply, answer, hasBody: true)
        case .page(let hasBody): page(reply, .ok, hasBody: hasBody)
        case .status(let code, let message):
            answer(reply, .ok, RPCStatus(code, message))
        case .statusOnHTTP(let answer, let code, let message):
            self.answer(reply, answer, RPCStatus(code, message))
        case .encoding: answer(reply, .ok, RPCStatus(.unimplemented, description))
        }
    }

    /// Where a refusal goes, and how.
    private struct Reply {
        let stream: HTTP2Stream
        let id: RequestID
        let limits: ServerLimits
        let dialect: Dialect
        let origin: AllowedOrigin?
    }

    private func page(_ reply: Reply, _ answer: HTTPAnswer, hasBody: Bool) {
        var block = HeaderBlock()
        block.append(":status", Array(answer.rawValue.utf8))
        block.append("content-type", "text/plain; charset=utf-8")
        if answer == .methodNotAllowed { block.append("allow", "POST") }
        reply.origin?.append(to: &block)
        reply.stream.respond(block, isEnd: !hasBody)
        guard hasBody else { return }
        let text = isError ? "\(answer.text)Request id \(reply.id.text)\n" : answer.text
        reply.stream.write(Array(text.utf8).span)
        reply.stream.finish(trailers: nil)
    }

    private func answer(_ reply: Reply, _ answer: HTTPAnswer, _ status: RPCStatus) {
        var block = ResponseHeaders.trailersOnly(
            status.naming(reply.id.text, limits: reply.limits),
            initial: Metadata(),
            trailing: Metadata(),
            limits: reply.limits,
            httpStatus: answer.rawValue,
            contentType: reply.dialect.contentType
        )
        if self == .encoding { ResponseHeaders.appendAcceptedEncodings(to: &block) }
        reply.origin?.append(to: &block)
        reply.stream.respond(block, isEnd: true)
    }

    /// The path as it may stand in a message: bounded.
    private static func shown(_ path: Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        for index in 0..<min(path.count, 200) { bytes.append(path[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Refusal: CustomStringConvertible {
    /// Why, in a few words; the caller's may be among them.
    var description: String {
        switch self {
        case .http(let answer): "HTTP \(answer.rawValue)"
        case .page: "HTTP 200"
        case .status(_, let message): message
        case .statusOnHTTP(let answer, _, let message): "HTTP \(answer.rawValue): \(message)"
        case .encoding: "grpc-encoding is not implemented"
        }
    }

    /// The gRPC status of the answer; nil when it has none.
    var code: StatusCode? {
        switch self {
        case .http, .page: nil
        case .status(let code, _), .statusOnHTTP(_, let code, _): code
        case .encoding: .unimplemented
        }
    }
}

extension Refusal.HTTPAnswer {
    /// The short body.
    var text: String {
        switch self {
        case .ok: "Berth speaks gRPC here.\n"
        case .badRequest: "Bad request.\n"
        case .notFound: "Not found.\n"
        case .methodNotAllowed: "gRPC methods are called by POST.\n"
        case .unsupportedMediaType: "The content-type must be application/grpc.\n"
        case .headersTooLarge: "The header section is too large.\n"
        }
    }
}
