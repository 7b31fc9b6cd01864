import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Calls of each kind against our own server.
@Suite struct ChannelTests {
    @Test("a unary call brings its response, and the next one uses the same connection")
    func unary() async throws {
        try await withChannel { server, channel in
            #expect(channel.state == .idle)
            for index in 0..<50 {
                let response = try await channel.call(EchoServer.unary, Payload([UInt8(index)]))
                #expect(response.value == [UInt8(index)])
            }
            #expect(channel.state == .ready)
            #expect(channel.connectionsMade == 1)
            #expect(channel.runningCalls == 0)
            #expect(server.server.openConnections == 1)
        }
    }

    @Test("metadata goes both ways: text, bytes, before and after the response")
    func metadata() async throws {
        try await withChannel { server, channel in
            server.onUnary = { request, context in
                context.initialMetadata.append("before", context.metadata["authorization"] ?? "")
                context.trailingMetadata.append(
                    "after-bin", binary: try context.metadata.binaryValues("some-bin")[0])
                return request
            }
            var options = CallOptions(metadata: Metadata(["authorization": "Bearer abc"]))
            options.metadata.append("some-bin", binary: [0, 255, 7])
            let response = try await channel.exchange(
                EchoServer.unary, Payload([1]), options)
            #expect(response.message.value == [1])
            #expect(response.initialMetadata["before"] == "Bearer abc")
            #expect(try response.trailingMetadata.binaryValues("after-bin") == [[0, 255, 7]])
        }
    }

    @Test("a status comes with its message, whatever its characters, and with its details")
    func failure() async throws {
        try await withChannel { server, channel in
            server.onUnary = { _, _ in
                throw RPCStatus(.failedPrecondition, "größer 50 %\n→ nein", details: [10, 2, 8, 9])
            }
            let failure = await status {
                _ = try await channel.call(EchoServer.unary, Payload([1]))
            }
            #expect(failure?.code == .failedPrecondition)
            #expect(failure?.message == "größer 50 %\n→ nein")
            // The server adds the call's id.
            #expect(failure?.details.isEmpty == false)
        }
    }

    @Test("server streaming gives every response in order, then the end")
    func serverStreaming() async throws {
        try await withChannel { _, channel in
            let responses = try await channel.call(
                EchoServer.expand, Payload([7], repeating: 500))
            var count = 0
            while let response = try await responses.next() {
                #expect(response.value == [7])
                count += 1
            }
            #expect(count == 500)
            #expect(try await responses.next() == nil)
            let none = try await channel.call(EchoServer.expand, Payload([7]))
            #expect(try await none.next() == nil)
        }
    }

    @Test("client streaming sends every request, and brings the one response")
    func clientStreaming() async throws {
        try await withChannel { _, channel in
            let call = try await channel.call(EchoServer.collect)
            for index in 0..<200 { try await call.write(Payload([UInt8(index)])) }
            call.endRequests()
            #expect(try await call.next()?.value == (0..<200).map { UInt8($0) })
            #expect(try await call.next() == nil)
            let empty = try await channel.call(EchoServer.collect)
            empty.endRequests()
            #expect(try await empty.next()?.value == [])
        }
    }

    @Test("a bidirectional call is answered while it goes on, and ends when both have")
    func bidirectional() async throws {
        try await withChannel { server, channel in
            let call = try await channel.call(EchoServer.chat)
            for index in 0..<100 {
                try await call.write(Payload([UInt8(index)]))
                #expect(try await call.next()?.value == [UInt8(index)])
            }
            call.endRequests()
            #expect(try await call.next() == nil)
            #expect(try await call.next() == nil)
            #expect(server.events == ["chat ended"])
            #expect(channel.runningCalls == 0)
        }
    }

    @Test("messages larger than a stream's window cross in both directions, compressed or not")
    func large() async throws {
        try await withChannel { server, channel in
            let value = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
            server.onUnary = { request, context in
                context.compressesResponses = true
                return request
            }
            for isCompressed in [false, true] {
                var options = CallOptions()
                options.compressesRequests = isCompressed
                let unary = try await channel.call(
                    EchoServer.unary, Payload(value), options)
                let isWhole = unary.value == value
                #expect(isWhole)
                let chat = try await channel.call(EchoServer.chat, options)
                try await chat.write(Payload(value))
                chat.endRequests()
                let isEchoed = try await chat.next()?.value == value
                #expect(isEchoed)
                #expect(try await chat.next() == nil)
            }
        }
    }

