import EventLoops
import HTTP2
import Logging
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Our client against our server, on one loop.
@Suite struct ClientTests {
    /// Runs `body` with an echo server and a channel to it.
    static func withChannel(
        _ change: @escaping @Sendable (inout ChannelLimits) -> Void = { _ in },
        server serverChange: @escaping @Sendable (inout ServerLimits) -> Void = { _ in },
        _ body: @escaping @Sendable (EchoServer, Channel, Reactor) async throws -> Void
    ) async throws {
        try await onLoop { _, reactor in
            var serverLimits = ServerLimits.patient
            serverChange(&serverLimits)
            let server = try EchoServer(reactor, serverLimits)
            let channel = try ClientTests.channel(to: server.address, reactor, change)
            try await body(server, channel, reactor)
            channel.close()
            await server.server.drain(grace: .zero)
        }
    }

    static func channel(
        to address: SocketAddress, _ reactor: Reactor,
        _ change: (inout ChannelLimits) -> Void = { _ in }
    ) throws -> Channel {
        var limits = ChannelLimits.patient
        limits.backoffBase = .milliseconds(50)
        change(&limits)
        return Channel(
            to: "127.0.0.1", port: address.port, reactor: reactor,
            workers: try WorkerPool(threads: 1), limits: limits,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private static func payload(_ text: String) -> Payload { Payload(Array(text.utf8)) }

    @Test("a unary call brings its response, and many at once use one connection")
    func unary() async throws {
        try await Self.withChannel { server, channel, _ in
            let one = try await channel.call(EchoServer.unary, Self.payload("hello"))
            #expect(one.value == Array("hello".utf8))
            for index in 0..<100 {
                let answer = try await channel.call(EchoServer.unary, Self.payload("\(index)"))
                #expect(answer.value == Array("\(index)".utf8))
            }
            #expect(server.server.openConnections == 1)
            #expect(channel.state == .ready)
        }
    }

    @Test("a status arrives with its message and details, and metadata goes both ways")
    func status() async throws {
        try await Self.withChannel { server, channel, _ in
            server.onUnary = { _, context in
                #expect(context.metadata["x-ask"] == "why")
                throw RPCStatus(.notFound, "nicht da: ü", details: [0x42, 1, 7])
            }
            var options = CallOptions()
            options.metadata.append("x-ask", "why")
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.call(EchoServer.unary, Self.payload("x"), options)
            }
            #expect(status?.code == .notFound)
            #expect(status?.message == "nicht da: ü")
            // The server adds the call's id to what the handler said.
            #expect(status?.details.starts(with: [0x42, 1, 7]) == true)
        }
    }

    @Test("a large message goes and comes, compressed or not", arguments: [false, true])
    func large(compressed: Bool) async throws {
        try await Self.withChannel(server: {
            $0.compressedResponseBytesMin = compressed ? 1000 : nil
        }) {
            server, channel, _ in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            var options = CallOptions()
            options.compressesRequests = compressed
            let answer = try await channel.call(EchoServer.unary, Payload(bytes), options)
            #expect(answer.value == bytes)
        }
    }

    @Test("a response over the limit is refused, and the connection goes on")
    func tooLarge() async throws {
        try await Self.withChannel({ $0.message.messageBytesMax = 1000 }) { server, channel, _ in
            server.onUnary = { request, _ in
                request.value == Array("big".utf8)
                    ? Payload([UInt8](repeating: 1, count: 5000)) : request
            }
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.call(EchoServer.unary, Self.payload("big"))
            }
            #expect(status?.code == .resourceExhausted)
            let small = try await channel.call(EchoServer.unary, Self.payload("x"))
            #expect(small.value.count == 1)
            #expect(server.server.openConnections == 1)
        }
    }

    @Test("server streaming, client streaming and both at once")
    func streams() async throws {
        try await Self.withChannel { _, channel, _ in
            let expanded = try await channel.call(
                EchoServer.expand, Payload([7], repeating: 1000))
            var count = 0
            while let response = try await expanded.next() {
                #expect(response.value == [7])
                count += 1
            }
            #expect(count == 1000)

            let collected = try await channel.call(EchoServer.collect)
            for index in 0..<10 { try await collected.write(Payload([UInt8(index)])) }
            collected.endRequests()
            #expect(try await collected.next()?.value == (0..<10).map { UInt8($0) })
            #expect(try await collected.next() == nil)

            let chat = try await channel.call(EchoServer.chat)
            for round in 0..<1000 {
                try await chat.write(Payload([UInt8(round & 255)]))
                #expect(try await chat.next()?.value == [UInt8(round & 255)])
            }
            chat.endRequests()
            #expect(try await chat.next() == nil)
        }
    }

