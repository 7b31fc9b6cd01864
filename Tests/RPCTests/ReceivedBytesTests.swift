import EventLoops
import HTTP2
import StandardMessages
import Testing

@testable import RPC

/// The bytes of requests that wait for a handler, over all connections of a loop.
@Suite struct ReceivedBytesTests {
    @Test("bytes that no handler takes are bounded over all connections, and given back at the end")
    func receivedBytes() async throws {
        try await withEcho({ $0.receivedBytesPerLoopMax = 100_000 }) { server, client in
            server.onCollect = { requests, _ in
                // Takes nothing until the call is over.
                try await server.reactor.sleep(for: .seconds(60))
                return Payload()
            }
            let other = try TestClient(server.address, server.reactor)
            let first = try client.begin("/test.Echo/Collect")
            try first.send([UInt8](repeating: 1, count: 40_000))
            try await first.until { server.server.handlersRunning == 1 }
            let second = try other.begin("/test.Echo/Collect")
            try second.send([UInt8](repeating: 1, count: 50_000))
            try second.send([UInt8](repeating: 1, count: 50_000))
            try await second.finished()
            #expect(second.status == .resourceExhausted)
            #expect(second.message?.contains("receivedBytesPerLoopMax") == true)
            #expect(first.closedCode == nil, "the other call goes on")
            first.cancel()
            try await first.until { server.server.handlersRunning == 0 }
            let large = try await client.unary(
                "/test.Echo/Unary", [UInt8](repeating: 1, count: 60_000))
            #expect(large.status == .ok, "what the calls held is free again")
        }
    }

    /// A whole message in one frame of the usual size.
    private static let wholeFrame =
        [0, 0, 0, 0x3F, 0xFB] + [UInt8](repeating: 0, count: 16 * 1024 - 5)

    @Test("requests that are whole but have no end leave room for others, up to a limit")
    func withoutEnd() async throws {
        try await withEcho({ $0.receivedBytesPerConnectionMax = 70 * 16 * 1024 }) { _, client in
            // As much as the connection's window.
            var calls: [TestCall] = []
            for _ in 0..<64 {
                let call = try client.begin("/test.Echo/Unary")
                call.sendRaw(ReceivedBytesTests.wholeFrame)
                calls.append(call)
            }
            try await calls[0].until { calls.allSatisfy { $0.stream?.queuedBytes == 0 } }
            let other = try await client.unary("/test.Echo/Unary", [1, 2, 3])
            #expect(other.status == .ok)
            for _ in 0..<7 {
                let call = try client.begin("/test.Echo/Unary")
                call.sendRaw(ReceivedBytesTests.wholeFrame)
                calls.append(call)
            }
            // One too many; which it is, how they come together decides.
            try await calls[0].until { calls.contains { $0.closedCode != nil } }
            #expect(try await client.unary("/test.Echo/Unary", [4]).status == .ok)
            let refused = calls.filter { $0.closedCode != nil }
            #expect(refused.count == 1, "the others go on")
            #expect(refused.allSatisfy { $0.status == .resourceExhausted })
            #expect(
                refused.allSatisfy {
                    $0.message?.contains("receivedBytesPerConnectionMax") == true
                })
        }
    }

    @Test("a base64 body counts as long as it waits decoded")
    func receivedText() async throws {
        try await withEcho({ $0.receivedBytesPerLoopMax = 50_000 }) { server, client in
            let type = "application/grpc-web-text"
            let half = try client.begin("/test.Echo/Unary", ["content-type": type])
            let message = [0, 0, 1, 0, 0] + [UInt8](repeating: 0, count: 30_000)
            half.sendRaw(WebText.encode(message))
            try await half.until { half.stream?.queuedBytes == 0 }
            #expect(try await client.unary("/test.Echo/Unary").status == .ok)
            let call = try client.begin("/test.Echo/Unary", ["content-type": type])
            call.sendRaw(WebText.encode(message))
            // The one whose request is on its way for longer makes room.
            try await half.finished()
            let frames = TestCall.frames(of: WebTextBody.decode(half.rawBody))
            let trailers = String(decoding: frames.last?.bytes ?? [], as: UTF8.self)
            #expect(trailers.contains("grpc-status: 8"))
            #expect(call.closedCode == nil)
            call.cancel()
            try await call.finished()
        }
    }
}

/// The bytes of a base64 body.
private enum WebTextBody {
    static func decode(_ body: [UInt8]) -> [UInt8] {
        var decoder = WebText.Decoder()
        _ = try? decoder.append(body.span, bytesMax: .max)
        return Array(decoder.bytes.prefix(.max))
    }
}
