import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

@Suite struct InterceptorTests {
    @Test("a status message stays on its line of the log")
    func oneLine() {
        #expect(LogLine.text("plain: ü") == "plain: ü")
        #expect(LogLine.text("a\nb\r\u{1B}[2Jc\u{2028}d") == #"a\u{a}b\u{d}\u{1b}[2Jc\u{2028}d"#)
        #expect(LogLine.text("a\u{202E}b") == #"a\u{202e}b"#)
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

    @Test("an interceptor is around the methods that it is for, registered before it or after")
    func chosenMethods() async throws {
        try await withEcho { server, client in
            server.router.intercept(
                { context, proceed in
                    server.events.append(context.methodPath)
                    try await proceed(context)
                }, where: { $0.hasSuffix("/Expand") || $0.hasSuffix("/Late") })
            server.router.register(
                UnaryMethod<Payload, Payload>(fullServiceName: "test.Echo", name: "Late")
            ) { request, _ in request }
            for path in ["Unary", "Expand", "Late"] {
                _ = try await client.unary("/test.Echo/\(path)")
            }
            #expect(server.events == ["/test.Echo/Expand", "/test.Echo/Late"])
        }
    }

    @Test("observers hear of the beginning in order, and of the end in the opposite one")
    func observers() async throws {
        try await withEcho { server, client in
            for name in ["outer", "inner"] {
                server.router.observe(
                    CallObserver(
                        begins: { _ in server.events.append("\(name) begins") },
                        ends: { server.events.append("\(name): \($1?.code.name ?? "OK")") }))
            }
            server.router.intercept { context, proceed in
                server.events.append("interceptor")
                try await proceed(context)
            }
            server.onUnary = { request, _ in request }
            _ = try await client.unary("/test.Echo/Unary")
            #expect(
                server.events == [
                    "outer begins", "inner begins", "interceptor", "inner: OK", "outer: OK",
                ])
            server.events = []
            server.onUnary = { _, _ in throw RPCStatus(.notFound, "nothing there") }
            _ = try await client.unary("/test.Echo/Unary")
            #expect(server.events.suffix(2) == ["inner: NOT_FOUND", "outer: NOT_FOUND"])
        }
    }

    @Test("an observer that throws refuses the call: those before it hear of its end, nobody else")
    func observerRefuses() async throws {
        try await withEcho { server, client in
            server.router.observe(
                CallObserver { server.events.append("first: \($1?.code.name ?? "OK")") })
            server.router.observe(
                CallObserver(
                    begins: { _ in throw RPCStatus(.resourceExhausted, "enough") },
                    ends: { _, _ in server.events.append("second") }))
            server.router.observe(
                CallObserver(
                    begins: { _ in server.events.append("third begins") },
                    ends: { _, _ in server.events.append("third") }))
            server.onUnary = { request, _ in
                server.events.append("handled")
                return request
            }
            for path in ["Unary", "Expand", "Collect", "Chat"] {
                server.events = []
                let call = try await client.unary("/test.Echo/\(path)")
                #expect(call.status == .resourceExhausted)
                #expect(server.events == ["first: RESOURCE_EXHAUSTED"])
            }
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
        let log = CapturedLog()
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor, logger: log.logger)
            server.router.observe(.callLog(log.logger))
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
        let log = CapturedLog()
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor, logger: log.logger)
            let client = try TestClient(server.address, reactor)
            server.onUnary = { _, _ in throw Unknown() }
            let message = try await client.unary("/test.Echo/Unary").message ?? ""
            let id = try #require(message.split(separator: " ").last)
            #expect(log.lines.count == 1)
            #expect(log.lines.first?.contains(id) == true)
        }
    }
}
