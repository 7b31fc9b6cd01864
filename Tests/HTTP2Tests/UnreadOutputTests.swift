import EventLoops
import Testing

@testable import HTTP2

/// Peers that make us queue frames and read none: what waits for them has a limit.
@Suite struct UnreadOutputTests {
    /// A server whose output is held up from after its greeting on.
    private func withUnreadServer(
        answers: Bool = false,
        _ change: @escaping @Sendable (inout ConnectionLimits) -> Void,
        _ body: @escaping @Sendable (AnsweringServer, RawClient) async throws -> Void
    ) async throws {
        try await withServer(
            answers: answers,
            {
                // None of what is counted by time may be what ends the connection.
                let enough = ConnectionLimits.Rate(burst: 1_000_000, perSecond: 0)
                $0.ownResets = enough
                $0.peerResets = enough
                $0.idleFrames = enough
                $0.pingStrikesMax = 1_000_000
                $0.lingerTimeMax = .seconds(20)
                change(&$0)
            }
        ) { server, client in
            try await client.send([])
            #expect(try await client.next(FrameType.settings) != nil)
            #expect(try await client.next(FrameType.settings) != nil)
            let connection = try server.connection
            server.gate.close()
            connection.ping()
            // It is written, in vain, and nothing is written after it.
            try await server.until { connection.session.queuedFrames == 0 }
            try await body(server, client)
        }
    }

    /// Lets out what waits, and expects our last words in it.
    private func expectGoodbye(
        _ server: AnsweringServer, _ client: RawClient, reason: String
    ) async throws {
        server.gate.open()
        try server.connection.ping()
        let goodbye = try await client.next(FrameType.goAway)
        #expect(goodbye?.code == ErrorCode.enhanceYourCalm.rawValue)
        #expect(goodbye?.text == reason)
        #expect(try await client.isClosed())
    }

    private static let queuedFramesMax = 50

    @Test(
        "streams that are refused, and resets that nobody reads, are no more than queuedFramesMax")
    func refusals() async throws {
        try await withUnreadServer({
            $0.concurrentStreamsMax = 2
            $0.queuedFramesMax = UnreadOutputTests.queuedFramesMax
        }) { server, client in
            let connection = try server.connection
            try await client.send(Frames.request(1, flags: 4) + Frames.request(3, flags: 4))
            try await server.until { server.streams.count == 2 }
            var id: Int32 = 5
            for _ in 0..<20 where connection.failure == nil {
                let queued = connection.session.queuedFrames
                var bytes: [UInt8] = []
                for _ in 0..<10 {
                    bytes += Frames.request(id)
                    id += 2
                }
                try await client.send(bytes)
                try await server.until {
                    connection.session.queuedFrames >= queued + 10 || connection.failure != nil
                }
            }
            #expect(connection.failure?.description == "too_many_queued_frames")
            #expect(connection.session.queuedFrames <= UnreadOutputTests.queuedFramesMax + 12)
            try await expectGoodbye(server, client, reason: "too_many_queued_frames")
        }
    }

    @Test("answers to streams that the peer then resets are no more than queuedFramesMax")
    func answersToReset() async throws {
        try await withUnreadServer(
            answers: true, { $0.queuedFramesMax = UnreadOutputTests.queuedFramesMax }
        ) { server, client in
            let connection = try server.connection
            for index in 0..<100 where connection.failure == nil {
                let id = Int32(index * 2 + 1)
                try await client.send(Frames.request(id))
                try await server.until {
                    server.streams.last?.hasBegunResponse == true
                        && server.streams.last?.id == id || connection.failure != nil
                }
                try await client.send(Frames.reset(id, 8))
                try await server.until { connection.openStreams == 0 }
            }
            #expect(connection.failure?.description == "too_many_queued_frames")
            #expect(connection.session.queuedFrames <= UnreadOutputTests.queuedFramesMax + 4)
            try await expectGoodbye(server, client, reason: "too_many_queued_frames")
        }
    }

    @Test("DATA on one reset stream makes us queue one frame")
    func dataAfterReset() async throws {
        try await withUnreadServer({ _ in }) { server, client in
            let connection = try server.connection
            try await client.send(Frames.request(1, flags: 4) + Frames.reset(1, 8))
            try await server.until { server.closedCodes.count == 1 }
            let queued = connection.session.queuedFrames
            var bytes: [UInt8] = []
            for _ in 0..<5000 { bytes += Frames.frame(FrameType.data, 0, 1, [1]) }
            try await client.send(bytes + Frames.request(3, flags: 4))
            try await server.until { server.streams.count == 2 }
            #expect(connection.session.queuedFrames == queued + 1)
        }
    }

    @Test(
        "acknowledgements that nobody reads are no more than queuedAcksMax",
        arguments: [Frames.settings(), Frames.ping()])
    func acknowledgements(_ frame: [UInt8]) async throws {
        try await withUnreadServer({ $0.queuedAcksMax = 20 }) { server, client in
            let connection = try server.connection
            let queued = connection.session.queuedFrames
            for _ in 0..<15 { try await client.send(frame) }
            try await server.until { connection.session.queuedFrames >= queued + 15 }
            #expect(connection.failure == nil)
            for _ in 0..<30 { try await client.send(frame) }
            try await server.until { connection.failure != nil }
            guard case .unusable(let error) = connection.failure else {
                Issue.record("\(String(describing: connection.failure))")
                return
            }
            #expect(error.isFlooded)
            #expect(connection.session.queuedFrames <= queued + 22)
            try await expectGoodbye(server, client, reason: "")
        }
    }
}
