import EventLoops
import TestSupport
import Testing

@testable import HTTP2

/// A server for tests: answers each request that ended with 200 and the same body.
final class AnsweringServer: ConnectionDelegate {
    let reactor: Reactor
    let limits: ConnectionLimits
    let buffers = LoopBuffers()
    var connections: [Connection] = []
    var closedConnections = 0
    var streams: [HTTP2Stream] = []
    var closedCodes: [ErrorCode] = []
    /// Whether requests are answered; else they stay open.
    var answers = true
    /// Whether what is sent leaves the server, on every connection of it.
    let gate = Gate()
    private var listener: Listener?

    init(_ reactor: Reactor, _ limits: ConnectionLimits = ConnectionLimits()) throws {
        self.reactor = reactor
        self.limits = limits
        guard let address = SocketAddress("127.0.0.1:0") else { return }
        listener = try Listener(reactor: reactor, address: address) { [unowned self] stream, peer in
            do {
                let connection = try Connection(
                    over: GatedStream(stream, gate), role: .server, peer: peer, limits: self.limits,
                    reactor: self.reactor, buffers: self.buffers, delegate: self)
                connections.append(connection)
                try? connection.start()
            } catch {
                stream.close()
            }
        }
    }

    var address: SocketAddress {
        guard let listener else { preconditionFailure("the server was closed") }
        return listener.address
    }

    /// The first stream, once it began.
    func firstStream() async throws -> HTTP2Stream {
        try await until { !streams.isEmpty }
        return try #require(streams.first)
    }

    /// The first connection.
    var connection: Connection { get throws { try #require(connections.first) } }

    /// Waits until `condition` holds, at most some ten seconds.
    func until(_ condition: () throws -> Bool) async throws {
        for _ in 0..<5000 where try !condition() {
            try await reactor.sleep(for: .milliseconds(2))
        }
        try #require(try condition(), "waited too long")
    }

    func close() {
        listener?.close()
        gate.open()
        for connection in connections { connection.abandon() }
    }

    func streamBegan(
        _ stream: HTTP2Stream, on connection: Connection, loop: isolated EventLoop
    ) {
        streams.append(stream)
        stream.observer = Answer(server: self)
    }

    func connectionClosed(_ connection: Connection, on loop: isolated EventLoop) {
        closedConnections += 1
    }

    private final class Answer: StreamObserver {
        let server: AnsweringServer
        init(server: AnsweringServer) { self.server = server }

        func headersReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}
        func writesDrained(_ stream: HTTP2Stream, on loop: isolated EventLoop) {}

        func bodyReceived(_ stream: HTTP2Stream, on loop: isolated EventLoop) {
            guard stream.isRemoteEnded, server.answers else { return }
            var headers = HeaderBlock()
            headers.append(":status", "200")
            stream.respond(headers, isEnd: false)
            stream.write(Array(stream.received.prefix(.max)).span)
            stream.finish(trailers: nil)
        }

        func streamClosed(_ stream: HTTP2Stream, code: ErrorCode, on loop: isolated EventLoop) {
            server.closedCodes.append(code)
        }
    }
}

/// Runs `body` with a server and a raw client that has greeted it.
func withServer(
    greets: Bool = true, answers: Bool = true,
    _ change: @escaping @Sendable (inout ConnectionLimits) -> Void = { _ in },
    _ body: @escaping @Sendable (AnsweringServer, RawClient) async throws -> Void
) async throws {
    try await onLoop { _, reactor in
        var limits = ConnectionLimits()
        // However busy this machine is.
        limits.prefaceTimeMax = .seconds(60)
        limits.headersTimeMax = .seconds(60)
        change(&limits)
        let server = try AnsweringServer(reactor, limits)
        server.answers = answers
        defer { server.close() }
        let client = try RawClient(server.address, reactor, greets: greets)
        try await body(server, client)
    }
}

extension HTTP2Stream {
    /// Answers with these fields.
    func respond(_ fields: KeyValuePairs<String, String>, isEnd: Bool) {
        var headers = HeaderBlock()
        for (name, value) in fields {
            headers.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        respond(headers, isEnd: isEnd)
    }
}
