import EventLoops
import HTTP2
import Logging
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Our client against servers that misbehave: HTTP/2 by our own library, gRPC by the test.
@Suite struct ClientMisbehaviourTests {
    /// What a server of these tests does with a stream; the number counts streams over all
    /// connections.
    typealias Behaviour = (HTTP2Stream, Int, Connection) -> Void

    private func ask(
        _ options: CallOptions = CallOptions(timeout: .seconds(10)),
        _ change: @escaping @Sendable (inout ChannelLimits) -> Void = { _ in },
        _ behaviour: @escaping @Sendable (HTTP2Stream, Int, Connection) -> Void
    ) async throws -> (status: RPCStatus?, streams: Int, connections: Int) {
        try await onLoop { _, reactor in
            let server = try RawServer(reactor, behaviour)
            let channel = try ClientTests.channel(to: server.address, reactor) {
                $0.retryPause = .milliseconds(5)
                change(&$0)
            }
            var status: RPCStatus?
            do {
                _ = try await channel.call(EchoServer.unary, Payload([1]), options)
            } catch let error as RPCStatus {
                status = error
            }
            channel.close()
            server.close()
            return (status, server.streams, server.connections)
        }
    }

    private static let opening = HeaderBlock([":status": "200", "content-type": "application/grpc"])

    /// Answers as a good server does.
    private static func serve(_ stream: HTTP2Stream) {
        stream.respond(opening, isEnd: false)
        stream.write(MessageFrame.bytes([]).span)
        stream.finish(trailers: HeaderBlock(["grpc-status": "0"]))
    }

    @Test("a refused stream is tried again, for it was not looked at")
    func refusedStream() async throws {
        let found = try await ask { stream, number, _ in
            if number < 3 { stream.reset(.refusedStream) } else { Self.serve(stream) }
        }
        #expect(found.status == nil)
        #expect(found.streams == 3)
    }

    @Test("a stream that is always refused ends after the attempts that are allowed")
    func alwaysRefused() async throws {
        let found = try await ask(CallOptions(timeout: .seconds(10)), { $0.attemptsMax = 3 }) {
            stream, _, _ in stream.reset(.refusedStream)
        }
        #expect(found.status?.code == .unavailable)
        #expect(found.streams == 3)
    }

    @Test(
        "a call whose connection is cut is made again only if that is harmless",
        arguments: [false, true])
    func cut(isRepeatable: Bool) async throws {
        let options = CallOptions(timeout: .seconds(10), isRepeatable: isRepeatable)
        let found = try await ask(options) { stream, number, connection in
            if number == 1 { connection.abandon() } else { Self.serve(stream) }
        }
        #expect(found.streams == (isRepeatable ? 2 : 1))
        #expect(found.status?.code == (isRepeatable ? nil : .unavailable))
        if !isRepeatable { #expect(found.status?.message.contains("was lost") == true) }
    }

    @Test("once something of a response came, nothing is made again")
    func cutAfterHeaders() async throws {
        let options = CallOptions(timeout: .seconds(10), isRepeatable: true)
        let found = try await ask(options) { stream, _, connection in
            stream.respond(Self.opening, isEnd: false)
            stream.reset(.internalError)
        }
        #expect(found.status?.code == .internal)
        #expect(found.streams == 1)
    }

    @Test("an end without a status, a strange type and HTTP's own statuses are told apart")
    func notGRPC() async throws {
        let noStatus = try await ask { stream, _, _ in
            stream.respond(Self.opening, isEnd: false)
            stream.finish(trailers: nil)
        }
        #expect(noStatus.status?.code == .internal)
        let type = try await ask { stream, _, _ in
            stream.respond(
                HeaderBlock([":status": "200", "content-type": "text/html"]), isEnd: true)
        }
        #expect(type.status?.code == .unknown)
        #expect(type.status?.message.contains("text/html") == true)
        for (http, code) in [
            ("404", StatusCode.unimplemented), ("503", .unavailable), ("401", .unauthenticated),
            ("403", .permissionDenied), ("400", .internal), ("418", .unknown),
        ] {
            let found = try await ask { stream, _, _ in
                stream.respond(HeaderBlock([":status": http]), isEnd: true)
            }
            #expect(found.status?.code == code, "\(http)")
        }
    }

    @Test("trailers alone are an answer")
    func trailersOnly() async throws {
        let found = try await ask { stream, _, _ in
            stream.respond(
                HeaderBlock([
                    ":status": "200", "content-type": "application/grpc", "grpc-status": "9",
                    "grpc-message": "not%20now",
                ]), isEnd: true)
        }
        #expect(found.status == RPCStatus(.failedPrecondition, "not now"))
    }

    @Test("one message must come, whole and alone")
    func messages() async throws {
        let bodies: [([UInt8], StatusCode)] = [
            ([], .unimplemented),
            (MessageFrame.bytes([]) + MessageFrame.bytes([]), .unimplemented),
            ([0, 0, 0, 0, 9, 1], .internal), ([2, 0, 0, 0, 0], .internal),
            ([1, 0, 0, 0, 1, 7], .internal), ([0, 0, 0], .internal),
            (MessageFrame.bytes([0xFF, 0xFF]), .internal),
        ]
        for (body, code) in bodies {
            let found = try await ask { stream, _, _ in
                stream.respond(Self.opening, isEnd: false)
                if !body.isEmpty { stream.write(body.span) }
                stream.finish(trailers: HeaderBlock(["grpc-status": "0"]))
            }
            #expect(found.status?.code == code, "\(body)")
        }
    }

    @Test("a server that goes silent is given up, and the call told so")
    func silent() async throws {
        try await onLoop { _, reactor in
            // Listens and never says a word: the kernel accepts.
            let held = try HeldPort()
            try held.listen()
            let address = try #require(SocketAddress(host: "127.0.0.1", port: held.number))
            let channel = try ClientTests.channel(to: address, reactor) {
                $0.connectTimeMax = .milliseconds(150)
            }
            let status = await #expect(throws: RPCStatus.self) {
                try await channel.call(EchoServer.unary, Payload([1]))
            }
            #expect(status?.code == .unavailable)
            #expect(status?.message.contains("SETTINGS") == true, "\(status?.message ?? "")")
            channel.close()
        }
    }

