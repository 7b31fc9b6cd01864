import EventLoops
import HTTP2
import TestSupport
import Testing

@testable import RPC

/// `/`, which is no call: what HTTP clients and HTTP/2 conformance tools ask for.
@Suite struct PlainAnswerTests {
    @Test("the page is sent once the request is there, and not before")
    func waits() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/", ["content-type": ""])
            call.sendRaw([1, 2, 3])
            // Another whole call goes by meanwhile.
            let other = try await client.unary("/test.Echo/Unary", [1])
            #expect(other.status == .ok)
            #expect(call.headers == nil)
            call.end()
            try await call.finished()
            #expect(call.header(":status") == "200")
            #expect(call.closedCode == .noError)
        }
    }

    @Test("a request that never ends is answered in time all the same")
    func inTime() async throws {
        try await withEcho({ $0.plainRequestTimeMax = .milliseconds(50) }) { server, client in
            let call = try client.begin("/", ["content-type": ""])
            try await call.finished()
            #expect(call.header(":status") == "200")
        }
    }

    @Test("a body of any length is dropped, not kept")
    func dropped() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/", ["content-type": ""])
            // More than the connection's window: it must be given back.
            for _ in 0..<32 { call.sendRaw([UInt8](repeating: 0, count: 100_000)) }
            call.end()
            try await call.finished()
            #expect(call.header(":status") == "200")
        }
    }
}
