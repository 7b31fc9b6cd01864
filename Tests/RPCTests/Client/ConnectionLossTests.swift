import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Connections that go away, break, or never were; by raw frames.
@Suite struct ConnectionLossTests {
    /// Runs `body` with a scripted server and a channel to it.
    private func withScript(
        greets: Bool = false,
        _ change: @escaping @Sendable (inout ChannelLimits) -> Void = { _ in },
        _ body: @escaping @Sendable (ScriptedServer, Channel, Reactor) async throws -> Void
    ) async throws {
        try await onLoop { _, reactor in
            let server = try ScriptedServer(reactor, greets: greets)
            let channel = try makeChannel(to: server.address, reactor, change)
            try await body(server, channel, reactor)
            channel.close()
            server.close()
        }
    }

    /// Begins a unary call; what became of it lands in the outcome.
    private final class Outcome {
        var isOver = false
        var status: RPCStatus?
    }

    private func begin(
        _ channel: Channel, _ reactor: Reactor, _ options: CallOptions = CallOptions()
    ) -> Outcome {
        let outcome = Outcome()
        reactor.begin {
            outcome.status = await status {
                _ = try await channel.call(EchoServer.unary, Payload([1]), options)
            }
            outcome.isOver = true
        }
        return outcome
    }

    @Test("GOAWAY: calls above its last stream go to a new connection, those below end on the old")
    func goAway() async throws {
        try await withScript { server, channel, reactor in
            let first = begin(channel, reactor)
            let old = try await server.greeted(0)
            #expect(try await old.next(1).stream == 1)
            let second = begin(channel, reactor)
            #expect(try await old.next(1).stream == 3)
            old.goAway(last: 1)
            let new = try await server.greeted(1)
            let again = try await new.next(1)
            #expect(again.stream == 1)
            #expect(try await new.next(0).payload.count > 5)
            new.answer(1)
            try await reactor.until("the second is answered") { second.isOver }
            #expect(second.status == nil)
            #expect(!first.isOver)
            old.answer(1)
            try await reactor.until("the first is answered") { first.isOver }
            #expect(first.status == nil)
            try await old.ended()
            #expect(channel.connectionsMade == 2)
        }
    }

    @Test("a stream that GOAWAY cut off is made again with all that was written")
    func goAwayForStreams() async throws {
        try await withScript(greets: true) { server, channel, reactor in
            let call = try await channel.call(EchoServer.chat)
            let old = try await server.peer(0)
            try await call.write(Payload([1]))
            try await call.write(Payload([2]))
            _ = try await old.next(0)
            old.goAway(last: 0)
            let new = try await server.peer(1)
            #expect(try await new.next(1).stream == 1)
            let data = try await new.next(0)
            #expect(data.payload.count == 2 * (5 + 3))
            call.endRequests()
            new.answer(1)
            #expect(try await call.next() == Payload())
            #expect(try await call.next() == nil)
        }
    }

    @Test("GOAWAY first with the highest stream id, as servers that drain do, loses nothing")
    func gracefulGoAway() async throws {
        try await withScript { server, channel, reactor in
            let first = begin(channel, reactor)
            let old = try await server.greeted(0)
            _ = try await old.next(1)
            old.goAway(last: .max)
            try await reactor.until("the channel left it") { channel.state != .ready }
            let second = begin(channel, reactor)
            let new = try await server.greeted(1)
            _ = try await new.next(1)
            new.answer(1)
            old.goAway(last: 1)
            old.answer(1)
            try await reactor.until("both are answered") { first.isOver && second.isOver }
            #expect(first.status == nil)
            #expect(second.status == nil)
        }
    }

    @Test("a connection that breaks in the middle of a response says so, with GOAWAY's words")
    func cutInResponse() async throws {
        try await withScript { server, channel, reactor in
            let call = begin(channel, reactor, CallOptions(isRepeatable: true))
            let peer = try await server.greeted(0)
            _ = try await peer.next(1)
            peer.openResponse(1)
            peer.send(type: 0, stream: 1, payload: [0, 0, 0, 0, 9, 1])
            peer.goAway(last: 1, code: 2, text: "on fire")
            try await reactor.until("seen") { channel.current == nil && channel.state == .idle }
            peer.close()
            try await reactor.until("over") { call.isOver }
            #expect(call.status?.code == .unavailable)
            let message = call.status?.message ?? ""
            #expect(message.contains("\(server.address) was lost"), "\(message)")
            #expect(message.contains("INTERNAL_ERROR \"on fire\""), "\(message)")
            #expect(server.peers.count == 1)
        }
    }