    @Test("a hundred calls run at once on one connection, beyond what the server takes at once")
    func crowd() async throws {
        try await withChannel(server: { $0.connection.concurrentStreamsMax = 10 }) {
            server, channel in
            var answered = 0
            for index in 0..<100 {
                server.reactor.begin {
                    let response = try? await channel.call(
                        EchoServer.unary, Payload([UInt8(index)]))
                    if response?.value == [UInt8(index)] { answered += 1 }
                }
            }
            try await server.reactor.until("all answered") { answered == 100 }
            #expect(channel.connectionsMade == 1)
            #expect(channel.waitingCalls == 0)
        }
    }

    @Test("the queue has a limit, and says its name")
    func queueLimit() async throws {
        try await withChannel(
            server: { $0.connection.concurrentStreamsMax = 1 }, { $0.queuedCallsMax = 2 }
        ) { server, channel in
            let first = try await channel.call(EchoServer.chat)
            var answered = 0
            for _ in 0..<2 {
                server.reactor.begin {
                    let call = try? await channel.call(EchoServer.unary, Payload([1]))
                    if call != nil { answered += 1 }
                }
            }
            try await server.reactor.until("two wait") { channel.waitingCalls == 2 }
            let failure = await status {
                _ = try await channel.call(EchoServer.unary, Payload([1]))
            }
            #expect(failure?.code == .resourceExhausted)
            #expect(failure?.message.contains("queuedCallsMax") == true)
            first.cancel()
            try await server.reactor.until("both are answered") { answered == 2 }
        }
    }

    @Test("metadata and messages beyond their limits end the call by the limit's name")
    func sizeLimits() async throws {
        try await withChannel({ options in
            options.message.messageBytesMax = 1000
            options.requestMetadataBytesMax = 2000
        }) { _, channel in
            let metadata = CallOptions(
                metadata: Metadata(["big": String(repeating: "x", count: 2000)]))
            let first = await status {
                _ = try await channel.call(EchoServer.unary, Payload([1]), metadata)
            }
            #expect(first?.code == .resourceExhausted)
            #expect(first?.message.contains("requestMetadataBytesMax") == true)
            let second = await status {
                _ = try await channel.call(
                    EchoServer.unary, Payload([UInt8](repeating: 1, count: 1001)))
            }
            #expect(second?.code == .resourceExhausted)
            #expect(second?.message.contains("messageBytesMax") == true)
            let responses = try await channel.call(
                EchoServer.expand, Payload([UInt8](repeating: 1, count: 900), repeating: 2))
            #expect(try await responses.next() != nil)
        }
    }

    @Test("a response that is too large ends the call, and the connection goes on")
    func responseLimit() async throws {
        try await withChannel({ $0.message.messageBytesMax = 1000 }) { server, channel in
            server.onUnary = { _, _ in Payload([UInt8](repeating: 1, count: 5000)) }
            let failure = await status {
                _ = try await channel.call(EchoServer.unary, Payload([1]))
            }
            #expect(failure?.code == .resourceExhausted)
            server.onUnary = nil
            let small = try await channel.call(EchoServer.unary, Payload([1]))
            #expect(small.value == [1])
            #expect(channel.connectionsMade == 1)
        }
    }

    @Test("a closed channel refuses calls and ends those that run")
    func close() async throws {
        try await withChannel { server, channel in
            let call = try await channel.call(EchoServer.chat)
            try await call.write(Payload([1]))
            #expect(try await call.next()?.value == [1])
            channel.close()
            let end1 = await status { _ = try await call.next() }
            #expect(end1?.code == .unavailable)
            let end2 = await status { _ = try await channel.call(EchoServer.unary, Payload([1])) }
            #expect(end2?.code == .unavailable)
            #expect(channel.state == .closed)
            try await server.reactor.until("closed") { server.server.openConnections == 0 }
        }
    }

    @Test("a channel that drains lets its calls finish and refuses others")
    func drain() async throws {
        try await withChannel { server, channel in
            let call = try await channel.call(EchoServer.chat)
            try await call.write(Payload([1]))
            #expect(try await call.next()?.value == [1])
            var isDrained = false
            server.reactor.begin {
                await channel.drain(grace: .seconds(30))
                isDrained = true
            }
            try await server.reactor.until("refuses") { channel.isRefusing }
            try await call.write(Payload([2]))
            #expect(try await call.next()?.value == [2])
            #expect(!isDrained)
            call.endRequests()
            #expect(try await call.next() == nil)
            try await server.reactor.until("drained") { isDrained }
            #expect(channel.state == .closed)
        }
    }

    @Test("the grace of a drain has an end")
    func drainGrace() async throws {
        try await withChannel { server, channel in
            let call = try await channel.call(EchoServer.chat)
            try await call.write(Payload([1]))
            #expect(try await call.next()?.value == [1])
            await channel.drain(grace: .milliseconds(20))
            let end3 = await status { _ = try await call.next() }
            #expect(end3?.code == .unavailable)
        }
    }
}
