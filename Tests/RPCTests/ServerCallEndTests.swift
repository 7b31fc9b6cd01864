import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// How calls end before their time: deadlines, cancellation, lost connections, backpressure.
@Suite struct ServerCallEndTests {
    @Test("at the deadline the caller has its status and the handler is cancelled")
    func deadline() async throws {
        try await withEcho { server, client in
            server.onUnary = { request, context in
                #expect(context.deadline != nil)
                do {
                    try await server.reactor.sleep(for: .seconds(30))
                } catch {
                    server.events.append("cancelled")
                    throw error
                }
                return request
            }
            let begin = Instant.now()
            let call = try await client.unary(
                "/test.Echo/Unary", [], ["grpc-timeout": "50m"])
            let took = begin.duration(to: .now())
            #expect(call.status == .deadlineExceeded)
            #expect(took >= .milliseconds(50))
            #expect(took < .seconds(5))
            try await server.waitFor("cancelled")
            #expect(server.server.handlersRunning == 0)
        }
    }

    /// Waits for a moment, and does not notice that it is cancelled.
    private static func pause(_ reactor: Reactor) async {
        await withCheckedContinuation { continuation in
            reactor.schedule(after: .milliseconds(4)) { continuation.resume() }
        }
    }

    @Test("the caller is answered at the deadline even when the handler does not notice")
    func deadlineIgnored() async throws {
        try await withEcho { server, client in
            var isReleased = false
            server.onUnary = { request, _ in
                while !isReleased { await Self.pause(server.reactor) }
                server.events.append("done")
                return request
            }
            let call = try await client.unary("/test.Echo/Unary", [], ["grpc-timeout": "20m"])
            #expect(call.status == .deadlineExceeded)
            #expect(server.events.isEmpty)
            #expect(server.server.handlersRunning == 1)
            isReleased = true
            try await server.waitFor("done")
            try await call.until { server.server.handlersRunning == 0 }
        }
    }

