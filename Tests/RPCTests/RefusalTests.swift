import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

/// Requests that never become calls, and calls whose handler never begins: the id that their caller
/// and the log have.
@Suite struct RefusalTests {
    /// The id in `grpc-status-details-bin`.
    private static func requestID(in call: TestCall) throws -> String? {
        guard let text = call.trailer("grpc-status-details-bin") else { return nil }
        let bytes = try #require(MetadataBase64.decode(Array(text.utf8)[...]))
        let status = try Wire.decode(GoogleRPC.Status.self, from: bytes)
        #expect(UInt8(status.code) == call.status?.rawValue)
        #expect(status.message == call.message ?? "")
        for detail in status.details {
            if let info = try detail.unpacked(as: GoogleRPC.RequestInfo.self) {
                return info.requestID
            }
        }
        return nil
    }

    /// Runs `body` with a server that writes to the log given.
    private func withLog(
        _ change: @escaping @Sendable (inout ServerLimits) -> Void = { _ in },
        _ body: @escaping @Sendable (EchoServer, TestClient, CapturedLog) async throws -> Void
    ) async throws {
        try await onLoop { _, reactor in
            let log = CapturedLog()
            var limits = ServerLimits.patient
            change(&limits)
            let server = try EchoServer(
                reactor, limits, logger: log.logger)
            let client = try TestClient(server.address, reactor)
            try await body(server, client, log)
            client.connection.abandon()
            await server.server.drain(grace: .zero)
        }
    }

    @Test(
        "a request that is refused by a gRPC status names the id that its log line has",
        arguments: [
            ("/test.Echo/Nope", ["x": "y"], StatusCode.unimplemented),
            ("/test.Echo/Unary", ["content-type": "application/grpc+json"], .unimplemented),
            ("/test.Echo/Unary", ["grpc-encoding": "br"], .unimplemented),
            ("/test.Echo/Unary", ["grpc-timeout": "soon"], .internal),
            ("/test.Echo/Unary", ["x": String(repeating: "v", count: 20_000)], .resourceExhausted),
            ("/test.Echo/Chat", ["content-type": "application/grpc-web"], .unimplemented),
        ])
    func byStatus(path: String, fields: [String: String], code: StatusCode) async throws {
        try await withLog { _, client, log in
            let call = try client.begin(path, pairs: fields.map { ($0.key, $0.value) })
            call.end()
            try await call.finished()
            #expect(call.status == code)
            let id = try #require(try Self.requestID(in: call))
            #expect(log.lines.count == 1)
            let line = try #require(log.lines.first)
            for part in ["info: request refused", "request_id=\(id)", "status=\(code.name)", path] {
                #expect(line.contains(part), "\(line)")
            }
            #expect(line.contains("peer=127.0.0.1:"))
        }
    }

    @Test(
        "a request that is refused by an HTTP status has the id in its body",
        arguments: [
            (":method", "PUT", "405"), ("content-type", "text/plain", "415"),
            ("host", "other", "400"),
        ])
    func byHTTP(field: String, value: String, http: String) async throws {
        try await withLog { _, client, log in
            let call = try client.begin("/test.Echo/Unary", pairs: [(field, value)])
            call.end()
            try await call.finished()
            #expect(call.header(":status") == http)
            let line = try #require(log.lines.first)
            #expect(log.lines.count == 1)
            #expect(line.contains("reason=HTTP \(http)"))
            let id = try #require(call.body.split(separator: "\n").last?.split(separator: " ").last)
            #expect(line.contains("request_id=\(id)"))
        }
    }

    @Test("limits that are reached refuse with an id too, and / is no refusal")
    func limits() async throws {
        try await withLog({ $0.callsOpenMax = 0 }) { _, client, log in
            let call = try await client.unary("/test.Echo/Unary")
            #expect(call.status == .resourceExhausted)
            let id = try #require(try Self.requestID(in: call))
            #expect(log.lines.first?.contains("request_id=\(id)") == true)
            #expect(log.lines.first?.contains("callsOpenMax") == true)
            let page = try client.begin("/", [":method": "GET", "content-type": ""])
            page.end()
            try await page.finished()
            #expect(page.header(":status") == "200")
            #expect(!page.body.contains("equest"))
            #expect(log.lines.count == 1)
        }
    }

    /// How many lines a burst and one more a second allow: seconds are counted from before `begin`, when
    /// the server was made.
    private static func linesMax(_ burst: Int, since begin: Instant) -> Int {
        burst + 1 + Int(begin.duration(to: .now()).components.seconds)
    }

    @Test("a flood writes as many lines as refusalsLogged allows, and the next says what it cost")
    func flood() async throws {
        try await withLog({ $0.refusalsLogged = .init(burst: 3, perSecond: 1) }) {
            server, client, log in
            let begin = Instant.now()
            for _ in 0..<100 {
                let call = try await client.unary("/test.Echo/Nope")
                #expect(try Self.requestID(in: call) != nil)
            }
            #expect((3...Self.linesMax(3, since: begin)).contains(log.lines.count))
            var sent = 100
            var before = 0
            // Until the last of them has a line, which tells of others.
            repeat {
                try #require(begin.duration(to: .now()) < .seconds(60))
                try await server.reactor.sleep(for: .milliseconds(20))
                before = log.lines.count
                _ = try await client.unary("/test.Echo/Nope")
                sent += 1
            } while log.lines.count == before || log.lines.last?.contains("unlogged=") != true
            // Whatever has no line is told by a later one.
            let unlogged = log.lines.flatMap { $0.split(separator: " ") }
                .filter { $0.hasPrefix("unlogged=") }.compactMap { Int($0.dropFirst(9)) }
            #expect(log.lines.last?.contains("unlogged=") == true)
            #expect(unlogged.reduce(log.lines.count, +) == sent)
        }
    }

