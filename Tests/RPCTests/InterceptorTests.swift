import EventLoops
import HTTP2
import Logging
import StandardMessages
import Synchronization
import TestSupport
import Testing

@testable import RPC

@Suite struct InterceptorTests {
    @Test("a status message stays on its line of the log")
    func oneLine() {
        #expect(Interceptors.oneLine("plain: ü") == "plain: ü")
        #expect(
            Interceptors.oneLine("a\nb\r\u{1B}[2Jc\u{2028}d") == #"a\u{a}b\u{d}\u{1b}[2Jc\u{2028}d"#
        )
    }

    private enum Caller: CallContextKey { typealias Value = String }

    @Test("interceptors run in order around the handler and hand it values")
    func order() async throws {
        try await withEcho { server, client in
            for name in ["outer", "inner"] {
                server.router.intercept { context, proceed in
                    server.events.append("\(name) before")
                    context[Caller.self] = name
                    try await proceed(context)
                    server.events.append("\(name) after")
                }
            }
            server.onUnary = { request, context in
                server.events.append("handler for \(context[Caller.self] ?? "nobody")")
                return request
            }
            let found9 = try await client.unary("/test.Echo/Unary")
            #expect(found9.status == .ok)
            #expect(
                server.events == [
                    "outer before", "inner before", "handler for inner", "inner after",
                    "outer after",
                ])
        }
    }

    @Test("an interceptor that throws refuses the call before its handler, whatever its kind")
    func refuses() async throws {
        try await withEcho { server, client in
            server.router.intercept { context, proceed in
                guard context.metadata["authorization"] == "Bearer t" else {
                    throw RPCStatus(.unauthenticated, "a token is needed")
                }
                try await proceed(context)
            }
            server.onUnary = { request, _ in
                server.events.append("handled")
                return request
            }
            for path in ["Unary", "Expand", "Collect", "Chat"] {
                let call = try await client.unary("/test.Echo/\(path)")
                #expect(call.status == .unauthenticated)
            }
            #expect(server.events.isEmpty)
            let call = try await client.unary(
                "/test.Echo/Unary", [], ["authorization": "Bearer t"])
            #expect(call.status == .ok)
        }
    }

    @Test("interceptors see every failure as a status")
    func seesStatus() async throws {
        struct Unknown: Error {}
        try await withEcho { server, client in
            server.router.intercept { context, proceed in
                do {
                    try await proceed(context)
                } catch let status as RPCStatus {
                    server.events.append(status.code.name)
                    throw status
                }
            }
            server.onUnary = { _, _ in throw Unknown() }
            let found10 = try await client.unary("/test.Echo/Unary")
            #expect(found10.status == .internal)
            #expect(server.events == ["INTERNAL"])
        }
    }

    @Test("the call log names method, status and request id, and no metadata")
    func callLog() async throws {
        let log = LogRecord()
        try await onLoop { _, reactor in
            var logger = Logger(label: "test", factory: { _ in log })
            logger.logLevel = .trace
            let server = try EchoServer(reactor, logger: logger)
            server.router.intercept(Interceptors.callLog(logger))
            let client = try TestClient(server.address, reactor)
            var requestID = ""
            server.onUnary = { request, context in
                requestID = context.requestID
                return request
            }
            _ = try await client.unary("/test.Echo/Unary", [], ["authorization": "Bearer s3cret"])
            let first = try #require(log.lines.first)
            #expect(first.contains("/test.Echo/Unary"))
            #expect(first.contains("OK"))
            #expect(first.contains(requestID))
            server.onUnary = { _, _ in throw RPCStatus(.notFound, "nothing there") }
            _ = try await client.unary("/test.Echo/Unary", [], ["authorization": "Bearer s3cret"])
            #expect(log.lines.last?.contains("NOT_FOUND") == true)
            #expect(!log.lines.joined().contains("s3cret"))
        }
    }

    @Test("an unknown error is logged with the id that the caller has")
    func unknownErrorLogged() async throws {
        struct Unknown: Error {}
        let log = LogRecord()
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor, logger: Logger(label: "t", factory: { _ in log }))
            let client = try TestClient(server.address, reactor)
            server.onUnary = { _, _ in throw Unknown() }
            let message = try await client.unary("/test.Echo/Unary").message ?? ""
            let id = try #require(message.split(separator: " ").last)
            #expect(log.lines.count == 1)
            #expect(log.lines.first?.contains(id) == true)
        }
    }
}

/// A log handler that keeps its lines.
final class LogRecord: LogHandler {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).map { "\($0)=\($1)" }.sorted().joined(separator: " ")
        state.withLock { $0.append("\(event.level) \(event.message) \(fields)") }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
}
