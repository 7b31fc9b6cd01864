import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// gRPC-Web calls against a server on loopback, as bytes.
@Suite struct WebCallTests {
    private static let web = "application/grpc-web+proto"
    private static let text = "application/grpc-web-text+proto"

    /// What came back for one request, and the trailers of its last frame.
    private struct Answer: Sendable {
        var http: String?
        var headers: [String: String] = [:]
        var payloads: [[UInt8]] = []
        var trailers = ""
        var hasHTTPTrailers = false
    }

    /// The headers that these tests look at.
    private static let names = [
        "content-type", "grpc-status", "grpc-message", "access-control-allow-origin", "vary",
        "access-control-allow-headers", "access-control-allow-methods", "grpc-encoding",
        "access-control-expose-headers",
    ]

    private func answer(
        _ path: String = "/test.Echo/Unary", body: [UInt8],
        _ overriding: KeyValuePairs<String, String>, origins: [String] = []
    ) async throws -> Answer {
        let fields = overriding.map { ($0.key, $0.value) }
        return try await onLoop { _, reactor in
            let server = try EchoServer(reactor, webOrigins: try WebOrigins(origins))
            server.onUnary = { request, context in
                if request.value == Array("fail".utf8) {
                    context.trailingMetadata.append("x-more", "1")
                    throw RPCStatus(.notFound, "nothing ü here")
                }
                return request
            }
            let client = try TestClient(server.address, reactor)
            let call = try client.begin(path, pairs: fields)
            call.sendRaw(body)
            call.end()
            try await call.finished()
            var answer = Answer(http: call.header(":status"))
            for name in WebCallTests.names { answer.headers[name] = call.header(name) }
            answer.hasHTTPTrailers = call.trailers != nil
            var bytes = Array(call.body.utf8)
            if answer.headers["content-type"] == WebCallTests.text {
                var decoder = WebText.Decoder()
                _ = try decoder.append(bytes.span, bytesMax: .max)
                bytes = Array(decoder.bytes.prefix(.max))
            } else {
                bytes = call.rawBody
            }
            for frame in TestCall.frames(of: bytes) {
                if frame.flag == WebTrailers.flag {
                    answer.trailers = String(decoding: frame.bytes, as: UTF8.self)
                } else {
                    answer.payloads.append(try Wire.decode(Payload.self, from: frame.bytes).value)
                }
            }
            await server.server.drain(grace: .zero)
            return answer
        }
    }

    private func frame(_ value: String, repeating times: Int = 0) throws -> [UInt8] {
        MessageFrame.bytes(try Wire.encode(Payload(Array(value.utf8), repeating: times)))
    }

    @Test("a unary call answers with its message and a last frame that holds the status")
    func unary() async throws {
        let found = try await answer(body: try frame("hello"), ["content-type": Self.web])
        #expect(found.http == "200")
        #expect(found.headers["content-type"] == Self.web)
        #expect(found.payloads == [Array("hello".utf8)])
        #expect(found.trailers == "grpc-status: 0\r\n")
        #expect(!found.hasHTTPTrailers)
        #expect(found.headers["access-control-allow-origin"] == nil)
    }

    @Test("text is base64 in both directions, and padding may stand in the request's middle")
    func text() async throws {
        let bytes = try frame("hello")
        let body = WebText.encode(Array(bytes[..<7])) + WebText.encode(Array(bytes[7...]))
        let found = try await answer(body: body, ["content-type": Self.text])
        #expect(found.headers["content-type"] == Self.text)
        #expect(found.payloads == [Array("hello".utf8)])
        #expect(found.trailers == "grpc-status: 0\r\n")
    }

    @Test(
        "server streaming works, in binary and in text",
        arguments: ["application/grpc-web+proto", "application/grpc-web-text+proto"])
    func streaming(type: String) async throws {
        let bytes = try frame("x", repeating: 5)
        let found = try await answer(
            "/test.Echo/Expand", body: type == Self.text ? WebText.encode(bytes) : bytes,
            ["content-type": type])
        #expect(found.payloads.count == 5)
        #expect(found.trailers == "grpc-status: 0\r\n")
    }