    @Test("a caller's path stays on its line of the log, and is cut")
    func hostilePath() async throws {
        try await withLog { _, client, log in
            let path = "/x\u{2028}forged/" + String(repeating: "y", count: 5000)
            _ = try await client.unary(path)
            let line = try #require(log.lines.first)
            #expect(line.unicodeScalars.allSatisfy { $0 != "\u{2028}" && $0 != "\n" })
            #expect(line.utf8.count < 1000)
        }
    }

    @Test("a deadline that passes before the request is whole is told and logged by one id")
    func beforeTheHandler() async throws {
        try await withLog { _, client, log in
            let call = try client.begin("/test.Echo/Unary", ["grpc-timeout": "20m"])
            try await call.finished()
            #expect(call.status == .deadlineExceeded)
            let id = try #require(try Self.requestID(in: call))
            let line = try #require(log.lines.first)
            for part in ["before its handler began", "request_id=\(id)", "DEADLINE_EXCEEDED"] {
                #expect(line.contains(part), "\(line)")
            }
        }
    }

    @Test("the call log says of a handler that was cancelled what its caller was told")
    func abortedHandler() async throws {
        try await withLog { server, client, log in
            server.router.observe(.callLog(log.logger))
            server.onUnary = { request, _ in
                try await server.reactor.sleep(for: .seconds(30))
                return request
            }
            let call = try await client.unary("/test.Echo/Unary", [], ["grpc-timeout": "20m"])
            #expect(call.status == .deadlineExceeded)
            let id = try #require(try Self.requestID(in: call))
            try await call.until { !log.lines.isEmpty }
            #expect(log.lines.count == 1)
            #expect(log.lines.first?.contains("status=DEADLINE_EXCEEDED") == true)
            #expect(log.lines.first?.contains("request_id=\(id)") == true)
        }
    }

    @Test("requests that cannot be read are their callers' fault: no errors, at the refusals' rate")
    func malformed() async throws {
        try await withLog({
            $0.refusalsLogged = .init(burst: 3, perSecond: 1)
            $0.message.messageBytesMax = 1000
        }) { server, client, log in
            server.router.observe(.callLog(log.logger))
            let bodies: [([UInt8], StatusCode)] = [
                (MessageFrame.bytes([0xFF, 0xFF]), .internal),
                (MessageFrame.bytes([], flag: 2), .internal),
                (MessageFrame.bytes([1, 2], flag: 1), .internal), ([0, 0], .internal),
                (MessageFrame.bytes([UInt8](repeating: 0, count: 2000)), .resourceExhausted),
            ]
            let begin = Instant.now()
            for path in ["/test.Echo/Unary", "/test.Echo/Collect", "/test.Echo/Chat"] {
                for (body, code) in bodies {
                    let call = try client.begin(path)
                    call.sendRaw(body)
                    call.end()
                    try await call.finished()
                    #expect(call.status == code)
                    #expect(try Self.requestID(in: call) != nil)
                }
            }
            #expect((3...Self.linesMax(3, since: begin)).contains(log.lines.count))
            for line in log.lines {
                #expect(line.hasPrefix("info: request malformed"), "\(line)")
                #expect(line.contains("request_id="))
            }
        }
    }

    @Test("calls without a good credential are logged at the refusals' rate, whatever the call log")
    func unauthenticated() async throws {
        try await withLog({ $0.refusalsLogged = .init(burst: 3, perSecond: 1) }) {
            server, client, log in
            server.router.observe(.callLog(log.logger))
            server.onUnary = { _, _ in throw RPCStatus(.unauthenticated, "no such token") }
            let begin = Instant.now()
            for _ in 0..<20 {
                let call = try await client.unary("/test.Echo/Unary")
                #expect(call.status == .unauthenticated)
            }
            let linesMax = Self.linesMax(3, since: begin)
            #expect((3...linesMax).contains(log.lines.count), "\(log.lines)")
            for line in log.lines {
                #expect(line.hasPrefix("info: call unauthenticated"), "\(line)")
                #expect(line.contains("request_id="))
            }
        }
    }

    @Test("a response that cannot be encoded stays a fault of ours, logged as an error")
    func unencodable() async throws {
        try await withLog { server, client, log in
            server.router.observe(.callLog(log.logger))
            server.onUnary = { _, _ in .with { $0.typeURL = "a\u{0}b" } }
            let call = try await client.unary("/test.Echo/Unary")
            #expect(call.status == .internal)
            #expect(log.lines.first?.hasPrefix("error: call") == true, "\(log.lines)")
        }
    }

    @Test("connections beyond the limit are logged at the same rate")
    func connections() async throws {
        try await withLog({
            $0.connectionsMax = 1
            $0.refusalsLogged = .init(burst: 2, perSecond: 1)
        }) { server, client, log in
            _ = try await client.unary("/test.Echo/Unary")
            let begin = Instant.now()
            for _ in 0..<10 {
                let refused = try TestClient(server.address, server.reactor)
                for _ in 0..<2500 where !refused.isClosed {
                    try await server.reactor.sleep(for: .milliseconds(2))
                }
                #expect(refused.isClosed)
            }
            #expect((2...Self.linesMax(2, since: begin)).contains(log.lines.count))
            #expect(log.lines.first?.contains("connectionsMax") == true)
            #expect(log.lines.first?.contains("peer=127.0.0.1:") == true)
        }
    }
}