    @Test("messages that came before an error status reach the caller before the status")
    func messagesBeforeStatus() async throws {
        try await withScript(greets: true) { server, channel, reactor in
            let call = try await channel.call(EchoServer.chat)
            let peer = try await server.peer(0)
            _ = try await peer.next(1)
            peer.openResponse(1)
            peer.send(type: 0, stream: 1, payload: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            peer.headers(1, isEnd: true, ["grpc-status": "8", "grpc-message": "enough"])
            #expect(try await call.next() == Payload())
            #expect(try await call.next() == Payload())
            let end = await status { _ = try await call.next() }
            #expect(end == RPCStatus(.resourceExhausted, "enough"))
            // The server ended first: it is told that nothing more comes.
            #expect(try await peer.next(3).payload == [0, 0, 0, 0])
        }
    }

    @Test("a read that trailers alone answer with UNAVAILABLE is made again, other calls are not")
    func unavailable() async throws {
        for isRepeatable in [true, false] {
            try await withScript { server, channel, reactor in
                let call = begin(channel, reactor, CallOptions(isRepeatable: isRepeatable))
                let peer = try await server.greeted(0)
                _ = try await peer.next(1)
                peer.headers(
                    1, isEnd: true,
                    [
                        ":status": "200", "content-type": "application/grpc", "grpc-status": "14",
                    ])
                if isRepeatable {
                    #expect(try await peer.next(1).stream == 3)
                    peer.answer(3)
                }
                try await reactor.until("over") { call.isOver }
                #expect(call.status?.code == (isRepeatable ? nil : .unavailable))
            }
        }
    }

    @Test("a server may push nothing: the client says so, and holds it to that")
    func push() async throws {
        try await withScript { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.peer(0)
            let settings = try await peer.next(4)
            let entries = stride(from: 0, to: settings.payload.count, by: 6).map {
                Array(settings.payload[$0..<$0 + 6])
            }
            #expect(entries.contains([0, 2, 0, 0, 0, 0]))
            peer.greet()
            _ = try await peer.next(1)
            peer.send(type: 4, flags: 1)
            // PUSH_PROMISE of stream 2, with the smallest of header sections.
            peer.send(type: 5, flags: 4, stream: 1, payload: [0, 0, 0, 2, 0x82, 0x86, 0x84])
            try await reactor.until("the call is over") { call.isOver }
            #expect(call.status?.code == .unavailable)
            let goodbye = try await peer.next(7)
            #expect(goodbye.payload[4..<8] == [0, 0, 0, 1])
        }
    }

    @Test("a server may ping as often as it likes, but not without end")
    func pinged() async throws {
        try await withScript { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.greeted(0)
            _ = try await peer.next(1)
            let ping = [UInt8](repeating: 7, count: 8)
            for _ in 0..<50 {
                peer.send(type: 6, payload: ping)
                let answer = try await peer.next(6)
                #expect(answer.flags == 1 && answer.payload == ping)
            }
            peer.answer(1)
            try await reactor.until("over") { call.isOver }
            #expect(call.status == nil)
            #expect(channel.state == .ready)
            // As many at a time as a kernel takes, and more than any rate forgives.
            for _ in 0..<20 {
                for _ in 0..<1000 { peer.send(type: 6, payload: ping) }
                try await reactor.sleep(for: .milliseconds(1))
            }
            let goodbye = try await peer.next(7)
            #expect(goodbye.payload[4..<8] == [0, 0, 0, 11])
        }
    }

    @Test("an informational header section is no answer")
    func informational() async throws {
        try await withScript { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.greeted(0)
            _ = try await peer.next(1)
            peer.headers(1, [":status": "103"])
            peer.headers(1, [":status": "100"])
            peer.answer(1)
            try await reactor.until("over") { call.isOver }
            #expect(call.status == nil)
        }
    }

    @Test(
        "what is no HTTP/2 is called that",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail ESMTP\r\n"])
    func otherProtocol(text: String) async throws {
        try await withScript { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.peer(0)
            peer.send(Array(text.utf8))
            try await reactor.until("over") { call.isOver }
            #expect(call.status?.code == .unavailable)
            let message = call.status?.message ?? ""
            #expect(message.contains("cannot connect to \(server.address)"), "\(message)")
            #expect(message.contains("HTTP/2"), "\(message)")
        }
    }

    @Test("a server that closes before it greets is not connected to in a circle")
    func closesAtOnce() async throws {
        try await withScript { server, channel, reactor in
            let options = CallOptions(timeout: .seconds(3), waitsForReady: true)
            let call = begin(channel, reactor, options)
            var closed = 0
            while !call.isOver {
                for peer in server.peers.dropFirst(closed) {
                    peer.close()
                    closed += 1
                }
                try await reactor.sleep(for: .milliseconds(1))
            }
            #expect(call.status?.code == .deadlineExceeded)
            #expect(call.status?.message.contains("cannot connect") == true)
            // 20 ms, 32 ms, 51 ms, 82 ms, then 100 ms apart, a fifth less at worst.
            #expect((2...45).contains(server.peers.count), "\(server.peers.count) connections")
        }
    }

    @Test("a server that takes no streams, and goes away, is not connected to in a circle either")
    func takesNothing() async throws {
        try await withScript { server, channel, reactor in
            let options = CallOptions(timeout: .seconds(3), waitsForReady: true)
            let call = begin(channel, reactor, options)
            var index = 0
            while !call.isOver {
                if server.peers.count > index {
                    // SETTINGS_MAX_CONCURRENT_STREAMS 0.
                    let peer = try await server.greeted(index, [(3, 0)])
                    try await reactor.sleep(for: .milliseconds(2))
                    peer.goAway(last: 0)
                    index += 1
                }
                try await reactor.sleep(for: .milliseconds(1))
            }
            #expect(call.status?.code == .deadlineExceeded)
            #expect((2...45).contains(server.peers.count), "\(server.peers.count) connections")
        }
    }

    @Test("a name with several addresses is tried at each, and one without any says so")
    func names() async throws {
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor)
            // `localhost` is ::1 first on many machines, where nobody listens.
            let channel = try makeChannel(to: server.address, host: "localhost", reactor)
            let response = try await channel.call(EchoServer.unary, Payload([1]))
            #expect(response.value == [1])
            channel.close()
            let lost = try makeChannel(to: server.address, host: "no such name", reactor)
            let end = await status { _ = try await lost.call(EchoServer.unary, Payload([1])) }
            #expect(end?.code == .unavailable)
            #expect(end?.message.contains("cannot resolve no such name") == true)
            lost.close()
            await server.server.drain(grace: .zero)
        }
    }