    @Test("a deadline of zero has passed, also for a request that is not whole")
    func zeroDeadline() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/test.Echo/Unary", ["grpc-timeout": "0S"])
            try await call.finished()
            #expect(call.status == .deadlineExceeded)
        }
    }

    @Test("a deadline that is not reached leaves nothing behind")
    func distantDeadline() async throws {
        try await withEcho { _, client in
            let call = try await client.unary("/test.Echo/Unary", [1], ["grpc-timeout": "99S"])
            #expect(call.status == .ok)
        }
    }

    @Test("RST_STREAM cancels a unary handler and a streaming one")
    func cancel() async throws {
        try await withEcho { server, client in
            server.onUnary = { request, _ in
                server.events.append("began")
                do {
                    try await server.reactor.sleep(for: .seconds(30))
                } catch {
                    server.events.append("unary cancelled")
                    throw error
                }
                return request
            }
            let unary = try client.begin("/test.Echo/Unary")
            try unary.send([])
            unary.end()
            try await server.waitFor("began")
            unary.cancel()
            try await server.waitFor("unary cancelled")

            let chat = try client.begin("/test.Echo/Chat")
            try chat.send([1])
            try await chat.messages(1)
            chat.cancel()
            try await server.waitFor("chat failed: CancellationError")
            #expect(server.server.handlersRunning == 0)
        }
    }

    @Test("a lost connection cancels every handler on it")
    func lostConnection() async throws {
        try await withEcho { server, client in
            let calls = try (0..<5).map { _ in try client.begin("/test.Echo/Chat") }
            for call in calls {
                try call.send([1])
                try await call.messages(1)
            }
            client.connection.abandon()
            for _ in 0..<2500 where server.server.handlersRunning > 0 {
                try await server.reactor.sleep(for: .milliseconds(2))
            }
            #expect(server.server.handlersRunning == 0)
            #expect(server.events.count == 5)
            #expect(Set(server.events) == ["chat failed: CancellationError"])
            #expect(server.server.openConnections == 0)
        }
    }

    @Test("a child task that is cancelled while it waits for a request stops waiting")
    func cancelledChild() async throws {
        try await withEcho { server, client in
            server.onCollect = { requests, context in
                let first = try await requests.next()
                let reactor = server.reactor
                let task = Task.currentForTests
                reactor.schedule(after: .milliseconds(20)) { task?.cancel() }
                do {
                    _ = try await requests.next()
                } catch {
                    server.events.append("\(type(of: error))")
                }
                return first ?? Payload()
            }
            let call = try client.begin("/test.Echo/Collect")
            try call.send([9])
            try await call.finished()
            #expect(server.events == ["CancellationError"])
        }
    }

    @Test("a handler that ends early tells the client to stop, without an error")
    func earlyEnd() async throws {
        try await withEcho { server, client in
            server.onCollect = { requests, _ in try await requests.next() ?? Payload() }
            let call = try client.begin("/test.Echo/Collect")
            try call.send([1])
            try await call.finished()
            #expect(call.status == .ok)
            #expect(call.responses == [[1]])
            #expect(call.closedCode == .noError)
        }
    }

    @Test("the rest of a body nobody wants does not hold up the connection")
    func drainedBody() async throws {
        try await withEcho { server, client in
            server.onCollect = { _, _ in throw RPCStatus(.permissionDenied, "no") }
            for _ in 0..<20 {
                let call = try client.begin("/test.Echo/Collect")
                try call.send([UInt8](repeating: 1, count: 500_000))
                call.end()
                try await call.finished()
                #expect(call.status == .permissionDenied)
            }
            let call = try await client.unary(
                "/test.Echo/Unary", [UInt8](repeating: 2, count: 900_000))
            #expect(call.status == .ok)
        }
    }

    @Test("a client that does not read makes the writer wait, and nothing is lost")
    func writerWaits() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/test.Echo/Expand")
            call.takes = false
            let payload = [UInt8](repeating: 5, count: 50_000)
            call.sendRaw(MessageFrame.bytes(try Wire.encode(Payload(payload, repeating: 200))))
            call.end()
            let written = try await server.reactor.settled { server.events.count }
            // Its window, our stream's queue and the sockets hold far less than the 10 MB.
            #expect(written < 100)
            try await server.reactor.sleep(for: .milliseconds(100))
            #expect(server.events.count == written)
            call.takes = true
            call.take()
            try await call.finished()
            #expect(call.responses.count == 200)
            #expect(call.responses.filter { $0 != payload }.isEmpty)
            #expect(call.status == .ok)
        }
    }

    @Test("a handler that does not read makes the client wait, and nothing is lost")
    func readerWaits() async throws {
        try await withEcho { server, client in
            var mayRead = false
            server.onCollect = { requests, _ in
                while !mayRead { try await server.reactor.sleep(for: .milliseconds(2)) }
                var count = 0
                while let request = try await requests.next() { count += request.value.count }
                return Payload(Array("\(count)".utf8))
            }
            let call = try client.begin("/test.Echo/Collect")
            for _ in 0..<200 { try call.send([UInt8](repeating: 1, count: 50_000)) }
            call.end()
            try await server.reactor.sleep(for: .milliseconds(100))
            // The rest has not left the client.
            #expect((call.stream?.queuedBytes ?? 0) > 9_000_000)
            mayRead = true
            try await call.finished()
            #expect(call.responses == [Array("10000000".utf8)])
        }
    }

    @Test("beyond the handlers' limit calls are refused, those included whose caller has gone")
    func handlersRunningMax() async throws {
        try await withEcho({ $0.handlersRunningMax = 3 }) { server, client in
            var isReleased = false
            server.onUnary = { request, _ in
                while !isReleased { await Self.pause(server.reactor) }
                return request
            }
            let calls = try (0..<3).map { _ in
                let call = try client.begin("/test.Echo/Unary")
                try call.send([])
                call.end()
                return call
            }
            try await calls[0].until { server.server.handlersRunning == 3 }
            for call in calls { call.cancel() }
            let found2 = try await client.unary("/test.Echo/Unary")
            #expect(found2.status == .resourceExhausted)
            #expect(server.server.handlersRunning == 3)
            isReleased = true
            try await found2.until { server.server.handlersRunning == 0 }
            let found3 = try await client.unary("/test.Echo/Unary")
            #expect(found3.status == .ok)
        }
    }

    @Test(
        "requests that come after the handlers' limit is reached are refused, however many were open"
    )
    func lateRequests() async throws {
        try await withEcho({ $0.handlersRunningMax = 3 }) { server, client in
            var isReleased = false
            server.onUnary = { request, _ in
                while !isReleased { try await server.reactor.sleep(for: .milliseconds(2)) }
                return request
            }
            // All are open before any handler runs; then all their requests come at once.
            let calls = try (0..<20).map { _ in try client.begin("/test.Echo/Unary") }
            try await calls[0].until { server.server.callsOpen == 20 }
            for call in calls {
                try call.send([])
                call.end()
            }
            try await calls[0].until { calls.count(where: { $0.closedCode != nil }) == 17 }
            #expect(server.server.handlersRunning == 3)
            for call in calls where call.closedCode != nil {
                #expect(call.status == .resourceExhausted)
                #expect(call.message == "handlersRunningMax reached")
            }
            isReleased = true
            for call in calls { try await call.finished() }
            #expect(calls.count(where: { $0.status == .ok }) == 3)
        }
    }

    @Test(
        "one connection's handlers are bounded, those of ended streams included; others are served")
    func handlersPerConnectionMax() async throws {
        try await withEcho({ $0.handlersPerConnectionMax = 3 }) { server, client in
            var isReleased = false
            server.onUnary = { request, _ in
                // Does not notice that it is cancelled.
                while request.value == [9], !isReleased { await Self.pause(server.reactor) }
                return request
            }
            let calls = try (0..<3).map { _ in
                let call = try client.begin("/test.Echo/Unary")
                try call.send([9])
                call.end()
                return call
            }
            try await calls[0].until { server.server.handlersRunning == 3 }
            for call in calls { call.cancel() }
            let refused = try await client.unary("/test.Echo/Unary")
            #expect(refused.status == .resourceExhausted)
            #expect(refused.message == "handlersPerConnectionMax reached")
            let other = try TestClient(server.address, server.reactor)
            let served = try await other.unary("/test.Echo/Unary")
            #expect(served.status == .ok)
            isReleased = true
            try await refused.until { server.server.handlersRunning == 0 }
            let again = try await client.unary("/test.Echo/Unary")
            #expect(again.status == .ok)
        }
    }

    @Test("a connection may not hold more unread messages than its limit")
    func receivedBytes() async throws {
        try await withEcho({ $0.receivedBytesPerConnectionMax = 1_000_000 }) { server, client in
            // Each holds most of a message that never ends.
            let calls = try (0..<8).map { _ in
                let call = try client.begin("/test.Echo/Unary")
                let frame = MessageFrame.bytes([UInt8](repeating: 0, count: 400_000))
                call.sendRaw(Array(frame.dropLast()))
                return call
            }
            try await calls[0].until {
                calls.contains { $0.status == .resourceExhausted }
            }
            for call in calls { call.cancel() }
            let found4 = try await client.unary("/test.Echo/Unary", [1])
            #expect(found4.status == .ok)
        }
    }

    @Test("responses that nobody reads are bounded over the whole connection")
    func queuedBytes() async throws {
        try await withEcho({
            $0.connection.queuedBytesPerConnectionHardMax = 1_000_000
        }) { server, client in
            server.onUnary = { _, _ in Payload([UInt8](repeating: 1, count: 600_000)) }
            let calls = try (0..<6).map { _ in
                let call = try client.begin("/test.Echo/Unary")
                call.takes = false
                try call.send([])
                call.end()
                return call
            }
            try await calls[0].until { calls.contains { $0.status == .resourceExhausted } }
            for call in calls { call.cancel() }
            let found5 = try await client.unary("/test.Echo/Unary")
            #expect(found5.status == .ok)
        }
    }
}

extension Task where Success == Never, Failure == Never {
    /// A handle by which a test cancels the task it runs in.
    static var currentForTests: UnsafeCurrentTask? { withUnsafeCurrentTask { $0 } }
}
