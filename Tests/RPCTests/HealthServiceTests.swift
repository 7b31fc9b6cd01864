import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

@Suite struct HealthServiceTests {
    private typealias Status = HealthService.ServingStatus

    private static func statuses(_ call: TestCall) -> [HealthService.ServingStatus] {
        call.frames.compactMap {
            try? Wire.decode(GRPCHealthV1.HealthCheckResponse.self, from: $0.bytes).status
        }
    }

    private static func begin(
        _ client: TestClient, _ method: String, _ service: String
    ) throws -> TestCall {
        let call = try client.begin("/grpc.health.v1.Health/\(method)")
        let request = GRPCHealthV1.HealthCheckRequest.with { $0.service = service }
        call.sendRaw(MessageFrame.bytes(try Wire.encode(request)))
        call.end()
        return call
    }

    private func withHealth(
        _ body: @escaping @Sendable (HealthService, EchoServer, TestClient) async throws -> Void
    ) async throws {
        try await withEcho { server, client in
            let health = HealthService(reactor: server.reactor)
            health.register(on: server.router)
            try await body(health, server, client)
        }
    }

    @Test("Check says how the server and its services are, NOT_FOUND for others")
    func check() async throws {
        try await withHealth { health, _, client in
            health.set(.notServing, for: "a.B")
            for (service, expected) in [("", Status.serving), ("a.B", .notServing)] {
                let call = try Self.begin(client, "Check", service)
                try await call.finished()
                #expect(Self.statuses(call) == [expected])
            }
            let unknown = try Self.begin(client, "Check", "a.C")
            try await unknown.finished()
            #expect(unknown.status == .notFound)
        }
    }

    @Test("List says how everything is")
    func list() async throws {
        try await withHealth { health, _, client in
            health.set(.notServing, for: "a.B")
            let call = try Self.begin(client, "List", "")
            try await call.finished()
            let answer = try Wire.decode(
                GRPCHealthV1.HealthListResponse.self, from: #require(call.frames.first).bytes)
            #expect(answer.statuses.mapValues(\.status) == ["": .serving, "a.B": .notServing])
        }
    }

    @Test("Watch tells the status and each change, SERVICE_UNKNOWN while there is no service")
    func watch() async throws {
        try await withHealth { health, server, client in
            let call = try Self.begin(client, "Watch", "a.B")
            try await call.until { Self.statuses(call).count == 1 }
            health.set(.serving, for: "a.B")
            try await call.until { Self.statuses(call).count == 2 }
            health.set(.serving, for: "a.B")
            health.set(.notServing, for: "other")
            health.set(.notServing, for: "a.B")
            try await call.until { Self.statuses(call).count == 3 }
            health.remove("a.B")
            try await call.until { Self.statuses(call).count == 4 }
            #expect(
                Self.statuses(call) == [.serviceUnknown, .serving, .notServing, .serviceUnknown])
            call.cancel()
            try await call.until { server.server.handlersRunning == 0 }
        }
    }

    @Test("stopping tells NOT_SERVING for good and ends the watches")
    func stop() async throws {
        try await withHealth { health, _, client in
            let call = try Self.begin(client, "Watch", "")
            try await call.until { Self.statuses(call).count == 1 }
            health.stop()
            health.set(.serving)
            try await call.finished()
            #expect(Self.statuses(call) == [.serving, .notServing])
            #expect(call.status == .unavailable)
            let check = try Self.begin(client, "Check", "")
            try await check.finished()
            #expect(Self.statuses(check) == [.notServing])
        }
    }
}
