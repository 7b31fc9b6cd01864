import BerthMessages
import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Streams that anyone may keep open.
@Suite struct AnonymousStreamsTests {
    private static let reflection =
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

    /// Runs `body` with a server that has health and reflection under these limits.
    private func withServices(
        _ change: @escaping @Sendable (inout ServerLimits) -> Void,
        _ body: @escaping @Sendable (EchoServer, TestClient) async throws -> Void
    ) async throws {
        try await withEcho(change) { server, client in
            var limits = ServerLimits()
            change(&limits)
            let streams = AnonymousStreams(limits)
            HealthService(reactor: server.reactor, streams: streams).register(on: server.router)
            let reflection = try ReflectionService(
                fileDescriptorSet: BerthDescriptors.fileDescriptorSet, streams: streams)
            reflection.register(on: server.router)
            try await body(server, client)
        }
    }

    private func watch(_ client: TestClient) throws -> TestCall {
        let call = try client.begin("/grpc.health.v1.Health/Watch")
        call.sendRaw(MessageFrame.bytes([]))
        call.end()
        return call
    }

    /// Waits for the first response.
    private func answered(_ call: TestCall) async throws {
        try await call.until { !call.frames.isEmpty || call.closedCode != nil }
        #expect(!call.frames.isEmpty, "\(call.message ?? "")")
    }

    @Test("one connection has no more of them than its limit, and others are served")
    func perConnection() async throws {
        try await withServices({ $0.anonymousStreamsPerConnectionMax = 2 }) { server, client in
            let first = try watch(client)
            let second = try client.begin(Self.reflection)
            try await answered(first)
            try await second.until { server.server.handlersRunning == 2 }
            let third = try watch(client)
            try await third.finished()
            #expect(third.status == .resourceExhausted)
            #expect(third.message?.contains("anonymousStreamsPerConnectionMax (2)") == true)
            let other = try TestClient(server.address, server.reactor)
            let elsewhere = try watch(other)
            try await answered(elsewhere)
            // Another ends, so there is room again.
            second.cancel()
            try await second.until { server.server.handlersRunning == 2 }
            let again = try watch(client)
            try await answered(again)
            #expect(again.status == nil)
        }
    }

    @Test("all connections together have no more of them than the loop's limit; calls go on")
    func perLoop() async throws {
        try await withServices({
            $0.anonymousStreamsMax = 4
            // As many as all handlers may be: the rest is what others have.
            $0.handlersRunningMax = 6
        }) { server, client in
            let greedy = try (0..<4).map { _ in try TestClient(server.address, server.reactor) }
            let held = try greedy.map { try watch($0) }
            for call in held { try await answered(call) }
            let refused = try await client.unary(Self.reflection)
            #expect(refused.status == .resourceExhausted)
            #expect(refused.message?.contains("anonymousStreamsMax (4)") == true)
            let check = try await client.unary("/grpc.health.v1.Health/Check")
            #expect(check.status == .ok)
            let call = try await client.unary("/test.Echo/Unary", [1])
            #expect(call.status == .ok)
            for call in held { call.cancel() }
            try await refused.until { server.server.handlersRunning == 0 }
            let watched = try watch(client)
            try await answered(watched)
        }
    }

    @Test("a stream of reflection that asks nothing for its time is ended; one that asks goes on")
    func idle() async throws {
        try await withServices({ $0.anonymousStreamIdleTimeMax = .seconds(6) }) {
            server, client in
            let silent = try client.begin(Self.reflection)
            let busy = try client.begin(Self.reflection)
            let question = GRPCReflectionV1.ServerReflectionRequest.with {
                $0.messageRequest = .listServices("")
            }
            let frame = MessageFrame.bytes(try Wire.encode(question))
            var asked = 0
            while silent.closedCode == nil {
                busy.sendRaw(frame)
                asked += 1
                try await busy.until { busy.frames.count == asked }
                try await server.reactor.sleep(for: .milliseconds(50))
            }
            #expect(silent.status == .resourceExhausted)
            #expect(silent.message?.contains("anonymousStreamIdleTimeMax") == true)
            #expect(busy.closedCode == nil)
            try await busy.finished()
            #expect(busy.status == .resourceExhausted)
            #expect(server.server.handlersRunning == 0)
        }
    }
}
