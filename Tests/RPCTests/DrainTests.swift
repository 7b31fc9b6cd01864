import EventLoops
import HTTP2
import StandardMessages
import TestSupport
import Testing

@testable import RPC

@Suite struct DrainTests {
    @Test("a server without connections is drained at once and refuses new ones")
    func idle() async throws {
        try await onLoop { _, reactor in
            // Another test may be given the port in between, and is not each time.
            var taken: (any Error)?
            for _ in 0..<3 {
                let server = try EchoServer(reactor)
                await server.server.drain(grace: .seconds(10))
                do {
                    return try Listener.refuseIfTaken(server.address)
                } catch { taken = error }
            }
            if let taken { throw taken }
        }
    }

    @Test("calls that run finish within the grace, and the connection is closed afterwards")
    func runningCalls() async throws {
        try await withEcho { server, client in
            var begun = 0
            server.onUnary = { request, _ in
                begun += 1
                try await server.reactor.sleep(for: .milliseconds(100))
                return request
            }
            let calls = try (0..<50).map { index in
                let call = try client.begin("/test.Echo/Unary")
                try call.send([UInt8(index)])
                call.end()
                return call
            }
            // Some may have ended again by then.
            try await calls[0].until { begun == 50 }
            let begin = Instant.now()
            await server.server.drain(grace: .seconds(60))
            #expect(begin.duration(to: .now()) < .seconds(30))
            for (index, call) in calls.enumerated() {
                #expect(call.status == .ok)
                #expect(call.responses == [[UInt8(index)]])
            }
            try await calls[0].until { client.isClosed }
        }
    }

    @Test("what outlives the grace is told that it may have been done, and cancelled")
    func grace() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/test.Echo/Chat")
            try call.send([1])
            try await call.messages(1)
            let begin = Instant.now()
            await server.server.drain(grace: .milliseconds(100))
            #expect(begin.duration(to: .now()) >= .milliseconds(100))
            #expect(begin.duration(to: .now()) < .seconds(5))
            #expect(call.status == .unknown)
            #expect(call.message?.contains("may have been done") == true)
            try await server.waitFor("chat failed: CancellationError")
        }
    }

    @Test("a call that only reads is told to try again when it outlives the grace")
    func readPastGrace() async throws {
        try await withEcho { server, client in
            server.onUnary = { request, context in
                context.changesNothing = true
                try await server.reactor.sleep(for: .seconds(60))
                return request
            }
            let call = try client.begin("/test.Echo/Unary")
            try call.send([1])
            call.end()
            try await call.until { server.server.handlersRunning == 1 }
            await server.server.drain(grace: .milliseconds(100))
            #expect(call.status == .unavailable)
        }
    }
}
