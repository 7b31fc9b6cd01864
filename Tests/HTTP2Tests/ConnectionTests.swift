import EventLoops
import TestSupport
import Testing

@testable import HTTP2

@Suite struct ConnectionTests {
    @Test("sends its SETTINGS first and acknowledges the peer's")
    func settings() async throws {
        try await withServer { server, client in
            try await client.send([])
            let first = try await client.next()
            #expect(first?.type == FrameType.settings)
            #expect(first?.flags == 0)
            var acknowledgement = try await client.next(FrameType.settings)
            if acknowledgement?.flags != 1 {
                acknowledgement = try await client.next(FrameType.settings)
            }
            #expect(acknowledgement?.flags == 1)
        }
    }

    @Test("answers a request with its body")
    func answers() async throws {
        try await withServer { server, client in
            try await client.send(
                Frames.request(1, flags: 4) + Frames.frame(FrameType.data, 1, 1, [1, 2, 3]))
            let headers = try await client.next(FrameType.headers)
            #expect(headers?.payload.first == 0x88)
            let data = try await client.next(FrameType.data)
            #expect(data?.payload == [1, 2, 3])
            #expect(data?.flags == 1)
        }
    }

    @Test("closes when the peer does not begin with the preface")
    func badPreface() async throws {
        try await withServer(greets: false) { server, client in
            try await client.send(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            #expect(try await client.isClosed())
            #expect(server.closedConnections == 1)
        }
    }

    @Test("closes when the preface does not come in time, however slowly it dribbles")
    func slowPreface() async throws {
        try await withServer(greets: false, { $0.prefaceTimeMax = .milliseconds(200) }) {
            server, client in
            for byte in Frames.preface.prefix(10) {
                try await client.send([byte])
                try await server.reactor.sleep(for: .milliseconds(10))
            }
            #expect(try await client.isClosed())
        }
    }

    @Test("stays open past the preface's time once SETTINGS arrived")
    func prefaceInTime() async throws {
        try await withServer({ $0.prefaceTimeMax = .seconds(2) }) { server, client in
            try await client.send([])
            #expect(try await !client.isClosed(within: .seconds(3)))
        }
    }

    @Test("answers a ping")
    func ping() async throws {
        try await withServer { _, client in
            try await client.send(Frames.ping())
            let answer = try await client.next(FrameType.ping)
            #expect(answer?.flags == 1)
            #expect(answer?.payload == Array(repeating: 7, count: 8))
        }
    }

    @Test("a ping flood ends in GOAWAY ENHANCE_YOUR_CALM that names the reason")
    func pingFlood() async throws {
        try await withServer { server, client in
            for _ in 0..<20 { try await client.send(Frames.ping()) }
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(goodbye?.text == "too_many_pings")
            #expect(try await client.isClosed())
        }
    }

    @Test("pings between answers are no flood")
    func pingsBetweenAnswers() async throws {
        try await withServer { server, client in
            for index in 0..<40 {
                try await client.send(Frames.ping() + Frames.request(Int32(index * 2 + 1)))
                #expect(try await client.next(FrameType.headers) != nil)
            }
        }
    }

    @Test("streams that the peer opens and resets too fast end the connection")
    func rapidReset() async throws {
        try await withServer({ $0.peerResets = .init(burst: 20, perSecond: 1) }) {
            server, client in
            var bytes: [UInt8] = []
            for index in 0..<60 {
                let id = Int32(index * 2 + 1)
                bytes += Frames.request(id, flags: 4) + Frames.reset(id, 8)
            }
            try await client.send(bytes)
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(goodbye?.text == "too_many_resets")
            #expect(try await client.isClosed())
            #expect(server.streams.filter { !$0.isClosed }.isEmpty)
        }
    }

    @Test("SETTINGS without end are too many")
    func settingsFlood() async throws {
        try await withServer({ $0.idleFrames = .init(burst: 100, perSecond: 1) }) {
            server, client in
            for _ in 0..<20 {
                try await client.send((0..<20).flatMap { _ in Frames.settings() })
            }
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(try await client.isClosed())
        }
    }

    @Test("CONTINUATION frames without end close the connection")
    func continuationFlood() async throws {
        try await withServer { server, client in
            var bytes = Frames.request(1, flags: 1)
            for _ in 0..<100 {
                bytes += Frames.frame(FrameType.continuation, 0, 1, Frames.field("a", "b"))
            }
            try await client.send(bytes)
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(try await client.isClosed())
            #expect(server.streams.isEmpty)
        }
    }

    @Test("a header section over the limit is marked, and reset when far over it")
    func largeHeaders() async throws {
        try await withServer({ $0.headerListBytesMax = 1000 }) { server, client in
            let value = String(repeating: "v", count: 900)
            try await client.send(Frames.request(1, [("a", value), ("b", value)]))
            #expect(try await client.next(FrameType.headers)?.streamID == 1)
            #expect(server.streams.map(\.isHeaderListTooLarge) == [true])
            #expect(server.streams.allSatisfy { $0.headers.listBytes <= 1000 } == true)

            try await client.send(
                Frames.request(3, (0..<5).map { ("a\($0)", value) }) + Frames.request(5))
            #expect(try await client.next(FrameType.reset)?.streamID == 3)
            #expect(try await client.next(FrameType.headers)?.streamID == 5)
            #expect(server.streams.count == 2)
        }
    }

    @Test("a stream beyond the concurrency limit is refused and the others go on")
    func concurrency() async throws {
        try await withServer(answers: false, { $0.concurrentStreamsMax = 2 }) { server, client in
            // Not acknowledged yet, so that it is the stream's fault and not the connection's.
            try await client.send(Frames.request(1) + Frames.request(3) + Frames.request(5))
            let reset = try await client.next(FrameType.reset)
            #expect(reset?.streamID == 5)
            #expect(reset?.code == ErrorCode.refusedStream.rawValue)
            #expect(server.connections.first?.openStreams == 2)
        }
    }

    @Test("a stream id lower than one seen is a connection error")
    func lowerID() async throws {
        try await withServer { _, client in
            try await client.send(Frames.request(5) + Frames.request(3))
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.protocolError.rawValue)
            #expect(try await client.isClosed())
        }
    }

