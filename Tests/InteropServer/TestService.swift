import EventLoops
import InteropMessages
import Messages
import RPC

/// `grpc.testing.TestService` as the published descriptions of the interoperability tests want it.
/// `UnimplementedCall` stays without a handler.
final class TestService {
    private let reactor: Reactor

    init(reactor: Reactor) { self.reactor = reactor }

    func register(on router: Router) {
        typealias Methods = GRPCTesting.TestServiceMethods
        router.register(Methods.emptyCall) { request, _ in request }
        router.register(Methods.unaryCall) { request, context in
            try self.unary(request, context)
        }
        router.register(Methods.cacheableUnaryCall) { request, context in
            try self.cacheable(request, context)
        }
        router.register(Methods.streamingOutputCall) { request, responses, context in
            try await self.respond(to: request, responses, context)
        }
        router.register(Methods.streamingInputCall) { requests, context in
            try await self.sum(requests, context)
        }
        router.register(Methods.fullDuplexCall) { requests, responses, context in
            while let request = try await requests.next() {
                try await self.respond(to: request, responses, context)
            }
        }
        router.register(Methods.halfDuplexCall) { requests, responses, context in
            var waiting: [GRPCTesting.StreamingOutputCallRequest] = []
            while let request = try await requests.next() {
                guard waiting.count < TestService.requestsHeldMax else {
                    throw RPCStatus(.resourceExhausted, "more requests than requestsHeldMax")
                }
                waiting.append(request)
            }
            for request in waiting { try await self.respond(to: request, responses, context) }
        }
    }

    /// The requests that HalfDuplexCall holds until the last has come.
    private static let requestsHeldMax = 1024

    private func unary(
        _ request: GRPCTesting.SimpleRequest, _ context: CallContext
    ) throws -> GRPCTesting.SimpleResponse {
        try checkCompression(request.expectCompressed, context)
        try EchoedStatus.throwIfAsked(request.responseStatus)
        context.compressesResponses = request.responseCompressed?.value ?? false
        return try .with {
            $0.payload = try payload(request.responseType, request.responseSize)
            if request.fillServerID { $0.serverID = "interop-server" }
        }
    }

    /// A proxy that keeps the answer gives the same one again.
    private func cacheable(
        _ request: GRPCTesting.SimpleRequest, _ context: CallContext
    ) throws -> GRPCTesting.SimpleResponse {
        try EchoedStatus.throwIfAsked(request.responseStatus)
        context.initialMetadata.append("cache-control", "max-age=60, public")
        return .with { response in
            response.payload = .with { $0.body = Array("\(Instant.now().nanoseconds)".utf8) }
        }
    }

    private func respond(
        to request: GRPCTesting.StreamingOutputCallRequest,
        _ responses: ResponseWriter<GRPCTesting.StreamingOutputCallResponse>,
        _ context: CallContext
    ) async throws {
        for parameters in request.responseParameters {
            if parameters.intervalUs > 0 {
                try await reactor.sleep(for: .microseconds(parameters.intervalUs))
            }
            // Never nil: the first response says whether later ones may be compressed.
            context.compressesResponses = parameters.compressed?.value ?? false
            let payload = try payload(request.responseType, parameters.size)
            try await responses.write(.with { $0.payload = payload })
        }
        try EchoedStatus.throwIfAsked(request.responseStatus)
    }

    private func sum(
        _ requests: RequestStream<GRPCTesting.StreamingInputCallRequest>, _ context: CallContext
    ) async throws -> GRPCTesting.StreamingInputCallResponse {
        var total = 0
        while let request = try await requests.next() {
            try checkCompression(request.expectCompressed, context)
            total += request.payload?.body.count ?? 0
        }
        return .with { $0.aggregatedPayloadSize = Int32(clamping: total) }
    }

    private func checkCompression(
        _ expected: GRPCTesting.BoolValue?, _ context: CallContext
    ) throws {
        guard let expected, expected.value != context.isRequestCompressed else { return }
        throw RPCStatus(
            .invalidArgument,
            expected.value
                ? "a compressed request was expected" : "an uncompressed request was expected")
    }

    private func payload(
        _ type: GRPCTesting.PayloadType, _ size: Int32
    ) throws -> GRPCTesting.Payload {
        guard type == .compressable else {
            throw RPCStatus(.invalidArgument, "the payload type is unknown")
        }
        guard size >= 0 else { throw RPCStatus(.invalidArgument, "the size is negative") }
        guard size <= MessageLimits.standard.messageBytesMax else {
            throw RPCStatus(.resourceExhausted, "a message exceeds the limit messageBytesMax")
        }
        return .with { $0.body = [UInt8](repeating: 0, count: Int(size)) }
    }
}