    @Test("keepalive asks only while calls run, and any byte is an answer")
    func keepalive() async throws {
        try await withScript({
            $0.keepaliveTime = .milliseconds(30)
            $0.keepaliveTimeout = .seconds(5)
        }) { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.greeted(0)
            _ = try await peer.next(1)
            for _ in 0..<2 {
                let ping = try await peer.next(6)
                peer.send(type: 6, flags: 1, payload: ping.payload)
            }
            // A window instead of the acknowledgement is a sign of life too.
            _ = try await peer.next(6)
            peer.send(type: 8, payload: [0, 0, 0, 1])
            _ = try await peer.next(6)
            peer.answer(1)
            try await reactor.until("answered") { call.isOver }
            #expect(call.status == nil)
            // One PING may have been due when the call ended; without a call there is no other. It is
            // sent at the end of a turn, and read in a later one.
            for _ in 0..<10 { try await reactor.sleep(for: .milliseconds(10)) }
            let pings = peer.pings()
            try await reactor.sleep(for: .milliseconds(200))
            #expect(peer.pings() == pings)
            #expect(channel.state == .ready)
            let second = begin(channel, reactor)
            #expect(try await peer.next(1).stream == 3)
            try await reactor.until("given up") { second.isOver }
            #expect(second.status?.code == .unavailable)
            #expect(second.status?.message.contains("keepalive") == true)
        }
    }

    @Test("a connection that retires is asked for signs of life too")
    func keepaliveOfRetired() async throws {
        try await withScript({
            $0.keepaliveTime = .milliseconds(30)
            $0.keepaliveTimeout = .milliseconds(50)
        }) { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.greeted(0)
            _ = try await peer.next(1)
            peer.goAway(last: 1)
            try await reactor.until("given up") { call.isOver }
            #expect(call.status?.message.contains("keepalive") == true)
            try await peer.ended()
        }
    }

    @Test("a server that finds PINGs too many gets half as many")
    func tooManyPings() async throws {
        try await withScript({ $0.keepaliveTime = .seconds(10) }) { server, channel, reactor in
            let call = begin(channel, reactor)
            let peer = try await server.greeted(0)
            _ = try await peer.next(1)
            peer.goAway(last: 1, code: 11, text: "too_many_pings")
            peer.answer(1)
            try await reactor.until("answered") { call.isOver }
            #expect(call.status == nil)
            #expect(channel.keepalive?.time == .seconds(20))
        }
    }

    @Test("a thousand cancelled calls leave their channel in order")
    func manyCancels() async throws {
        try await withChannel { server, channel in
            for _ in 0..<1000 {
                let call = try await channel.call(EchoServer.chat)
                call.cancel()
            }
            let response = try await channel.call(EchoServer.unary, Payload([1]))
            #expect(response.value == [1])
            #expect(channel.runningCalls == 0)
            #expect(channel.current?.openStreams == 0)
        }
    }
}
