import EventLoops
import Testing

@testable import HTTP2

/// Much of what is harmless once, from a peer that reads the answers.
@Suite struct FloodTests {
    /// What makes us reset a stream, each on a stream of its own.
    enum Provocation: CaseIterable {
        case windowTooLarge
        case secondHeaderSection
        case malformedRequest
        case bodyTooLong
        case headersFarTooLarge
        case dataAfterReset

        func bytes(_ id: Int32) -> [UInt8] {
            switch self {
            case .windowTooLarge:
                Frames.request(id, flags: 4)
                    + Frames.frame(FrameType.windowUpdate, 0, id, Frames.number(0x7FFF_FFFF))
            case .secondHeaderSection:
                Frames.request(id, flags: 4)
                    + Frames.frame(FrameType.headers, 4, id, Frames.field("a", "b"))
            case .malformedRequest:
                Frames.frame(FrameType.headers, 5, id, [0x83, 0x86])
            case .bodyTooLong:
                Frames.request(id, flags: 4, [("content-length", "1")])
                    + Frames.frame(FrameType.data, 1, id, [1, 2])
            case .headersFarTooLarge:
                Frames.request(id, flags: 4, [("a", String(repeating: "v", count: 9000))])
            case .dataAfterReset:
                Frames.request(id, flags: 4) + Frames.reset(id, 8)
                    + Frames.frame(FrameType.data, 0, id, [1])
            }
        }
    }

    @Test(
        "a peer that makes us reset stream after stream loses the connection, by ownResets",
        arguments: Provocation.allCases)
    func madeYouReset(_ provocation: Provocation) async throws {
        try await withServer(
            answers: false,
            {
                $0.ownResets = .init(burst: 10, perSecond: 0)
                $0.headerListBytesMax = 2000
            }
        ) { server, client in
            var resets = 0
            // One after the other: not even two streams are ever open.
            for index in 0..<40 {
                let id = Int32(index * 2 + 1)
                try await client.send(provocation.bytes(id))
                var frame = try await client.next()
                while let found = frame, found.type != FrameType.goAway,
                    found.type != FrameType.reset
                {
                    frame = try await client.next()
                }
                guard frame?.type == FrameType.reset else {
                    #expect(frame?.code == ErrorCode.enhanceYourCalm.rawValue)
                    #expect(frame?.text == "too_many_stream_errors")
                    break
                }
                #expect(frame?.streamID == id)
                resets += 1
            }
            #expect((10...11).contains(resets))
            #expect(try await client.isClosed())
        }
    }

    /// What carries nothing forward.
    enum IdleFrame: CaseIterable {
        case settings
        case priority
        case unknown
        case goAway
        case pingAcknowledgement
        case windowUpdate
        case windowUpdateOnClosed
        case emptyData
        case emptyDataOnClosed
        case dataAfterReset

        /// Closed streams are 1, which we ended, and 3, which the peer reset; 5 is open.
        var bytes: [UInt8] {
            switch self {
            case .settings: Frames.settings()
            case .priority: Frames.frame(FrameType.priority, 0, 5, [0, 0, 0, 0, 1])
            case .unknown: Frames.frame(0x42, 0, 0, [1, 2])
            case .goAway: Frames.frame(FrameType.goAway, 0, 0, Frames.number(0) + Frames.number(0))
            case .pingAcknowledgement:
                Frames.frame(FrameType.ping, 1, 0, Frames.number(0) + [0, 0, 0, 0])
            case .windowUpdate: Frames.frame(FrameType.windowUpdate, 0, 5, Frames.number(1))
            case .windowUpdateOnClosed:
                Frames.frame(FrameType.windowUpdate, 0, 1, Frames.number(1))
            case .emptyData: Frames.frame(FrameType.data, 0, 5, [])
            case .emptyDataOnClosed: Frames.frame(FrameType.data, 0, 1, [])
            case .dataAfterReset: Frames.frame(FrameType.data, 0, 3, [1])
            }
        }
    }

    @Test(
        "frames that carry nothing forward are counted, on closed streams too",
        arguments: IdleFrame.allCases)
    func idle(_ kind: IdleFrame) async throws {
        try await withServer(
            answers: false, { $0.idleFrames = .init(burst: 100, perSecond: 0) }
        ) { server, client in
            try await client.send(Frames.request(1, flags: 4))
            try await server.firstStream().respond([":status": "404"], isEnd: true)
            #expect(try await client.next(FrameType.reset)?.code == 0)
            try await client.send(Frames.request(3, flags: 4) + Frames.reset(3, 8))
            try await client.send(Frames.request(5, flags: 4))
            // With those of the greeting still below the limit.
            for _ in 0..<90 { try await client.send(kind.bytes) }
            try await client.send(Frames.ping())
            var answer = try await client.next(FrameType.ping)
            #expect(answer?.flags == 1)
            for _ in 0..<30 { try await client.send(kind.bytes) }
            answer = try await client.next(FrameType.goAway)
            #expect(answer?.code == ErrorCode.enhanceYourCalm.rawValue)
            #expect(answer?.text == "too_many_idle_frames")
            #expect(try await client.isClosed())
        }
    }

    @Test("frames on a stream that the peer has reset are answered by one reset, however many come")
    func afterReset() async throws {
        try await withServer(answers: false) { server, client in
            var bytes = Frames.request(1, flags: 4) + Frames.reset(1, 8)
            for _ in 0..<100 { bytes += Frames.frame(FrameType.data, 0, 1, [1]) }
            try await client.send(bytes + Frames.trailers(1))
            let reset = try await client.next(FrameType.reset)
            #expect(reset?.streamID == 1)
            #expect(reset?.code == ErrorCode.streamClosed.rawValue)
            // Nothing more was queued. An answer to a PING may overtake a reset, two cannot.
            for _ in 0..<2 {
                try await client.send(Frames.ping())
                #expect(try await client.next()?.type == FrameType.ping)
            }
        }
    }
}