    @Test("a failure is a last frame too, its message percent-encoded and its metadata with it")
    func failure() async throws {
        let found = try await answer(body: try frame("fail"), ["content-type": Self.web])
        #expect(found.http == "200")
        #expect(found.payloads.isEmpty)
        let lines = found.trailers.split(separator: "\r\n").map(String.init)
        #expect(
            lines.map { $0.hasPrefix("grpc-status-details-bin: ") ? "details" : $0 } == [
                "grpc-status: 5", "grpc-message: nothing %C3%BC here", "details", "x-more: 1",
            ])
    }

    @Test("what never becomes a call is answered in the headers")
    func refusal() async throws {
        let found = try await answer(
            "/test.Echo/Nothing", body: try frame("x"), ["content-type": Self.web])
        #expect(found.headers["grpc-status"] == "12")
        #expect(found.headers["content-type"] == Self.web)
        let streaming = try await answer(
            "/test.Echo/Chat", body: try frame("x"), ["content-type": Self.web])
        #expect(streaming.headers["grpc-status"] == "12")
        #expect(streaming.headers["grpc-message"]?.contains("more than one request") == true)
    }

    @Test("a body that is no base64, or ends within a group, is INTERNAL")
    func malformedText() async throws {
        for body in ["!!!!", "AAAAAAA"] {
            let found = try await answer(body: Array(body.utf8), ["content-type": Self.text])
            #expect(found.trailers.contains("grpc-status: 13\r\n"), "\(body)")
        }
    }

    @Test("gzip is never used in an answer to a page")
    func noGzip() async throws {
        let found = try await answer(
            body: try frame(String(repeating: "a", count: 2000)),
            ["content-type": Self.web, "grpc-accept-encoding": "gzip"])
        #expect(found.headers["grpc-encoding"] == nil)
        #expect(found.payloads.first?.count == 2000)
    }

    @Test("a page that is allowed may read the answer, and one that is not may not")
    func crossOrigin() async throws {
        let origins = ["https://app.example"]
        let allowed = try await answer(
            body: try frame("x"), ["content-type": Self.web, "origin": "https://app.example"],
            origins: origins)
        #expect(allowed.headers["access-control-allow-origin"] == "https://app.example")
        #expect(allowed.headers["vary"] == "origin")
        #expect(
            allowed.headers["access-control-expose-headers"]
                == "grpc-status,grpc-message,grpc-status-details-bin")
        let other = try await answer(
            body: try frame("x"), ["content-type": Self.web, "origin": "https://other.example"],
            origins: origins)
        #expect(other.headers["access-control-allow-origin"] == nil)
    }

    @Test(
        "a page that is allowed may read every refusal",
        arguments: [
            ("content-type", "application/grpc-web+json", "200", "12"),
            ("content-type", "application/grpc-web-text+json", "200", "12"),
            ("content-type", "application/grpc+json", "200", "12"),
            ("content-type", "application/json", "415", nil),
            ("content-type", "text/plain", "415", nil), (":method", "GET", "405", nil),
            (":method", "PUT", "405", nil), ("host", "elsewhere", "400", nil),
            (":path", "/test.Echo/Nothing", "200", "12"), (":path", "/", "200", "12"),
            ("x-large", String(repeating: "v", count: 20_000), "431", "8"),
            ("grpc-timeout", "soon", "400", "13"), ("x-a-bin", "!", "400", "13"),
        ] as [(String, String, String, String?)])
    func refusedAcrossOrigins(
        field: String, value: String, http: String, status: String?
    ) async throws {
        let page = "https://app.example"
        let origins = [page]
        func ask(_ type: String, _ origin: String) async throws -> Answer {
            let path = field == ":path" ? value : "/test.Echo/Unary"
            let body = try frame("x")
            switch field {
            case "content-type":
                return try await answer(
                    path, body: body, ["origin": origin, field: value], origins: origins)
            case ":path":
                return try await answer(
                    path, body: body, ["origin": origin, "content-type": type], origins: origins)
            default:
                return try await answer(
                    path, body: body, ["origin": origin, "content-type": type, field: value],
                    origins: origins)
            }
        }
        for type in [Self.web, Self.text] {
            let allowed = try await ask(type, page)
            #expect(allowed.http == http)
            #expect(allowed.headers["grpc-status"] == status)
            #expect(allowed.headers["access-control-allow-origin"] == page)
            #expect(
                allowed.headers["access-control-expose-headers"]
                    == "grpc-status,grpc-message,grpc-status-details-bin")
            let other = try await ask(type, "https://other.example")
            #expect(other.http == http)
            #expect(other.headers["access-control-allow-origin"] == nil)
            #expect(other.headers["access-control-expose-headers"] == nil)
        }
    }

    @Test("another codec of gRPC-Web is refused in gRPC-Web's own type")
    func otherCodec() async throws {
        for (type, answered) in [
            ("application/grpc-web+json", Self.web), ("application/grpc-web-text+json", Self.text),
            ("application/grpc+json", "application/grpc"),
        ] {
            let found = try await answer(body: try frame("x"), ["content-type": type])
            #expect(found.headers["content-type"] == answered)
            #expect(found.headers["grpc-message"] == "the only codec is proto")
        }
    }

    @Test("a preflight is answered for an allowed page alone")
    func preflight() async throws {
        let fields: KeyValuePairs = [
            ":method": "OPTIONS", "content-type": "", "te": "", "origin": "https://app.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-grpc-web",
        ]
        let allowed = try await answer(body: [], fields, origins: ["https://app.example"])
        #expect(allowed.http == "204")
        #expect(allowed.headers["access-control-allow-origin"] == "https://app.example")
        #expect(allowed.headers["access-control-allow-methods"] == "POST")
        #expect(
            allowed.headers["access-control-allow-headers"]
                == "authorization,content-type,x-grpc-web")
        let other = try await answer(body: [], fields, origins: ["https://other.example"])
        #expect(other.http == "405")
        #expect(other.headers["access-control-allow-origin"] == nil)
    }
}
