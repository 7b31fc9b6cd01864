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
            // The oldest make room, and whoever brings a whole request is served meanwhile.
            try await calls[0].until { calls.count { $0.status == .resourceExhausted } == 2 }
            let refused = calls.filter { $0.closedCode != nil }
            #expect(refused.allSatisfy { $0.message?.contains("receivedBytesPerLoopMax") == true })
            let large = try await client.unary(
                "/test.Echo/Unary", [UInt8](repeating: 1, count: 300_000))
            #expect(large.status == .ok)
            for other in others { other.connection.abandon() }
            try await calls[0].until { server.server.openConnections == 1 }
            let answer = try await client.unary("/test.Echo/Unary", [1])
            #expect(answer.status == .ok)
        }
    }

    @Test("header sections count while their requests are on the way")
    func headerSections() async throws {
        try await withEcho({ $0.receivedBytesPerLoopMax = 50_000 }) { server, client in
            let padding = String(repeating: "x", count: 10_000)
            let calls = try (0..<8).map { _ in
                try client.begin("/test.Echo/Unary", ["padding": padding])
            }
            let half = try client.begin("/test.Echo/Unary")
            half.sendRaw([0, 0, 0, 0, 9, 1])
            try await half.until { calls.count { $0.status == .resourceExhausted } == 4 }
            #expect(calls[..<4].allSatisfy { $0.status == .resourceExhausted })
            for call in calls[4...] + [half] { call.cancel() }
            try await half.until { server.server.callsOpen == 0 }
            // All is given back, once.
            let whole = try await client.unary(
                "/test.Echo/Unary", [UInt8](repeating: 1, count: 45_000), ["padding": padding])
            #expect(whole.status == .ok)
        }
    }

    @Test("of calls that wait for their requests the oldest goes when one more comes")
    func callsOpen() async throws {
        try await withEcho({ $0.callsOpenMax = 3 }) { server, client in
            let stranger = try TestClient(server.address, server.reactor)
            let calls = try (0..<3).map { _ in try stranger.begin("/test.Echo/Unary") }
            try await calls[0].until { server.server.callsOpen == 3 }
            let answer = try await client.unary("/test.Echo/Unary", [1])
            #expect(answer.status == .ok)
            try await calls[0].finished()
            #expect(calls[0].status == .resourceExhausted)
            #expect(
                calls[0].message
                    == "callsOpenMax reached, and the request had not come by then")
            #expect(calls[1].closedCode == nil)
            for call in calls[1...] { call.cancel() }
            try await calls[0].until { server.server.callsOpen == 0 }
        }
    }

    @Test("calls that run are not sent away for others: further ones are RESOURCE_EXHAUSTED")
    func callsRunning() async throws {
        try await withEcho({ $0.callsOpenMax = 2 }) { server, client in
            let calls = try (0..<2).map { _ in try client.begin("/test.Echo/Chat") }
            try await calls[0].until { server.server.handlersRunning == 2 }
            let refused = try await client.unary("/test.Echo/Unary")
            #expect(refused.status == .resourceExhausted)
            #expect(refused.message == "callsOpenMax reached")
            calls[0].end()
            try await calls[0].finished()
            let answer = try await client.unary("/test.Echo/Unary", [1])
            #expect(answer.status == .ok)
            #expect(calls[1].closedCode == nil)
            calls[1].cancel()
        }
    }

    @Test("a request has its time to come, whatever comes of it in between")
    func requestTime() async throws {
        try await withEcho({ $0.requestTimeMax = .milliseconds(200) }) { server, client in
            let began = Instant.now()
            let late = try (0..<2).map { _ in try client.begin("/test.Echo/Unary") }
            let dribble = try client.begin("/test.Echo/Expand")
            let running = try client.begin("/test.Echo/Chat")
            // A message that lasts, so that the bytes are never a whole one.
            dribble.sendRaw([0, 0, 0, 16, 0])
            while dribble.closedCode == nil, began.duration(to: .now()) < .seconds(60) {
                dribble.sendRaw([0])
                try await server.reactor.sleep(for: .milliseconds(50))
            }
            for call in late + [dribble] {
                try await call.finished()
                #expect(call.status == .resourceExhausted)
                #expect(call.message?.contains("requestTimeMax") == true)
            }
            #expect(began.duration(to: .now()) >= .milliseconds(200))
            // What the handler itself receives has no such time.
            #expect(running.closedCode == nil)
            try running.send([1])
            try await running.messages(1)
            running.cancel()
            #expect(try await client.unary("/test.Echo/Unary", [1]).status == .ok)
        }
    }

    @Test("an unfinished request that is called off leaves the others their turn")
    func calledOff() async throws {
        try await withEcho({ $0.callsOpenMax = 3 }) { server, client in
            let stranger = try TestClient(server.address, server.reactor)
            let calls = try (0..<3).map { _ in try stranger.begin("/test.Echo/Unary") }
            try await calls[0].until { server.server.callsOpen == 3 }
            // The middle, the newest, then a new one behind what is left.
            for call in [calls[1], calls[2]] {
                call.cancel()
                try await call.finished()
            }
            try await calls[0].until { server.server.callsOpen == 1 }
            let more = try (0..<2).map { _ in try stranger.begin("/test.Echo/Unary") }
            try await calls[0].until { server.server.callsOpen == 3 }
            for _ in 0..<2 {
                #expect(try await client.unary("/test.Echo/Unary", [1]).status == .ok)
            }
            try await calls[0].finished()
            #expect(calls[0].status == .resourceExhausted)
            #expect(more.allSatisfy { $0.closedCode == nil })
        }
    }
}
