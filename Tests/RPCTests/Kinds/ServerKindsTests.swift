import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// What the server owes every call, whatever its kind. One at a time: all cases at
/// once would take the processors from tests that measure time.
@Suite(.serialized) struct ServerKindsTests {
    @Test(
        "headers, the message, then a status in trailers of their own",
        arguments: MethodKind.allCases)
    func success(kind: MethodKind) async throws {
        try await withKinds { server, client in
            server.onEach = { request, context in
                context.initialMetadata.append("x-begin", "b")
                context.trailingMetadata.append("x-end-bin", binary: [0xAB])
                return request
            }
            let call = try await client.unary(kind.path, [7])
            #expect(call.header(":status") == "200")
            #expect(call.header("content-type") == "application/grpc")
            #expect(call.header("grpc-status") == nil)
            #expect(call.header("x-begin") == "b")
            #expect(call.responses == [[7]])
            #expect(call.trailers != nil)
            #expect(call.trailer("grpc-status") == "0")
            // Without padding.
            #expect(call.trailer("x-end-bin") == "qw")
            #expect(call.closedCode == .noError)
        }
    }

    @Test(
        "an error before any message is one header section, its text percent-encoded",
        arguments: MethodKind.allCases)
    func trailersOnly(kind: MethodKind) async throws {
        try await withKinds { server, client in
            server.onEach = { _, _ in throw RPCStatus(.notFound, "100% ü\n", details: [8, 5]) }
            let call = try await client.unary(kind.path, [7])
            #expect(call.header(":status") == "200")
            #expect(call.header("content-type") == "application/grpc")
            #expect(call.trailers == nil)
            #expect(call.rawBody.isEmpty)
            #expect(call.header("grpc-status") == "5")
            #expect(call.header("grpc-message") == "100%25 %C3%BC%0A")
            let details = try #require(call.header("grpc-status-details-bin"))
            #expect(details.hasPrefix("CAU") && !details.hasSuffix("="))
        }
    }

    @Test("an error after a message is in the trailers, behind the message")
    func afterMessages() async throws {
        try await withKinds { server, client in
            server.onEach = { request, _ in
                guard request.value == [1] else { throw RPCStatus(.aborted, "enough") }
                return request
            }
            let call = try client.begin(MethodKind.bidirectional.path)
            try call.send([1])
            try call.send([2])
            try await call.finished()
            #expect(call.responses == [[1]])
            #expect(call.header("grpc-status") == nil)
            #expect(call.trailers != nil)
            #expect(call.status == .aborted)
            // The client may stop: it had not ended its side.
            #expect(call.closedCode == .noError)
        }
    }

    @Test(
        "binary metadata comes padded or not, several values in one", arguments: MethodKind.allCases
    )
    func binaryMetadata(kind: MethodKind) async throws {
        try await withKinds { server, client in
            var found: [[UInt8]] = []
            server.onEach = { request, context in
                found = try context.metadata.binaryValues("x-in-bin")
                return request
            }
            let good = try await client.unary(kind.path, [1], ["x-in-bin": "qw==,qw, q6ur"])
            #expect(good.status == .ok)
            #expect(found == [[0xAB], [0xAB], [0xAB, 0xAB, 0xAB]])
            // Whether or not the handler asks for it.
            for name in ["x-in-bin", "x-other-bin"] {
                let before = server.answered
                let bad = try await client.unary(kind.path, [1], [name: "qw,!"])
                #expect(bad.header(":status") == "400")
                #expect(bad.status == .internal)
                #expect(bad.message == "metadata \(name) is not base64")
                #expect(server.answered == before)
            }
        }
    }

    @Test(
        "a deadline of zero is over before anything begins", arguments: MethodKind.allCases,
        ["0S", "0n", "00000000H"])
    func noTime(kind: MethodKind, timeout: String) async throws {
        try await withKinds { server, client in
            var begun = 0
            server.onBegin = { begun += 1 }
            let call = try client.begin(kind.path, ["grpc-timeout": timeout])
            // No request is needed for it, nor the end of any.
            try await call.finished()
            #expect(call.status == .deadlineExceeded)
            #expect(call.message?.contains("nothing was done") == true)
            let whole = try await client.unary(kind.path, [1], ["grpc-timeout": timeout])
            #expect(whole.status == .deadlineExceeded)
            #expect(begun == 0 && server.answered == 0)
            #expect(server.server.handlersRunning == 0)
        }
    }