    @Test("the deadline ends a call on both sides")
    func deadline() async throws {
        try await Self.withChannel { server, channel, reactor in
            server.onUnary = { request, context in
                #expect(context.deadline != nil)
                try await reactor.sleep(for: .seconds(30))
                return request
            }
            let begin = Instant.now()
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.call(
                    EchoServer.unary, Self.payload("x"),
                    CallOptions(timeout: .milliseconds(100)))
            }
            #expect(status?.code == .deadlineExceeded)
            #expect(begin.duration(to: .now()) < .seconds(10))
        }
    }

    @Test("cancelling a stream lets the server know, and so does dropping it")
    func cancel() async throws {
        try await Self.withChannel { server, channel, _ in
            let chat = try await channel.call(EchoServer.chat)
            try await chat.write(Payload([1]))
            _ = try await chat.next()
            chat.cancel()
            let status = await #expect(throws: RPCStatus.self) { try await chat.next() }
            #expect(status?.code == .cancelled)
            try await server.waitFor("chat failed: CancellationError")
            server.events = []
            do {
                let dropped = try await channel.call(EchoServer.chat)
                try await dropped.write(Payload([1]))
                _ = try await dropped.next()
            }
            try await server.waitFor("chat failed: CancellationError")
        }
    }

    @Test("a reader that stalls makes the writer wait, and loses nothing")
    func backPressure() async throws {
        try await Self.withChannel { server, channel, reactor in
            let chunk = [UInt8](repeating: 5, count: 64 * 1024)
            let expanded = try await channel.call(EchoServer.expand, Payload(chunk, repeating: 200))
            _ = try await expanded.next()
            // Windows and queues are full long before all 12.8 MB are written.
            try await server.waitFor("wrote 1")
            for _ in 0..<20 { try await reactor.sleep(for: .milliseconds(5)) }
            #expect(!server.events.contains("wrote 150"))
            var count = 1
            while try await expanded.next() != nil { count += 1 }
            #expect(count == 200)
        }
    }

    @Test("nobody listens: UNAVAILABLE that names address and cause, at once again in the pause")
    func refused() async throws {
        try await onLoop { _, reactor in
            // Held, so that no other test listens there.
            let held = try HeldPort()
            let address = try #require(SocketAddress(host: "127.0.0.1", port: held.number))
            let channel = try Self.channel(to: address, reactor) { $0.backoffBase = .seconds(30) }
            for _ in 0..<2 {
                let status = await #expect(throws: RPCStatus.self) {
                    try await channel.call(EchoServer.unary, Self.payload("x"))
                }
                #expect(status?.code == .unavailable)
                #expect(status?.message.contains("\(address)") == true)
                #expect(status?.message.contains("refused") == true, "\(status?.message ?? "")")
            }
            #expect(channel.state == .failing)
            channel.close()
            withExtendedLifetime(held) {}
        }
    }

    @Test("a call that waits for ready is made once the server is there")
    func waitsForReady() async throws {
        try await onLoop { _, reactor in
            let first = try EchoServer(reactor)
            await first.server.drain(grace: .zero)
            let held = try HeldPort(isShared: true)
            let address = try #require(SocketAddress(host: "127.0.0.1", port: held.number))
            let channel = try Self.channel(to: address, reactor)
            var second: GRPCServer?
            reactor.schedule(after: .milliseconds(200)) {
                let server = GRPCServer(
                    reactor: reactor, router: first.router,
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
                _ = try? server.listen(on: address)
                second = server
            }
            let answer = try await channel.call(
                EchoServer.unary, Self.payload("late"),
                CallOptions(timeout: .seconds(20), waitsForReady: true))
            #expect(answer.value == Array("late".utf8))
            channel.close()
            await second?.drain(grace: .zero)
            withExtendedLifetime(held) {}
        }
    }

    @Test("a server that drains is left: running calls end, the next gets a new connection")
    func drains() async throws {
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor)
            let channel = try Self.channel(to: server.address, reactor)
            let chat = try await channel.call(EchoServer.chat)
            try await chat.write(Payload([1]))
            _ = try await chat.next()
            let address = server.address
            let next = GRPCServer(
                reactor: reactor, router: server.router,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            reactor.schedule(after: .zero) {
                let bound = LoopBound(server, loop: reactor.loop)
                reactor.loop.execute { loop, _ in
                    Task.immediate(executorPreference: loop.executor) {
                        _ = loop
                        await bound.use { $0 }.server.drain(grace: .seconds(20))
                        bound.use { $0 }.events.append("drained")
                    }
                }
            }
            while channel.state == .ready { try await reactor.sleep(for: .milliseconds(2)) }
            try await chat.write(Payload([2]))
            #expect(try await chat.next()?.value == [2])
            _ = try next.listen(on: address)
            let answer = try await channel.call(EchoServer.unary, Self.payload("x"))
            #expect(answer.value.count == 1)
            #expect(next.openConnections == 1)
            chat.endRequests()
            #expect(try await chat.next() == nil)
            try await server.waitFor("drained")
            channel.close()
            await next.drain(grace: .zero)
        }
    }

    @Test("more calls than the server takes at once wait for room")
    func streamLimit() async throws {
        try await Self.withChannel(server: { $0.connection.concurrentStreamsMax = 2 }) {
            server, channel, _ in
            let first = try await channel.call(EchoServer.chat)
            let second = try await channel.call(EchoServer.chat)
            for call in [first, second] {
                try await call.write(Payload([1]))
                _ = try await call.next()
            }
            let late = await #expect(throws: RPCStatus.self) {
                try await channel.call(
                    EchoServer.unary, Self.payload("x"), CallOptions(timeout: .milliseconds(80)))
            }
            #expect(late?.code == .deadlineExceeded)
            first.cancel()
            let answer = try await channel.call(EchoServer.unary, Self.payload("x"))
            #expect(answer.value.count == 1)
            second.cancel()
        }
    }

    @Test("ten thousand messages each way leave nothing behind")
    func long() async throws {
        try await Self.withChannel { _, channel, _ in
            let chat = try await channel.call(EchoServer.chat)
            for _ in 0..<10_000 {
                try await chat.write(Payload([1, 2, 3]))
                _ = try await chat.next()
            }
            #expect(channel.current?.openStreams == 1)
            #expect(channel.waiting.isEmpty)
            chat.endRequests()
            #expect(try await chat.next() == nil)
        }
    }
}
