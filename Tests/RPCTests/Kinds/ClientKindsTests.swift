import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// What our client owes every call, whatever its kind. One at a time: all cases at
/// once would take the processors from tests that measure time.
@Suite(.serialized) struct ClientKindsTests {
    /// Makes a call to a server that answers as `behaviour` says.
    private func ask(
        _ kind: MethodKind, _ options: CallOptions = CallOptions(timeout: .seconds(20)),
        _ change: @escaping @Sendable (inout ChannelLimits) -> Void = { _ in },
        _ behaviour: @escaping @Sendable (HTTP2Stream, Int, Connection) -> Void
    ) async throws -> (status: RPCStatus?, streams: Int) {
        try await onLoop { _, reactor in
            let server = try RawServer(reactor, behaviour)
            let channel = try makeChannel(to: server.address, reactor, change)
            let failure = await status { _ = try await kind.call(channel, Payload([1]), options) }
            channel.close()
            server.close()
            return (failure, server.streams)
        }
    }

    private static let opening = HeaderBlock([":status": "200", "content-type": "application/grpc"])

    /// Answers with a body and a status.
    private static func answer(
        _ stream: HTTP2Stream, _ body: [UInt8], gzip: Bool = false, status: String = "0"
    ) {
        var head = opening
        if gzip { head.append("grpc-encoding", "gzip") }
        stream.respond(head, isEnd: false)
        if !body.isEmpty { stream.write(body.span) }
        stream.finish(trailers: HeaderBlock(["grpc-status": status, "grpc-message": "so%20ended"]))
    }

