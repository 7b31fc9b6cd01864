import EventLoops
import Testing

@testable import HTTP2

@Suite struct DrainTests {
    /// What acknowledges the drain's PING, seen or not.
    private static let acknowledgement = Frames.frame(
        FrameType.ping, 1, 0, [SessionRecorder.PingMark.drain.rawValue, 0, 0, 0, 0, 0, 0, 0])

    /// Sends and waits until the server has read it.
    private func send(
        _ bytes: [UInt8], _ client: RawClient, _ server: AnsweringServer
    ) async throws {
        let connection = try server.connection
        let before = connection.lastReadAt
        try await client.send(bytes)
        try await server.until { connection.lastReadAt > before }
    }

    private func lastGoAway(_ client: RawClient) async throws -> RawClient.Frame? {
        var found = try await client.next(FrameType.goAway)
        if found?.lastStreamID == 0x7FFF_FFFF { found = try await client.next(FrameType.goAway) }
        return found
    }

    @Test("a stream that comes while the last GOAWAY cannot be written is served, and named by it")
    func unread() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send(Frames.request(1))
            _ = try await server.firstStream()
            let connection = try server.connection
            server.gate.close()
            connection.ping()
            connection.drain()
            try await send(DrainTests.acknowledgement, client, server)
            try await client.send(Frames.request(3))
            try await server.until { server.streams.count == 2 }
            server.gate.open()
            connection.ping()
            let last = try await lastGoAway(client)
            #expect(last?.lastStreamID == 3)
            #expect(last?.code == 0)
            for stream in server.streams { stream.respond([":status": "200"], isEnd: true) }
            #expect(try await client.next(FrameType.headers)?.streamID == 1)
            #expect(try await client.next(FrameType.headers)?.streamID == 3)
            #expect(try await client.isClosed())
            #expect(server.closedCodes == [.noError, .noError])
        }
    }

    @Test("a stream above the last GOAWAY is never begun, though other frames go out before that")
    func behindOtherFrames() async throws {
        try await withServer(answers: false) { server, client in
            try await client.send((0..<20).flatMap { Frames.request(Int32($0 * 2 + 1)) })
            try await server.until { server.streams.count == 20 }
            let connection = try server.connection
            server.gate.close()
            connection.ping()
            // The PING alone is written in vain, and what follows waits in the library.
            try await server.until { connection.session.queuedFrames == 0 }
            // More header sections than one write takes; no table or code shortens them.
            for (index, stream) in server.streams.enumerated() {
                let letter = UInt8(ascii: "A") + UInt8(index)
                let value = [UInt8](repeating: letter, count: 10_000) + [UInt8(ascii: "Z")]
                let hard = value.enumerated().map {
                    $0.offset % 2 == 0 ? UInt8(ascii: "&") : $0.element
                }
                stream.respond(
                    [":status": "200", "x": String(decoding: hard, as: UTF8.self)], isEnd: false)
            }
            connection.drain()
            try await send(DrainTests.acknowledgement, client, server)
            server.gate.close(after: 1)
            connection.ping()
            try await server.until { server.gate.writesLeft == 0 }
            // By now the id is fixed, and the frame waits behind what was cut off.
            #expect(connection.session.queuedFrames > 0)
            try await send(Frames.request(41), client, server)
            #expect(connection.openStreams == 21)
            #expect(server.streams.count == 20)
            server.gate.open()
            connection.ping()
            #expect(try await lastGoAway(client)?.lastStreamID == 39)
            #expect(server.streams.count == 20)
            for stream in server.streams { stream.finish(trailers: nil) }
            #expect(try await client.isClosed())
            #expect(server.closedCodes == Array(repeating: .noError, count: 20))
        }
    }
}
