import EventLoops
import HTTP2
import Logging
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

typealias Payload = GoogleProtobuf.AnyMessage

/// A server with one method of each kind, and what tests want to know of its handlers.
final class EchoServer {
    static let unary = UnaryMethod<Payload, Payload>(fullServiceName: "test.Echo", name: "Unary")
    static let expand = ServerStreamingMethod<Payload, Payload>(
        fullServiceName: "test.Echo", name: "Expand")
    static let collect = ClientStreamingMethod<Payload, Payload>(
        fullServiceName: "test.Echo", name: "Collect")
    static let chat = BidirectionalMethod<Payload, Payload>(
        fullServiceName: "test.Echo", name: "Chat")

    let reactor: Reactor
    let router = Router()
    let server: GRPCServer
    let address: SocketAddress
    /// What handlers did, in order.
    var events: [String] = []
    /// Replaces the unary echo.
    var onUnary: ((Payload, CallContext) async throws -> Payload)?
    var onCollect: ((RequestStream<Payload>, CallContext) async throws -> Payload)?
    var onChat: ((RequestStream<Payload>, ResponseWriter<Payload>) async throws -> Void)?

    init(
        _ reactor: Reactor, _ limits: ServerLimits = .patient,
        webOrigins: WebOrigins = WebOrigins(),
        logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        statusForError: @escaping (any Error) -> RPCStatus? = { _ in nil }
    ) throws {
        self.reactor = reactor
        server = GRPCServer(
            reactor: reactor, router: router, limits: limits, webOrigins: webOrigins,
            logger: logger,
            statusForError: statusForError)
        address = try server.listen(on: #require(SocketAddress("127.0.0.1:0")))
        router.register(EchoServer.unary) { [unowned self] request, context in
            if let onUnary { return try await onUnary(request, context) }
            return request
        }
        // Repeats its request as often as the type URL says.
        router.register(EchoServer.expand) { [unowned self] request, responses, context in
            do {
                for index in 0..<(Int(request.typeURL) ?? 0) {
                    try await responses.write(request)
                    events.append("wrote \(index)")
                }
            } catch {
                events.append("expand failed: \(error)")
                throw error
            }
        }
        router.register(EchoServer.collect) { [unowned self] requests, context in
            if let onCollect { return try await onCollect(requests, context) }
            var all = Payload()
            while let request = try await requests.next() { all.value += request.value }
            return all
        }
        router.register(EchoServer.chat) { [unowned self] requests, responses, _ in
            if let onChat { return try await onChat(requests, responses) }
            do {
                while let request = try await requests.next() { try await responses.write(request) }
                events.append("chat ended")
            } catch {
                events.append("chat failed: \(type(of: error))")
                throw error
            }
        }
    }

    func waitFor(_ event: String) async throws {
        for _ in 0..<20_000 where !events.contains(event) {
            try await reactor.sleep(for: .milliseconds(2))
        }
        try #require(events.contains(event), "no event \(event) in \(events)")
    }
}

/// Runs `body` with an echo server and a client connected to it, all on one loop.
func withEcho(
    _ change: @escaping @Sendable (inout ServerLimits) -> Void = { _ in },
    client clientLimits: ConnectionLimits = .patient,
    _ body: @escaping @Sendable (EchoServer, TestClient) async throws -> Void
) async throws {
    try await onLoop { _, reactor in
        var limits = ServerLimits.patient
        change(&limits)
        let server = try EchoServer(reactor, limits)
        let client = try TestClient(server.address, reactor, limits: clientLimits)
        try await body(server, client)
        client.connection.abandon()
        await server.server.drain(grace: .zero)
    }
}

extension Payload {
    init(_ value: [UInt8], repeating times: Int = 0) {
        self.init()
        self.value = value
        typeURL = times == 0 ? "" : String(times)
    }
}
