import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// What is answered to requests that are no calls of this server, and the encodings.
@Suite struct ProtocolRulesTests {
    private func answer(
        _ path: String, _ overriding: KeyValuePairs<String, String>
    ) async throws -> (http: String?, status: StatusCode?, headers: [String: String]) {
        let fields = overriding.map { ($0.key, $0.value) }
        return try await onLoop { _, reactor in
            let server = try EchoServer(reactor)
            let client = try TestClient(server.address, reactor)
            let call = try client.begin(path, pairs: fields)
            call.end()
            try await call.finished()
            var headers: [String: String] = [:]
            for name in ["allow", "grpc-accept-encoding", "content-type"] {
                headers[name] = call.header(name)
            }
            return (call.header(":status"), call.status, headers)
        }
    }

    @Test("methods other than POST on an RPC path are 405")
    func notPost() async throws {
        for method in ["GET", "PUT", "DELETE"] {
            let found = try await answer("/test.Echo/Unary", [":method": method])
            #expect(found.http == "405")
            #expect(found.headers["allow"] == "POST")
        }
    }

    @Test("content types that are not gRPC are 415")
    func contentType() async throws {
        for type in ["application/json", "application/grpc-webby", "text/plain", ""] {
            let found = try await answer("/test.Echo/Unary", ["content-type": type])
            #expect(found.http == "415", "\(type)")
        }
        let codec = try await answer("/test.Echo/Unary", ["content-type": "application/grpc+json"])
        #expect(codec.http == "200")
        #expect(codec.status == .unimplemented)
    }

    @Test("a path that is no RPC path is 404 to GET, and / says hello to GET and POST")
    func plainPaths() async throws {
        let found6 = try await answer("/nothing", [":method": "GET", "content-type": ""])
        #expect(found6.http == "404")
        for method in ["GET", "POST"] {
            let found = try await answer("/", [":method": method, "content-type": ""])
            #expect(found.http == "200")
        }
    }

    @Test("unknown methods and services are UNIMPLEMENTED")
    func unknown() async throws {
        for path in ["/test.Echo/unary", "/test.Echo/Nope", "/no.Such/Unary", "/x", "/"] {
            let found = try await answer(path, [:])
            #expect(found.http == "200")
            #expect(found.status == .unimplemented, "\(path)")
            #expect(found.headers["content-type"] == "application/grpc")
        }
    }

    @Test("an unknown encoding is UNIMPLEMENTED and told what is understood")
    func unknownEncoding() async throws {
        let found = try await answer("/test.Echo/Unary", ["grpc-encoding": "br"])
        #expect(found.status == .unimplemented)
        #expect(found.headers["grpc-accept-encoding"] == "identity,gzip")
    }

    @Test("a malformed timeout is 400 and INTERNAL")
    func malformedTimeout() async throws {
        let found = try await answer("/test.Echo/Unary", ["grpc-timeout": "soon"])
        #expect(found.http == "400")
        #expect(found.status == .internal)
    }

    @Test("two authorities are 400")
    func twoAuthorities() async throws {
        let found7 = try await answer("/test.Echo/Unary", ["host": "other"])
        #expect(found7.http == "400")
        let found8 = try await answer("/test.Echo/Unary", ["host": "test"])
        #expect(found8.http == "200")
    }

    @Test("metadata over the limit is 431 and RESOURCE_EXHAUSTED")
    func largeMetadata() async throws {
        let value = String(repeating: "v", count: 20_000)
        let found = try await answer("/test.Echo/Unary", ["x": value])
        #expect(found.http == "431")
        #expect(found.status == .resourceExhausted)
    }

    @Test("a compressed request is understood when its encoding is named")
    func compressedRequest() async throws {
        try await withEcho { _, client in
            let message = try Wire.encode(Payload([UInt8](repeating: 4, count: 10_000)))
            let small = try Gzip().compress(message.span)
            for (encoding, expected) in [("gzip", StatusCode.ok), ("identity", .internal)] {
                let call = try client.begin("/test.Echo/Unary", ["grpc-encoding": encoding])
                call.sendRaw(MessageFrame.bytes(small, flag: 1))
                call.end()
                try await call.finished()
                #expect(call.status == expected)
            }
            // gzip may be named and not used.
            let plain = try await client.unary(
                "/test.Echo/Unary", [1], ["grpc-encoding": "gzip"])
            #expect(plain.responses == [[1]])
        }
    }

    @Test("the limit counts after decompression")
    func bomb() async throws {
        let zeros = [UInt8](repeating: 0, count: 1_000_000)
        let bomb = try Gzip().compress(zeros.span)
        try await withEcho({ $0.message.messageBytesMax = 500_000 }) { _, client in
            let call = try client.begin("/test.Echo/Unary", ["grpc-encoding": "gzip"])
            call.sendRaw(MessageFrame.bytes(bomb, flag: 1))
            call.end()
            try await call.finished()
            #expect(call.status == .resourceExhausted)
        }
    }

    @Test(
        "responses are compressed only when the client lists gzip and the handler or limit says so")
    func compressedResponses() async throws {
        try await withEcho({ $0.compressedResponseBytesMin = 1000 }) { server, client in
            let large = [UInt8](repeating: 6, count: 5000)
            let none = try await client.unary("/test.Echo/Unary", large)
            #expect(none.header("grpc-encoding") == nil)
            #expect(none.frames.map(\.flag) == [0])

            let accepts: KeyValuePairs = ["grpc-accept-encoding": "identity, gzip"]
            let call = try await client.unary("/test.Echo/Unary", large, accepts)
            #expect(call.header("grpc-encoding") == "gzip")
            #expect(call.frames.map(\.flag) == [1])
            let compressed = try #require(call.frames.first).bytes
            let bytes = try Gzip().decompress(compressed.span, bytesMax: 10_000)
            #expect(try Wire.decode(Payload.self, from: bytes).value == large)

            let small = try await client.unary("/test.Echo/Unary", [1], accepts)
            #expect(small.frames.map(\.flag) == [0])

            server.onUnary = { request, context in
                context.compressesResponses = request.value.first == 1
                return request
            }
            let chosen = try await client.unary("/test.Echo/Unary", [1], accepts)
            #expect(chosen.frames.map(\.flag) == [1])
            let refused = try await client.unary("/test.Echo/Unary", large, accepts)
            #expect(refused.frames.map(\.flag) == [0])
        }
    }
}
