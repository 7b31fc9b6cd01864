import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Frames and windows, whatever the kind of call: how messages are cut, and who waits for whom.
@Suite(.serialized) struct FlowKindsTests {
    @Test("messages are found however DATA frames cut them", arguments: MethodKind.allCases)
    func framing(kind: MethodKind) async throws {
        let message = MessageFrame.bytes(try Wire.encode(Payload([1, 2, 3])))
        let count = kind.streamsResponses ? 3 : 1
        let body = Array(repeatElement(message, count: count).joined())
        for size in [1, 4, body.count] {
            let responses: [Payload] = try await onLoop { _, reactor in
                let server = try ScriptedServer(reactor, greets: true)
                let channel = try makeChannel(to: server.address, reactor)
                var responses: [Payload] = []
                var isOver = false
                reactor.begin {
                    responses = (try? await kind.call(channel)) ?? []
                    isOver = true
                }
                let peer = try await server.peer(0)
                _ = try await peer.next(1)
                peer.openResponse(1)
                var rest = body[...]
                while !rest.isEmpty {
                    peer.send(type: 0, stream: 1, payload: Array(rest.prefix(size)))
                    rest = rest.dropFirst(size)
                    try await reactor.sleep(for: .milliseconds(1))
                }
                peer.headers(1, isEnd: true, ["grpc-status": "0"])
                try await reactor.until("the call is over") { isOver }
                channel.close()
                server.close()
                return responses
            }
            #expect(
                responses == Array(repeatElement(Payload([1, 2, 3]), count: count))
            )
        }
    }

    @Test(
        "a server that does not read makes the writer wait, and nothing is lost",
        arguments: [MethodKind.clientStreaming, .bidirectional])
    func writerWaits(kind: MethodKind) async throws {
        try await withKindsChannel { server, channel in
            var isReleased = false
            server.onBegin = {
                try await server.reactor.until("it may read") { isReleased }
            }
            let options = CallOptions(timeout: .seconds(60))
            let call =
                kind == .clientStreaming
                ? try await channel.call(MethodKind.clientStreamingMethod, options)
                : try await channel.call(MethodKind.bidirectionalMethod, options)
            var written = 0
            var received = 0
            let writer = server.reactor.begin {
                for _ in 0..<100 {
                    try? await call.write(Payload([UInt8](repeating: 1, count: 50_000)))
                    written += 1
                }
                call.endRequests()
            }
            let stopped = try await server.reactor.settled { written }
            #expect(stopped < 50)
            isReleased = true
            while try await call.next() != nil { received += 1 }
            #expect(written == 100)
            #expect(server.answered == 100)
            #expect(received == (kind == .bidirectional ? 100 : 1))
            writer.cancel()
        }
    }

    @Test(
        "a caller that does not read makes the server wait, and nothing is lost",
        arguments: [MethodKind.serverStreaming, .bidirectional])
    func readerWaits(kind: MethodKind) async throws {
        try await withKindsChannel { server, channel in
            server.repeats = 100
            let request = Payload([UInt8](repeating: 1, count: 50_000))
            let options = CallOptions(timeout: .seconds(60))
            let call: OpenCall<Payload, Payload>
            if kind == .serverStreaming {
                call = try await channel.call(MethodKind.serverStreamingMethod, request, options)
            } else {
                call = try await channel.call(MethodKind.bidirectionalMethod, options)
                try await call.write(request)
                call.endRequests()
            }
            let stopped = try await server.reactor.settled { server.written }
            #expect(stopped < 50)
            var received = 0
            while let response = try await call.next() {
                #expect(response == request)
                received += 1
            }
            #expect(received == 100)
        }
    }

    @Test("a caller that does not read stops what is written, and reading with it; nothing is lost")
    func backpressure() async throws {
        try await withKinds { server, client in
            let call = try client.begin(MethodKind.bidirectional.path)
            call.takes = false
            for _ in 0..<200 { try call.send([UInt8](repeating: 1, count: 50_000)) }
            call.end()
            let answered = try await server.reactor.settled { server.answered }
            #expect(answered < 100)
            #expect((call.stream?.queuedBytes ?? 0) > 4_000_000)
            call.takes = true
            call.take()
            try await call.finished()
            #expect(call.status == .ok)
            #expect(call.responses.count == 200)
            #expect(server.answered == 200)
        }
    }
}
