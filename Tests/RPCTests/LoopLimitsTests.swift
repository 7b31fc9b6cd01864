import EventLoops
import HTTP2
import TestSupport
import Testing

@testable import RPC

/// What all connections of a loop may do together.
@Suite struct LoopLimitsTests {
    @Test("connections may not hold more unread bytes together than the loop's limit")
    func receivedBytes() async throws {
        try await withEcho({ $0.receivedBytesPerLoopMax = 1_000_000 }) { server, client in
            let others = try (0..<4).map { _ in try TestClient(server.address, server.reactor) }
            let calls = try others.map { other in
                let call = try other.begin("/test.Echo/Unary")
                let frame = MessageFrame.bytes([UInt8](repeating: 0, count: 400_000))
                call.sendRaw(Array(frame.dropLast()))
                return call
            }
            try await calls[0].until { calls.contains { $0.status == .resourceExhausted } }
            // Those that were there before go on; all is free again once they are gone.
            for other in others { other.connection.abandon() }
            try await calls[0].until { server.server.openConnections == 1 }
            let answer = try await client.unary("/test.Echo/Unary", [1])
            #expect(answer.status == .ok)
        }
    }

    @Test("calls that wait for their requests count; further ones are RESOURCE_EXHAUSTED")
    func callsOpen() async throws {
        try await withEcho({ $0.callsOpenMax = 3 }) { server, client in
            let calls = try (0..<3).map { _ in try client.begin("/test.Echo/Unary") }
            let refused = try await client.unary("/test.Echo/Unary")
            #expect(refused.status == .resourceExhausted)
            #expect(server.server.callsOpen == 3)
            calls[0].cancel()
            try await calls[0].until { server.server.callsOpen == 2 }
            let answer = try await client.unary("/test.Echo/Unary", [1])
            #expect(answer.status == .ok)
            for call in calls { call.cancel() }
            try await calls[0].until { server.server.callsOpen == 0 }
        }
    }
}
