import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// The four kinds of methods, for what must hold for each of them.
enum MethodKind: String, CaseIterable, Sendable {
    case unary, clientStreaming, serverStreaming, bidirectional

    var path: String { "/test.Kinds/\(rawValue)" }
    var streamsRequests: Bool { self == .clientStreaming || self == .bidirectional }
    var streamsResponses: Bool { self == .serverStreaming || self == .bidirectional }

    static let unaryMethod = UnaryMethod<Payload, Payload>(
        fullServiceName: "test.Kinds", name: "unary")
    static let serverStreamingMethod = ServerStreamingMethod<Payload, Payload>(
        fullServiceName: "test.Kinds", name: "serverStreaming")
    static let clientStreamingMethod = ClientStreamingMethod<Payload, Payload>(
        fullServiceName: "test.Kinds", name: "clientStreaming")
    static let bidirectionalMethod = BidirectionalMethod<Payload, Payload>(
        fullServiceName: "test.Kinds", name: "bidirectional")

    /// Makes a call of this kind with one request, to its end; gives the responses.
    func call(
        _ channel: Channel, _ request: Payload = Payload([1]),
        _ options: CallOptions = CallOptions(timeout: .seconds(20))
    ) async throws -> [Payload] {
        switch self {
        case .unary: return [try await channel.call(Self.unaryMethod, request, options)]
        case .serverStreaming:
            return try await rest(
                of: try await channel.call(Self.serverStreamingMethod, request, options))
        case .clientStreaming:
            let call = try await channel.call(Self.clientStreamingMethod, options)
            try await call.write(request)
            call.endRequests()
            return try await rest(of: call)
        case .bidirectional:
            let call = try await channel.call(Self.bidirectionalMethod, options)
            try await call.write(request)
            call.endRequests()
            return try await rest(of: call)
        }
    }

    private func rest(of call: OpenCall<Payload, Payload>) async throws -> [Payload] {
        var responses: [Payload] = []
        while let response = try await call.next() { responses.append(response) }
        return responses
    }
}

/// A server with a method of each kind that does the same for each request.
final class KindsServer {
    let reactor: Reactor
    let server: GRPCServer
    let address: SocketAddress
    /// Answers each request.
    var onEach: (Payload, CallContext) async throws -> Payload = { request, _ in request }
    /// How often each answer is written, where responses are streamed.
    var repeats = 1
    /// Requests that were answered, and responses that were written to a stream.
    var answered = 0
    var written = 0
    /// Ends the call before any request is looked at, when it throws (methods that stream requests).
    var onBegin: () async throws -> Void = {}
    /// Requests that wait for their call's end after ``stall()``, or did, and those whose wait was
    /// cancelled.
    var stalled = 0
    var cancelled = 0

    /// - Parameter address: Where it listens; nil for a port that is free.
    init(
        _ reactor: Reactor, _ limits: ServerLimits = .patient,
        at address: SocketAddress? = nil
    ) throws {
        self.reactor = reactor
        let router = Router()
        server = GRPCServer(reactor: reactor, router: router, limits: limits, logger: quietLogger)
        self.address = try server.listen(
            on: #require(address ?? SocketAddress("127.0.0.1:0")))
        router.register(MethodKind.unaryMethod) { [unowned self] request, context in
            try await answer(request, context)
        }
        router.register(MethodKind.serverStreamingMethod) {
            [unowned self] request, responses, context in
            try await write(try await answer(request, context), responses)
        }
        router.register(MethodKind.clientStreamingMethod) { [unowned self] requests, context in
            try await onBegin()
            var last = Payload()
            while let request = try await requests.next() {
                last = try await answer(request, context)
            }
            return last
        }
        router.register(MethodKind.bidirectionalMethod) {
            [unowned self] requests, responses, context in
            try await onBegin()
            while let request = try await requests.next() {
                try await write(try await answer(request, context), responses)
            }
        }
    }

    private func write(_ response: Payload, _ responses: ResponseWriter<Payload>) async throws {
        for _ in 0..<repeats {
            try await responses.write(response)
            written += 1
        }
    }

    /// Makes each request wait until its call is cancelled.
    func stall() {
        onEach = { [unowned self] request, _ in
            stalled += 1
            do {
                try await reactor.sleep(for: .seconds(120))
            } catch {
                cancelled += 1
                throw error
            }
            return request
        }
    }

    private func answer(_ request: Payload, _ context: CallContext) async throws -> Payload {
        defer { answered += 1 }
        return try await onEach(request, context)
    }
}

extension Reactor {
    /// What `value` is once it has not changed for a while.
    func settled(
        isolation: isolated (any Actor)? = #isolation, _ value: () -> Int
    ) async throws -> Int {
        var last = value()
        var looks = 0
        while looks < 20 {
            try await sleep(for: .milliseconds(5))
            looks = value() == last && last > 0 ? looks + 1 : 0
            last = value()
        }
        return last
    }
}

/// Runs `body` with a server of all kinds and a client that hides nothing.
func withKinds(
    _ change: @escaping @Sendable (inout ServerLimits) -> Void = { _ in },
    _ body: @escaping @Sendable (KindsServer, TestClient) async throws -> Void
) async throws {
    try await onLoop { _, reactor in
        var limits = ServerLimits.patient
        change(&limits)
        let server = try KindsServer(reactor, limits)
        let client = try TestClient(server.address, reactor)
        try await body(server, client)
        client.connection.abandon()
        await server.server.drain(grace: .zero)
    }
}

/// Runs `body` with a server of all kinds and our own client.
func withKindsChannel(
    server changeServer: @escaping @Sendable (inout ServerLimits) -> Void = { _ in },
    _ change: @escaping @Sendable (inout ChannelLimits) -> Void = { _ in },
    _ body: @escaping @Sendable (KindsServer, Channel) async throws -> Void
) async throws {
    try await onLoop { _, reactor in
        var limits = ServerLimits.patient
        changeServer(&limits)
        let server = try KindsServer(reactor, limits)
        let channel = try makeChannel(to: server.address, reactor, change)
        try await body(server, channel)
        channel.close()
        await server.server.drain(grace: .zero)
    }
}
