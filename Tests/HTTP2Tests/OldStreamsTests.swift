import EventLoops
import Testing

@testable import HTTP2

/// Streams that were closed, refused or passed over, and clients that go back to them.
@Suite struct OldStreamsTests {
    private static let refusal = "stream id lower than one seen"

    /// Makes requests one after the other, each answered to its end.
    private func answered(_ ids: some Sequence<Int32>, _ client: RawClient) async throws {
        for id in ids {
            try await client.send(Frames.request(id))
            try #require(try await client.next(FrameType.headers)?.streamID == id)
            var last = try await client.next(FrameType.data)
            while let frame = last, frame.flags & 1 == 0 {
                last = try await client.next(FrameType.data)
            }
        }
    }

    private func expectAlive(_ client: RawClient) async throws {
        try await client.send(Frames.ping())
        var frame = try await client.next()
        while let found = frame, found.type != FrameType.ping, found.type != FrameType.goAway {
            frame = try await client.next()
        }
        #expect(frame?.type == FrameType.ping, "\(frame?.text ?? "closed")")
    }

    @Test("ids may be passed over as often as a client likes")
    func manyGaps() async throws {
        try await withServer { _, client in
            try await answered((0..<200).map { 4 * $0 + 1 }, client)
            try await expectAlive(client)
        }
    }

    @Test("HEADERS on an id that was passed over end the connection", arguments: [Int32(51), 399])
    func passedOver(id: Int32) async throws {
        try await withServer { _, client in
            try await answered([1, 101, 201, 401], client)
            try await client.send(Frames.request(id))
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.protocolError.rawValue)
            #expect(goodbye?.text == OldStreamsTests.refusal)
        }
    }

    @Test(
        "HEADERS on a stream that ended long ago end the connection",
        arguments: [Int32(33), 40, 100])
    func longAgo(count: Int32) async throws {
        try await withServer { _, client in
            try await answered((0...count).map { 2 * $0 + 1 }, client)
            try await client.send(Frames.request(1))
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.protocolError.rawValue)
            #expect(goodbye?.text == OldStreamsTests.refusal)
        }
    }

    @Test(
        "DATA on streams that ended long ago or were passed over is counted",
        arguments: [Int32(1), 51])
    func dataLongAgo(id: Int32) async throws {
        try await withServer({ $0.idleFrames = .init(burst: 100, perSecond: 0) }) { _, client in
            try await answered((0...40).map { 4 * $0 + 1 }, client)
            let frame = Frames.frame(FrameType.data, 0, id, [1])
            for _ in 0..<80 { try await client.send(frame) }
            try await expectAlive(client)
            for _ in 0..<30 { try await client.send(frame) }
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(goodbye?.text == "too_many_idle_frames")
        }
    }

    @Test("what was on its way when we ended a stream harms nobody, however many streams they were")
    func cutOff() async throws {
        try await withServer(answers: false) { server, client in
            let ids = (0..<200).map { Int32(2 * $0 + 1) }
            for id in ids { try await client.send(Frames.request(id, flags: 4)) }
            try await server.until { server.streams.count == ids.count }
            for stream in server.streams { stream.respond([":status": "404"], isEnd: true) }
            for _ in ids { #expect(try await client.next(FrameType.reset)?.code == 0) }
            for id in ids {
                let rest = Frames.frame(FrameType.data, 0, id, [1]) + Frames.trailers(id)
                try await client.send(rest)
            }
            try await expectAlive(client)
        }
    }

    @Test("HEADERS without end on a stream that we ended are counted")
    func headersOnCutOff() async throws {
        try await withServer(answers: false, { $0.idleFrames = .init(burst: 100, perSecond: 0) }) {
            server, client in
            try await client.send(Frames.request(1, flags: 4))
            try await server.firstStream().respond([":status": "404"], isEnd: true)
            #expect(try await client.next(FrameType.reset)?.code == 0)
            let frame = Frames.frame(FrameType.headers, 4, 1, Frames.field("a", "b"))
            for _ in 0..<120 { try await client.send(frame) }
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(goodbye?.text == "too_many_idle_frames")
        }
    }

    @Test("what follows a request that was refused harms nobody, until its end")
    func refused() async throws {
        // The client has not acknowledged the limit, so it may not know it.
        try await withServer(answers: false, { $0.concurrentStreamsMax = 1 }) { _, client in
            let rest = [Int32(3), 5].flatMap {
                Frames.frame(FrameType.data, 0, $0, [1]) + Frames.trailers($0)
            }
            try await client.send(
                Frames.request(1, flags: 4) + Frames.request(3, flags: 4)
                    + Frames.request(5, flags: 4) + rest + Frames.request(7))
            for id in [Int32(3), 5, 7] {
                let reset = try await client.next(FrameType.reset)
                #expect(reset?.streamID == id)
                #expect(reset?.code == ErrorCode.refusedStream.rawValue)
            }
            try await client.send(rest)
            try await expectAlive(client)
            try await client.send(Frames.frame(FrameType.data, 0, 7, [1]))
            let goodbye = try await client.next(FrameType.goAway)
            #expect(goodbye?.code == ErrorCode.streamClosed.rawValue)
        }
    }

    @Test("what follows a request that came after the last GOAWAY does not cut the others off")
    func afterGoAway() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send(Frames.request(1))
            let stream = try await server.firstStream()
            try server.connection.drain()
            let mark = SessionRecorder.PingMark.drain.rawValue
            try await client.send(
                Frames.frame(FrameType.ping, 1, 0, [mark, 0, 0, 0, 0, 0, 0, 0]))
            var goodbye = try await client.next(FrameType.goAway)
            while goodbye?.lastStreamID == 0x7FFF_FFFF {
                goodbye = try await client.next(FrameType.goAway)
            }
            #expect(goodbye?.lastStreamID == 1)
            let rest = Frames.frame(FrameType.data, 0, 3, [1]) + Frames.trailers(3)
            try await client.send(Frames.request(3, flags: 4) + rest)
            try await expectAlive(client)
            stream.respond([":status": "200"], isEnd: true)
            #expect(try await client.next(FrameType.headers)?.streamID == 1)
            #expect(try await client.isClosed())
            #expect(server.closedCodes == [.noError])
        }
    }
}