    @Test("the header section says what gRPC wants, in its order", arguments: MethodKind.allCases)
    func requestHeaders(kind: MethodKind) async throws {
        let fields: [(String, String)] = try await onLoop { _, reactor in
            var fields: [(String, String)] = []
            let server = try RawServer(reactor) { stream, _, _ in
                let block = stream.headers
                for field in block.fields {
                    fields.append(
                        (
                            String(decoding: block.storage[field.name], as: UTF8.self),
                            String(decoding: block.storage[field.value], as: UTF8.self)
                        ))
                }
                Self.answer(stream, MessageFrame.bytes([]))
            }
            let channel = try makeChannel(to: server.address, reactor)
            var options = CallOptions(timeout: .seconds(20))
            options.metadata.append("x-text", "t")
            options.metadata.append("x-bytes-bin", binary: [0xAB])
            _ = try await kind.call(channel, Payload([1]), options)
            channel.close()
            server.close()
            return fields
        }
        let names = fields.map(\.0)
        #expect(
            names.prefix(6) == [
                ":method", ":scheme", ":path", ":authority", "te", "content-type",
            ])
        let values = Dictionary(fields, uniquingKeysWith: { first, _ in first })
        #expect(values[":method"] == "POST")
        #expect(values[":path"] == kind.path)
        #expect(values["te"] == "trailers")
        #expect(values["content-type"] == "application/grpc")
        #expect(values["grpc-accept-encoding"] == "identity,gzip")
        #expect(values["grpc-timeout"].map { !$0.isEmpty && $0.count <= 9 } == true)
        #expect(values["user-agent"]?.hasPrefix("grpc-") == true)
        #expect(values["x-text"] == "t")
        #expect(values["x-bytes-bin"] == "qw")
    }

    @Test(
        "a status comes with message and details, alone or behind messages",
        arguments: MethodKind.allCases)
    func statuses(kind: MethodKind) async throws {
        try await withKindsChannel { server, channel in
            server.onEach = { _, _ in throw RPCStatus(.notFound, "ü 100%", details: [8, 5]) }
            let failure = await status { _ = try await kind.call(channel) }
            #expect(failure?.code == .notFound)
            #expect(failure?.message == "ü 100%")
            #expect(failure?.details.starts(with: [8, 5]) == true)
        }
        let behind = try await ask(kind) { stream, _, _ in
            Self.answer(stream, MessageFrame.bytes([]), status: "10")
        }
        #expect(behind.status == RPCStatus(.aborted, "so ended"))
    }

    @Test("the deadline ends the call here, and there", arguments: MethodKind.allCases)
    func deadline(kind: MethodKind) async throws {
        try await withKindsChannel { server, channel in
            server.stall()
            for timeout in deadlineTries where server.stalled == 0 {
                let failure = await status {
                    _ = try await kind.call(channel, Payload([1]), CallOptions(timeout: timeout))
                }
                #expect(failure?.code == .deadlineExceeded)
            }
            try await server.reactor.until("the handler is cancelled") {
                server.stalled > 0 && server.cancelled == server.stalled
            }
            let over = await status {
                _ = try await kind.call(channel, Payload([1]), CallOptions(timeout: .zero))
            }
            #expect(over?.code == .deadlineExceeded)
            #expect(channel.runningCalls == 0)
        }
    }

    @Test("cancelling the task cancels the call, here and there", arguments: MethodKind.allCases)
    func cancel(kind: MethodKind) async throws {
        try await withKindsChannel { server, channel in
            server.stall()
            var failure: RPCStatus?
            let task = server.reactor.begin {
                failure = await status { _ = try await kind.call(channel) }
            }
            try await server.reactor.until("it runs") { server.stalled == 1 }
            task.cancel()
            try await server.reactor.until("the handler is cancelled") { server.cancelled == 1 }
            try await server.reactor.until("the call ended") { failure != nil }
            #expect(failure?.code == .cancelled)
            #expect(channel.runningCalls == 0)
        }
    }

    @Test("gzip goes both ways", arguments: MethodKind.allCases)
    func compression(kind: MethodKind) async throws {
        try await withKindsChannel(server: { $0.compressedResponseBytesMin = 10 }) {
            server, channel in
            var isCompressed = false
            server.onEach = { request, context in
                isCompressed = context.isRequestCompressed
                return request
            }
            var options = CallOptions(timeout: .seconds(20))
            options.compressesRequests = true
            let request = Payload([UInt8](repeating: 4, count: 10_000))
            let responses = try await kind.call(channel, request, options)
            #expect(responses == [request])
            #expect(isCompressed)
        }
    }

    @Test(
        "a response that is no message, or not whole, is INTERNAL", arguments: MethodKind.allCases)
    func undecodable(kind: MethodKind) async throws {
        let bodies: [[UInt8]] = [
            MessageFrame.bytes([0xFF, 0xFF]), MessageFrame.bytes([], flag: 2),
            MessageFrame.bytes([7], flag: 1), [0, 0, 0, 0, 9, 1], [0, 0, 0],
        ]
        for body in bodies {
            for gzip in [false, true] {
                let found = try await ask(kind) { stream, _, _ in
                    Self.answer(stream, body, gzip: gzip)
                }
                #expect(found.status?.code == .internal, "\(body)")
            }
        }
    }

    @Test(
        "one response is one: none and two are UNIMPLEMENTED",
        arguments: [
            MethodKind.unary, .clientStreaming,
        ])
    func oneResponse(kind: MethodKind) async throws {
        for count in [0, 2] {
            let found = try await ask(kind) { stream, _, _ in
                Self.answer(
                    stream, Array(repeatElement(MessageFrame.bytes([]), count: count).joined()))
            }
            #expect(found.status?.code == .unimplemented, "\(count)")
        }
        let one = try await ask(kind) { stream, _, _ in
            Self.answer(stream, MessageFrame.bytes([]))
        }
        #expect(one.status == nil)
    }

    @Test(
        "a response over the limit is RESOURCE_EXHAUSTED, unpacked ones too",
        arguments: MethodKind.allCases)
    func tooLarge(kind: MethodKind) async throws {
        let packed = try Gzip().compress([UInt8](repeating: 0, count: 50_000).span)
        for (body, gzip) in [
            (MessageFrame.bytes([UInt8](repeating: 0, count: 50_000)), false),
            (MessageFrame.bytes(packed, flag: 1), true),
        ] {
            let found = try await ask(
                kind, CallOptions(timeout: .seconds(20)), { $0.message.messageBytesMax = 10_000 }
            ) { stream, _, _ in Self.answer(stream, body, gzip: gzip) }
            #expect(found.status?.code == .resourceExhausted)
        }
    }

    @Test(
        "what the server has not looked at is sent again, all that was written; what it has, is not",
        arguments: MethodKind.allCases)
    func refused(kind: MethodKind) async throws {
        let again = try await ask(kind) { stream, number, _ in
            if number == 1 {
                stream.reset(.refusedStream)
            } else {
                Self.answer(stream, MessageFrame.bytes([]))
            }
        }
        #expect(again.status == nil)
        #expect(again.streams == 2)
        let lost = try await ask(kind) { _, _, connection in connection.abandon() }
        #expect(lost.status?.code == .unavailable)
        #expect(lost.streams == 1)
    }

    @Test(
        "resets, HTTP's own statuses and ends without a status have their codes",
        arguments: MethodKind.allCases)
    func otherEnds(kind: MethodKind) async throws {
        for (reset, code) in [
            (ErrorCode.cancel, StatusCode.cancelled), (.enhanceYourCalm, .resourceExhausted),
            (.internalError, .internal), (.noError, .internal),
        ] {
            let found = try await ask(kind) { stream, _, _ in stream.reset(reset) }
            #expect(found.status?.code == code, "\(reset)")
        }
        for (http, code) in [
            ("401", StatusCode.unauthenticated), ("404", .unimplemented), ("503", .unavailable),
        ] {
            let found = try await ask(kind) { stream, _, _ in
                stream.respond(HeaderBlock([":status": http]), isEnd: true)
            }
            #expect(found.status?.code == code, "\(http)")
        }
        let page = try await ask(kind) { stream, _, _ in
            stream.respond(
                HeaderBlock([":status": "200", "content-type": "text/html"]), isEnd: true)
        }
        #expect(page.status?.code == .unknown)
        let silent = try await ask(kind) { stream, _, _ in
            stream.respond(Self.opening, isEnd: false)
            stream.finish(trailers: nil)
        }
        #expect(silent.status?.code == .internal)
        let malformed = try await ask(kind) { stream, _, _ in
            Self.answer(stream, MessageFrame.bytes([]), status: "x")
        }
        #expect(malformed.status?.code == .unknown)
    }

    @Test(
        "while nobody listens a call is UNAVAILABLE, or waits for who comes",
        arguments: MethodKind.allCases)
    func notThere(kind: MethodKind) async throws {
        try await onLoop { _, reactor in
            let held = try HeldPort(isShared: true)
            let address = try #require(SocketAddress(host: "127.0.0.1", port: held.number))
            let channel = try makeChannel(to: address, reactor)
            let failure = await status { _ = try await kind.call(channel) }
            #expect(failure?.code == .unavailable)
            #expect(failure?.message.contains("\(address)") == true)
            var late: KindsServer?
            reactor.schedule(after: .milliseconds(200)) {
                late = try? KindsServer(reactor, at: address)
            }
            let responses = try await kind.call(
                channel, Payload([1]), CallOptions(timeout: .seconds(20), waitsForReady: true))
            #expect(responses == [Payload([1])])
            #expect(late != nil)
            channel.close()
            await late?.server.drain(grace: .zero)
            withExtendedLifetime(held) {}
        }
    }

    @Test(
        "metadata of the server comes before and after its messages",
        arguments: [
            MethodKind.clientStreaming, .serverStreaming, .bidirectional,
        ])
    func metadata(kind: MethodKind) async throws {
        try await withKindsChannel { server, channel in
            server.onEach = { request, context in
                context.initialMetadata.append("x-begin", "b")
                context.trailingMetadata.append("x-end-bin", binary: [1, 2])
                return request
            }
            let options = CallOptions(timeout: .seconds(20))
            let call =
                switch kind {
                case .serverStreaming:
                    try await channel.call(
                        MethodKind.serverStreamingMethod, Payload([1]), options)
                case .clientStreaming:
                    try await channel.call(MethodKind.clientStreamingMethod, options)
                default: try await channel.call(MethodKind.bidirectionalMethod, options)
                }
            if kind != .serverStreaming {
                try await call.write(Payload([1]))
                call.endRequests()
            }
            let begin = try await call.initialMetadata()
            #expect(begin["x-begin"] == "b")
            while try await call.next() != nil {}
            #expect(try call.trailingMetadata.binaryValues("x-end-bin") == [[1, 2]])
        }
    }

    @Test(
        "an encoding that nobody asked for is INTERNAL where it is used, and nothing where not",
        arguments: MethodKind.allCases)
    func unaskedEncoding(kind: MethodKind) async throws {
        for flag in [UInt8(0), 1] {
            let found = try await ask(kind) { stream, _, _ in
                stream.respond(
                    HeaderBlock([
                        ":status": "200", "content-type": "application/grpc",
                        "grpc-encoding": "br",
                    ]), isEnd: false)
                stream.write(MessageFrame.bytes([], flag: flag).span)
                stream.finish(trailers: HeaderBlock(["grpc-status": "0"]))
            }
            #expect(found.status?.code == (flag == 0 ? nil : .internal))
        }
    }
}