    @Test(
        "at the deadline the caller is told and the handler cancelled",
        arguments: MethodKind.allCases)
    func deadline(kind: MethodKind) async throws {
        try await withKinds { server, client in
            server.stall()
            for timeout in ["300m", "5S", "20S"] where server.stalled == 0 {
                let call = try await client.unary(kind.path, [1], ["grpc-timeout": timeout])
                #expect(call.status == .deadlineExceeded)
            }
            try await server.reactor.until("the handler is cancelled") {
                server.stalled > 0 && server.cancelled == server.stalled
            }
            try await server.reactor.until("none runs") { server.server.handlersRunning == 0 }
            let over = try await client.unary(kind.path, [1], ["grpc-timeout": "0S"])
            #expect(over.status == .deadlineExceeded)
            let malformed = try await client.unary(kind.path, [1], ["grpc-timeout": "1"])
            #expect(malformed.header(":status") == "400")
            #expect(malformed.status == .internal)
        }
    }

    @Test("RST_STREAM cancels the handler", arguments: MethodKind.allCases)
    func cancel(kind: MethodKind) async throws {
        try await withKinds { server, client in
            server.stall()
            let call = try client.begin(kind.path)
            try call.send([1])
            if !kind.streamsRequests { call.end() }
            try await call.until { server.stalled == 1 }
            call.cancel()
            try await call.until { server.cancelled == 1 }
            try await call.until { server.server.handlersRunning == 0 }
        }
    }

    @Test(
        "a message over the limit is RESOURCE_EXHAUSTED at once, what follows of it is dropped, and the connection goes on",
        arguments: MethodKind.allCases)
    func tooLarge(kind: MethodKind) async throws {
        try await withKinds({ $0.message.messageBytesMax = 100_000 }) { _, client in
            let call = try client.begin(kind.path)
            call.sendRaw(MessageFrame.bytes([UInt8](repeating: 1, count: 1_000_000)))
            try await call.finished()
            #expect(call.status == .resourceExhausted)
            // After the trailers, for the client has not ended its side.
            #expect(call.closedCode == .noError)
            for _ in 0..<3 {
                let next = try await client.unary(kind.path, [1])
                #expect(next.status == .ok)
            }
        }
    }

    @Test(
        "a handler that ends before its client stops the client, by NO_ERROR",
        arguments: [
            MethodKind.clientStreaming, .bidirectional,
        ])
    func earlyEnd(kind: MethodKind) async throws {
        try await withKinds { server, client in
            server.onBegin = { throw RPCStatus(.permissionDenied, "no") }
            let call = try client.begin(kind.path)
            try await call.finished()
            #expect(call.status == .permissionDenied)
            #expect(call.closedCode == .noError)
        }
    }

    @Test("what is no message of the method is INTERNAL", arguments: MethodKind.allCases)
    func undecodable(kind: MethodKind) async throws {
        let bodies: [[UInt8]] = [
            MessageFrame.bytes([0xFF, 0xFF]), MessageFrame.bytes([], flag: 2),
            MessageFrame.bytes([1, 2], flag: 1), [0, 0, 0, 0, 9, 1], [0, 0],
        ]
        try await withKinds { _, client in
            for body in bodies {
                let call = try client.begin(kind.path)
                call.sendRaw(body)
                call.end()
                try await call.finished()
                #expect(call.status == .internal, "\(body)")
            }
        }
    }

    @Test(
        "gzip goes both ways when it is named, and never to who did not list it",
        arguments: MethodKind.allCases)
    func compression(kind: MethodKind) async throws {
        try await withKinds({ $0.compressedResponseBytesMin = 100 }) { _, client in
            let large = [UInt8](repeating: 3, count: 1000)
            let message = try Wire.encode(Payload(large))
            let call = try client.begin(
                kind.path, ["grpc-encoding": "gzip", "grpc-accept-encoding": "gzip"])
            call.sendRaw(MessageFrame.bytes(try Gzip().compress(message.span), flag: 1))
            call.end()
            try await call.finished()
            #expect(call.status == .ok)
            #expect(call.header("grpc-encoding") == "gzip")
            let frame = try #require(call.frames.first)
            #expect(frame.flag == 1)
            let bytes = try Gzip().decompress(frame.bytes.span, bytesMax: 10_000)
            #expect(try Wire.decode(Payload.self, from: bytes).value == large)

            let plain = try await client.unary(kind.path, large)
            #expect(plain.header("grpc-encoding") == nil)
            #expect(plain.responses == [large])

            let unknown = try await client.unary(kind.path, large, ["grpc-encoding": "br"])
            #expect(unknown.status == .unimplemented)
            #expect(unknown.header("grpc-accept-encoding") == "identity,gzip")
        }
    }