    @Test("a connection that answers no keepalive is dead")
    func keepalive() async throws {
        try await onLoop { _, reactor in
            let server = try RawServer(reactor) { _, _, _ in }
            let channel = try ClientTests.channel(to: server.address, reactor) {
                $0.keepaliveTime = .milliseconds(300)
                $0.keepaliveTimeout = .seconds(2)
            }
            let chat = try await channel.call(EchoServer.chat)
            try await chat.write(Payload([1]))
            while server.streams == 0 { try await reactor.sleep(for: .milliseconds(2)) }
            // From now on its PING acknowledgements go nowhere.
            server.freeze()
            let status = await #expect(throws: RPCStatus.self) { try await chat.next() }
            #expect(status?.code == .unavailable)
            #expect(status?.message.contains("keepalive") == true, "\(status?.message ?? "")")
            channel.close()
            server.close()
        }
    }
}

/// An HTTP/2 server whose streams a test answers.
final class RawServer: ConnectionDelegate {
    private(set) var streams = 0
    private(set) var connections = 0
    let address: SocketAddress
    private let reactor: Reactor
    private let behaviour: ClientMisbehaviourTests.Behaviour
    private var listener: Listener?
    private var open: [(connection: Connection, stream: FreezableStream)] = []

    init(
        _ reactor: Reactor, _ behaviour: @escaping ClientMisbehaviourTests.Behaviour
    ) throws {
        self.reactor = reactor
        self.behaviour = behaviour
        let box = Box()
        let listener = try Listener(
            reactor: reactor, address: try #require(SocketAddress("127.0.0.1:0"))
        ) { stream, peer in box.server?.accept(stream, peer) }
        self.listener = listener
        address = listener.address
        box.server = self
    }

    private final class Box { weak var server: RawServer? }

    private func accept(_ stream: SocketStream, _ peer: SocketAddress) {
        connections += 1
        let stream = FreezableStream(stream)
        guard
            let connection = try? Connection(
                over: stream, role: .server, peer: peer, limits: .patient,
                reactor: reactor, buffers: LoopBuffers(), delegate: self)
        else { return }
        open.append((connection, stream))
        try? connection.start()
    }

    func freeze() { for pair in open { pair.stream.isFrozen = true } }

    func close() {
        listener?.close()
        for pair in open { pair.connection.abandon() }
        open = []
    }

    func streamBegan(
        _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
    ) {
        streams += 1
        behaviour(stream, streams, connection)
    }

    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {}
}

/// A socket that can stop to pass anything on.
final class FreezableStream: ByteStream {
    private let base: SocketStream
    var isFrozen = false

    init(_ base: SocketStream) { self.base = base }

    var descriptor: Int32 { base.descriptor }
    func read(into buffer: UnsafeMutableRawBufferPointer) -> ByteStreamOutcome {
        isFrozen ? .blocked(until: .writable) : base.read(into: buffer)
    }
    func write(_ bytes: UnsafeRawBufferPointer) -> ByteStreamOutcome {
        isFrozen ? .moved(bytes.count) : base.write(bytes)
    }
    func endWriting() { base.endWriting() }
    func close() { base.close() }
}
