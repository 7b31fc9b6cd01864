import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Deadlines, cancels, back-pressure and what is left behind.
@Suite struct CallEndTests {
    @Test("the deadline ends a call here, and the server hears of it")
    func deadline() async throws {
        try await withChannel { server, channel in
            var (begun, cancelled) = (0, 0)
            var told: Instant?
            server.onUnary = { request, context in
                told = context.deadline
                begun += 1
                do {
                    try await server.reactor.sleep(for: .seconds(120))
                } catch {
                    cancelled += 1
                    throw error
                }
                return request
            }
            for timeout in deadlineTries where begun == 0 {
                let options = CallOptions(timeout: timeout)
                let failure = await status {
                    _ = try await channel.call(EchoServer.unary, Payload([1]), options)
                }
                #expect(failure?.code == .deadlineExceeded)
            }
            try await server.reactor.until("the handler is cancelled") {
                begun > 0 && cancelled == begun
            }
            #expect(told != nil)
            let over = CallOptions(timeout: .zero)
            let second = await status {
                _ = try await channel.call(EchoServer.unary, Payload([1]), over)
            }
            #expect(second?.code == .deadlineExceeded)
            #expect(channel.runningCalls == 0)
        }
    }

    @Test("cancelling the task cancels a unary call, here and at the server")
    func cancelUnary() async throws {
        try await withChannel { server, channel in
            var isCancelled = false
            var isRunning = false
            server.onUnary = { request, _ in
                isRunning = true
                do {
                    try await server.reactor.sleep(for: .seconds(20))
                } catch {
                    isCancelled = true
                    throw error
                }
                return request
            }
            var failure: RPCStatus?
            let task = server.reactor.begin {
                failure = await status {
                    _ = try await channel.call(EchoServer.unary, Payload([1]))
                }
            }
            try await server.reactor.until("the handler runs") { isRunning }
            task.cancel()
            try await server.reactor.until("cancelled") { failure != nil && isCancelled }
            #expect(failure?.code == .cancelled)
        }
    }

    @Test("a task that is cancelled before it calls sends nothing")
    func cancelledBefore() async throws {
        try await withChannel { server, channel in
            var failure: RPCStatus?
            let task = server.reactor.begin {
                failure = await status {
                    _ = try await channel.call(EchoServer.unary, Payload([1]))
                }
            }
            task.cancel()
            try await server.reactor.until("refused") { failure != nil }
            #expect(failure?.code == .cancelled)
            #expect(server.server.openConnections == 0)
        }
    }

    @Test("a streaming call is cancelled by its cancel, by its task and when nobody holds it")
    func cancelStreams() async throws {
        try await withChannel { server, channel in
            var ended = 0
            server.onChat = { requests, _ in
                do { while try await requests.next() != nil {} } catch {
                    ended += 1
                    throw error
                }
            }
            let first = try await channel.call(EchoServer.chat)
            try await first.write(Payload([1]))
            first.cancel()
            let end1 = await status { _ = try await first.next() }
            #expect(end1?.code == .cancelled)
            let end2 = await status { _ = try await first.write(Payload([1])) }
            #expect(end2?.code == .cancelled)
            try await server.reactor.until("none runs") { server.server.handlersRunning == 0 }

            let second = try await channel.call(EchoServer.chat)
            var failure: RPCStatus?
            let task = server.reactor.begin {
                failure = await status { _ = try await second.next() }
            }
            try await second.write(Payload([1]))
            try await server.reactor.until("it runs") { server.server.handlersRunning > 0 }
            task.cancel()
            try await server.reactor.until("cancelled") { failure != nil }
            #expect(failure?.code == .cancelled)
            try await server.reactor.until("none runs") { server.server.handlersRunning == 0 }

            var third: OpenCall<Payload, Payload>? = try await channel.call(EchoServer.chat)
            try await third?.write(Payload([1]))
            try await server.reactor.until("begun") { server.server.handlersRunning > 0 }
            third = nil
            try await server.reactor.until("none runs") {
                channel.runningCalls == 0 && server.server.handlersRunning == 0
            }
            #expect(ended >= 2)
        }
    }

    @Test("a server that does not read makes the writer wait, and its reading lets it go on")
    func writerWaits() async throws {
        try await withChannel { server, channel in
            var mayRead = false
            var read = 0
            server.onChat = { requests, _ in
                while !mayRead { try await server.reactor.sleep(for: .milliseconds(1)) }
                while let request = try await requests.next() { read += request.value.count }
            }
            let call = try await channel.call(EchoServer.chat)
            var written = 0
            server.reactor.begin {
                while written < 1000 {
                    try? await call.write(
                        Payload([UInt8](repeating: 1, count: 10_000)))
                    written += 1
                }
                call.endRequests()
            }
            try await server.reactor.until("some is written") { written > 10 }
            var before = -1
            while before != written {
                before = written
                try await server.reactor.sleep(for: .milliseconds(30))
            }
            // The server's window of 256 KiB, the queue of 64 KiB and a message.
            #expect(written < 40, "\(written) messages")
            mayRead = true
            #expect(try await call.next() == nil)
            #expect(read == 10_000_000)
            #expect(written == 1000)
        }
    }

    @Test("a caller that does not read makes the server wait")
    func readerWaits() async throws {
        try await withChannel { server, channel in
            let responses = try await channel.call(
                EchoServer.expand, Payload([UInt8](repeating: 1, count: 10_000), repeating: 1000))
            #expect(try await responses.next() != nil)
            var before = -1
            while before != server.events.count {
                before = server.events.count
                try await server.reactor.sleep(for: .milliseconds(30))
            }
            #expect(server.events.count < 40)
            var rest = 1
            while try await responses.next() != nil { rest += 1 }
            #expect(rest == 1000)
        }
    }

    @Test("ten thousand messages each way leave nothing behind, while the call still runs")
    func tenThousand() async throws {
        try await withChannel { server, channel in
            var peak = 0
            let call = try await channel.call(EchoServer.chat)
            var received = 0
            server.reactor.begin {
                while received < 10_000, (try? await call.next()) != nil {
                    received += 1
                }
            }
            for index in 0..<10_000 {
                try await call.write(Payload(Array("message \(index)".utf8)))
                peak = max(peak, call.call.heldBytes)
            }
            try await server.reactor.until("all echoed") { received == 10_000 }
            // The stream's queue and its window, whatever the number of messages.
            #expect(peak < 400 * 1024, "\(peak) bytes")
            #expect(call.call.heldBytes == 0)
            call.endRequests()
            #expect(try await call.next() == nil)
        }
    }

    @Test("a channel that is let go closes its connection, and nothing of it stays")
    func noLeak() async throws {
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor)
            weak var gone: Channel?
            func use() async throws {
                let channel = try makeChannel(to: server.address, reactor)
                gone = channel
                for _ in 0..<100 { _ = try await channel.call(EchoServer.unary, Payload([1])) }
                let chat = try await channel.call(EchoServer.chat)
                try await chat.write(Payload([1]))
                _ = try await chat.next()
                #expect(server.server.openConnections == 1)
            }
            try await use()
            try await reactor.until("released") { gone == nil }
            try await reactor.until("closed") { server.server.openConnections == 0 }
            await server.server.drain(grace: .zero)
        }
    }
}
