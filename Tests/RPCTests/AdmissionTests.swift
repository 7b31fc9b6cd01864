import EventLoops
import HTTP2
import Messages
import Metrics
import Testing

@testable import RPC

/// What is asked of a call before anything of its request is taken, and how large that may be.
@Suite struct AdmissionTests {
    @Test("a call that is not admitted is refused before its request comes; others are as before")
    func refused() async throws {
        try await withEcho { server, client in
            server.router.admit(where: { $0 == "/test.Echo/Unary" || $0 == "/test.Echo/Chat" }) {
                guard $0.metadata["pass"] == "yes" else {
                    throw RPCStatus(.unauthenticated, "no pass")
                }
            }
            for path in ["/test.Echo/Unary", "/test.Echo/Chat"] {
                let call = try client.begin(path)
                // Nothing was sent, and nothing has to be.
                try await call.finished()
                #expect(call.status == .unauthenticated)
                #expect(call.message == "no pass")
            }
            #expect(server.server.handlersRunning == 0)
            #expect(server.server.callsOpen == 0)
            let passed = try await client.unary("/test.Echo/Unary", [7], ["pass": "yes"])
            #expect(passed.responses == [[7]])
            let other = try client.begin("/test.Echo/Collect")
            try other.send([1])
            other.end()
            try await other.finished()
            #expect(other.responses == [[1]])
        }
    }

    @Test("a method's own limit of bytes holds for its requests, compressed ones too")
    func requestLimits() async throws {
        try await withEcho { server, client in
            var small = server.server.limits.message
            small.messageBytesMax = 1000
            server.router.limitRequests(to: small) { $0 == "/test.Echo/Unary" }
            let payload = [UInt8](repeating: 1, count: 2000)
            let large = try client.begin("/test.Echo/Unary")
            // As soon as the length is there.
            large.sendRaw([0, 0, 0, 8, 0])
            try await large.finished()
            #expect(large.status == .resourceExhausted)
            #expect(
                large.message == "a message has 2048 bytes; the limit is 1000 (requestBytesMax)")

            let bytes = try Wire.encode(Payload(payload))
            let zipped = try client.begin("/test.Echo/Unary", ["grpc-encoding": "gzip"])
            let frame = MessageFrame.bytes(try Gzip().compress(bytes.span))
            zipped.sendRaw([1] + frame.dropFirst())
            zipped.end()
            try await zipped.finished()
            #expect(zipped.status == .resourceExhausted)
            #expect(zipped.message?.contains("(requestBytesMax)") == true)

            let other = try client.begin("/test.Echo/Collect")
            try other.send(payload)
            other.end()
            try await other.finished()
            #expect(other.responses == [payload], "the other methods have the server's limit")
        }
    }

    @Test("what is refused by a limit counts among the method's own calls")
    func counted() async throws {
        try await withEcho({ $0.callsOpenMax = 0 }) { server, client in
            _ = try await client.unary("/test.Echo/Unary")
            _ = try await client.unary("/test.Echo/None")
            let families = server.server.metricFamilies()
            let text = PrometheusText.render(families)
            #expect(text.contains(#"grpc_method="Unary",grpc_code="RESOURCE_EXHAUSTED"} 1"#))
            #expect(text.contains("grpc_server_refused_total 1"))
        }
    }
}