    @Test("trailers on a stream that we have just closed are no error of the connection")
    func lateTrailers() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send(Frames.request(1, flags: 4))
            try await server.firstStream().respond([":status": "404"], isEnd: true)
            #expect(try await client.next(FrameType.reset)?.code == 0)
            try await client.send(Frames.trailers(1) + Frames.request(3) + Frames.ping())
            #expect(try await client.next()?.type == FrameType.ping)
            #expect(server.streams.count == 2)
        }
    }

    @Test("a second end of a stream that we have closed is an error of the connection")
    func endsTwice() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send(Frames.request(1, flags: 4))
            try await server.firstStream().respond([":status": "404"], isEnd: true)
            #expect(try await client.next(FrameType.reset)?.code == 0)
            try await client.send(Frames.trailers(1) + Frames.trailers(1))
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.streamClosed.rawValue)
        }
    }

    @Test("an answer before the request's end is followed by RST_STREAM NO_ERROR")
    func earlyEnd() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send(Frames.request(1, flags: 4))
            try await server.firstStream().respond([":status": "404"], isEnd: true)
            let answer = try await client.next(FrameType.headers)
            #expect(answer?.flags == 5)
            let reset = try await client.next()
            #expect(reset?.type == FrameType.reset)
            #expect(reset?.code == 0)
        }
    }

    @Test("draining lets an open stream finish and then closes")
    func drain() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send(Frames.request(1))
            let stream = try await server.firstStream()
            server.connections.first?.drain()
            let ping = try await client.next(FrameType.ping)
            let notice = try await client.next(FrameType.goAway)
            #expect(notice?.payload.prefix(4).elementsEqual([0x7F, 255, 255, 255]) == true)
            try await client.send(
                Frames.frame(FrameType.ping, 1, 0, ping?.payload ?? []))
            let last = try await client.next(FrameType.goAway)
            #expect(last?.payload.prefix(4).elementsEqual([0, 0, 0, 1]) == true)
            #expect(last?.code == 0)
            stream.respond([":status": "200"], isEnd: true)
            #expect(try await client.next(FrameType.headers)?.streamID == 1)
            #expect(try await client.isClosed())
        }
    }

    @Test(
        "the answer to a keepalive PING does not cut a drain short: streams are taken until its own"
    )
    func drainAmidKeepalive() async throws {
        try await withServer(
            answers: false,
            {
                $0.keepaliveTime = .milliseconds(20)
                // However slow this machine is, the drain waits for its PING's acknowledgement.
                $0.drainAckTimeMax = .seconds(60)
            }
        ) { server, client in
            try await client.send(Frames.request(1))
            _ = try await server.firstStream()
            let keepalive = try #require(try await client.next(FrameType.ping))
            server.connections.first?.drain()
            var drain = try #require(try await client.next(FrameType.ping))
            // A second one of a connection that was quiet before the request came.
            if drain.payload == keepalive.payload {
                drain = try #require(try await client.next(FrameType.ping))
            }
            #expect(drain.payload != keepalive.payload)
            try await client.send(
                Frames.frame(FrameType.ping, 1, 0, keepalive.payload) + Frames.request(3))
            try await server.until { server.streams.count == 2 }
            try await client.send(Frames.frame(FrameType.ping, 1, 0, drain.payload))
            var last = try await client.next(FrameType.goAway)
            if last?.payload.first == 0x7F { last = try await client.next(FrameType.goAway) }
            #expect(last?.payload.prefix(4).elementsEqual([0, 0, 0, 3]) == true)
        }
    }

    @Test("a connection that is over is let go, whatever timers it had")
    func letGo() async throws {
        try await onLoop { _, reactor in
            var limits = ConnectionLimits()
            limits.connectionAgeMax = .seconds(600)
            let server = try AnsweringServer(reactor, limits)
            defer { server.close() }
            weak var connection: Connection?
            do {
                let client = try RawClient(server.address, reactor)
                try await client.send(Frames.request(1))
                _ = try await server.firstStream()
                connection = server.connections.first
                #expect(connection != nil)
                server.connections = []
                server.streams = []
            }
            try await server.until { connection == nil }
        }
    }

    @Test("streams end when the peer goes away, each observer told once")
    func lostConnection() async throws {
        try await onLoop { _, reactor in
            let server = try AnsweringServer(reactor)
            server.answers = false
            defer { server.close() }
            do {
                let client = try RawClient(server.address, reactor)
                try await client.send(Frames.request(1) + Frames.request(3))
                try await server.until { server.streams.count == 2 }
            }
            try await server.until { server.closedConnections > 0 }
            #expect(server.closedConnections == 1)
            #expect(server.closedCodes.count == 2)
        }
    }

    @Test("a peer that takes nothing of a long answer is given up")
    func writeStall() async throws {
        try await withServer(
            answers: false,
            {
                $0.writeStallTimeMax = .milliseconds(100)
                $0.queuedBytesPerStreamMax = 64 * 1024 * 1024
            }
        ) { server, client in
            // All the window there is, so that only the socket holds the answer up.
            try await client.send(
                Frames.frame(FrameType.windowUpdate, 0, 0, Frames.number(0x7FFF_0000))
                    + Frames.settings([(4, 0x7FFF_FFFF)]) + Frames.request(1))
            let stream = try await server.firstStream()
            stream.respond([":status": "200"], isEnd: false)
            stream.write([UInt8](repeating: 1, count: 32 * 1024 * 1024).span)
            try await server.until { server.closedConnections == 1 }
        }
    }

    @Test("each header section has its own time, also the second one of a stream")
    func sectionsApart() async throws {
        // Each pause lies well within a section's time, also on a machine that stands still for a
        // moment; both together do not.
        try await withServer(answers: false, { $0.headersTimeMax = .seconds(8) }) {
            server, client in
            // Flags 0: neither the section nor the stream ends.
            try await client.send(Frames.request(1, flags: 0))
            try await server.reactor.sleep(for: .milliseconds(4500))
            try await client.send(
                Frames.frame(FrameType.continuation, 4, 1, Frames.field("a", "b"))
                    + Frames.frame(FrameType.headers, 1, 1, Frames.field("c", "d")))
            let stream = try await server.firstStream()
            // Past the first section's time, not past the second's.
            try await server.reactor.sleep(for: .milliseconds(4500))
            try await client.send(
                Frames.frame(FrameType.continuation, 4, 1, []) + Frames.ping())
            #expect(try await client.next(FrameType.ping)?.flags == 1)
            #expect(stream.isRemoteEnded)
            #expect(!stream.isClosed)
        }
    }

    @Test("a section that never ends is too slow after its own time, whatever came before it")
    func secondSectionStops() async throws {
        // The first section must not be too slow as well.
        try await withServer(answers: false, { $0.headersTimeMax = .seconds(5) }) {
            server, client in
            try await client.send(Frames.request(1, flags: 0))
            try await server.until { server.connections.first?.session.recorder.current != nil }
            try await client.send(Frames.frame(FrameType.continuation, 4, 1, []))
            _ = try await server.firstStream()
            try await client.send(Frames.frame(FrameType.headers, 1, 1, Frames.field("c", "d")))
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(goodbye?.text == "headers_too_slow")
        }
    }

    @Test("a response that cannot be submitted ends its stream instead of leaving the peer to wait")
    func unsubmittable() async throws {
        try await onLoop { _, reactor in
            let server = try AnsweringServer(reactor)
            server.answers = false
            defer { server.close() }
            let client = try Connection(
                over: try SocketStream.connecting(to: server.address), role: .client,
                peer: server.address, limits: ConnectionLimits(), reactor: reactor,
                buffers: LoopBuffers(), delegate: nil)
            try client.start()
            var headers = HeaderBlock()
            headers.append(":method", "POST")
            headers.append(":scheme", "http")
            headers.append(":path", "/")
            headers.append(":authority", "a")
            let stream = try client.request(headers, isEnd: false, observer: nil)
            _ = try await server.firstStream()
            // nghttp2 takes no response from a client.
            client.session.submitResponse(stream, headers, isEnd: true)
            try await server.until { !server.closedCodes.isEmpty }
            #expect(server.closedCodes == [.internalError])
            client.abandon()
        }
    }

    @Test("the window is given back only as the body is taken")
    func windows() async throws {
        try await withServer(answers: false, { $0.streamWindowBytes = 40_000 }) { server, client in
            try await client.send(
                Frames.frame(FrameType.settings, 1, 0, []) + Frames.request(1, flags: 4))
            for _ in 0..<3 {
                try await client.send(
                    Frames.frame(FrameType.data, 0, 1, [UInt8](repeating: 5, count: 10_000)))
            }
            let stream = try await server.firstStream()
            try await server.until { stream.received.count == 30_000 }
            // Drop what came so far: SETTINGS, and the connection's window.
            try await server.reactor.sleep(for: .milliseconds(20))
            while let frame = try await client.next(),
                frame.type != FrameType.settings
                    || frame.flags != 1
            {}
            stream.take(30_000)
            let update = try await client.next(FrameType.windowUpdate)
            #expect(update?.streamID == 1)
            #expect(update.map { $0.payload == Frames.number(30_000) } == true)
        }
    }
}