    @Test("the limit counts what gzip unpacks to", arguments: MethodKind.allCases)
    func bomb(kind: MethodKind) async throws {
        try await withKinds({ $0.message.messageBytesMax = 100_000 }) { _, client in
            let bomb = try Gzip().compress([UInt8](repeating: 0, count: 1_000_000).span)
            let call = try client.begin(kind.path, ["grpc-encoding": "gzip"])
            call.sendRaw(MessageFrame.bytes(bomb, flag: 1))
            call.end()
            try await call.finished()
            #expect(call.status == .resourceExhausted)
        }
    }

    @Test("errors of all sorts have their codes", arguments: MethodKind.allCases)
    func errors(kind: MethodKind) async throws {
        struct Unknown: Error {}
        let cases: [(any Error, StatusCode)] = [
            (Unknown(), .internal), (CancellationError(), .cancelled),
            (RPCStatus(.unauthenticated, ""), .unauthenticated),
            (RPCStatus(.permissionDenied, ""), .permissionDenied), (RPCStatus(.ok, ""), .unknown),
        ]
        try await withKinds { server, client in
            for (error, code) in cases {
                server.onEach = { _, _ in throw error }
                let call = try await client.unary(kind.path, [1])
                #expect(call.status == code)
            }
        }
    }

    @Test(
        "overload is RESOURCE_EXHAUSTED; a stop is UNKNOWN for a handler that runs",
        arguments: MethodKind.allCases)
    func overloadAndStop(kind: MethodKind) async throws {
        try await withKinds({ $0.handlersRunningMax = 1 }) { server, client in
            server.stall()
            let running = try client.begin(kind.path)
            try running.send([1])
            running.end()
            try await running.until { server.server.handlersRunning == 1 }
            let beyond = try await client.unary(kind.path, [1])
            #expect(beyond.status == .resourceExhausted)
            await server.server.drain(grace: .zero)
            try await running.finished()
            #expect(running.status == .unknown)
        }
    }

    @Test("the request's own rules come before its kind", arguments: MethodKind.allCases)
    func requests(kind: MethodKind) async throws {
        try await withKinds { _, client in
            let cases: [(String, String, String)] = [
                (":method", "GET", "405"), ("content-type", "application/json", "415"),
                ("host", "elsewhere", "400"),
            ]
            for (name, value, http) in cases {
                let call = try client.begin(kind.path, pairs: [(name, value)])
                call.end()
                try await call.finished()
                #expect(call.header(":status") == http)
            }
            for path in [kind.path.uppercased(), kind.path + "/", kind.path + "?a"] {
                let call = try await client.unary(path, [1])
                #expect(call.status == .unimplemented, "\(path)")
            }
        }
    }

    @Test(
        "one request is one: none and two are refused",
        arguments: [
            MethodKind.unary, .serverStreaming,
        ])
    func oneRequest(kind: MethodKind) async throws {
        try await withKinds { _, client in
            for count in [0, 2] {
                let call = try client.begin(kind.path)
                for _ in 0..<count { try call.send([1]) }
                call.end()
                try await call.finished()
                #expect(call.status == .unimplemented)
            }
        }
    }

    @Test(
        "metadata too large for a frame's compression ends its stream alone",
        arguments: MethodKind.allCases, [false, true])
    func unsendable(kind: MethodKind, isTrailing: Bool) async throws {
        try await withKinds { server, client in
            server.onEach = { request, context in
                guard request.value == [1] else { return request }
                let value = String(repeating: "v", count: 70_000)
                if isTrailing {
                    context.trailingMetadata.append("x-large", value)
                } else {
                    context.initialMetadata.append("x-large", value)
                }
                return request
            }
            let call = try await client.unary(kind.path, [1])
            #expect(call.closedCode == .internalError)
            #expect(call.status == nil)
            let next = try await client.unary(kind.path, [2])
            #expect(next.status == .ok)
        }
    }
}
