import EventLoops
import HTTP2
import Messages
import StandardMessages
import TestSupport
import Testing

@testable import RPC

@Suite struct ServerCallTests {
    @Test("a unary call is answered by headers, message and status")
    func unary() async throws {
        try await withEcho { _, client in
            let call = try await client.unary("/test.Echo/Unary", [1, 2, 3])
            #expect(call.header(":status") == "200")
            #expect(call.header("content-type") == "application/grpc")
            #expect(call.responses == [[1, 2, 3]])
            #expect(call.status == .ok)
            #expect(call.message == nil)
            #expect(call.closedCode == .noError)
        }
    }

    @Test("server streaming sends every response in order, and none is fine")
    func serverStreaming() async throws {
        try await withEcho { _, client in
            let call = try client.begin("/test.Echo/Expand")
            call.sendRaw(MessageFrame.bytes(try Wire.encode(Payload([7], repeating: 500))))
            call.end()
            try await call.finished()
            #expect(call.responses == Array(repeating: [7], count: 500))
            #expect(call.status == .ok)
            let none = try await client.unary("/test.Echo/Expand", [7])
            #expect(none.responses.isEmpty)
            #expect(none.status == .ok)
        }
    }

    @Test("a handler may write in one task while another reads")
    func bothAtOnce() async throws {
        try await withEcho { server, client in
            server.onChat = { requests, responses in
                let written = LoopSignal(reactor: server.reactor)
                server.reactor.begin {
                    // More than may be queued: the writer has to wait until the client takes it.
                    for index in 0..<32 {
                        try? await responses.write(Payload([UInt8](repeating: 1, count: 32_768)))
                        server.events.append("wrote \(index)")
                    }
                    written.raise()
                }
                var count: UInt8 = 0
                while try await requests.next() != nil { count += 1 }
                try await written.wait()
                try await responses.write(Payload([count]))
            }
            let call = try client.begin("/test.Echo/Chat")
            call.takes = false
            try await server.waitFor("wrote 4")
            for _ in 0..<3 { try call.send([1]) }
            call.takes = true
            call.take()
            call.end()
            try await call.finished()
            #expect(call.responses.count == 33)
            #expect(call.responses.last == [3])
            #expect(call.status == .ok)
        }
    }

    @Test("several tasks of a handler may wait at once, and each goes on")
    func manyAtOnce() async throws {
        try await withEcho { server, client in
            server.onChat = { requests, responses in
                let writers = 3
                var ended = 0
                let written = LoopSignal(reactor: server.reactor)
                for _ in 0..<writers {
                    server.reactor.begin {
                        // More than may be queued: each writer has to wait for the client.
                        for _ in 0..<8 {
                            try? await responses.write(
                                Payload([UInt8](repeating: 1, count: 32_768)))
                        }
                        ended += 1
                        server.events.append("\(ended) ended")
                        written.raise()
                    }
                }
                server.events.append("began")
                while try await requests.next() != nil {}
                while ended < writers { try await written.wait() }
            }
            let call = try client.begin("/test.Echo/Chat")
            call.takes = false
            try await server.waitFor("began")
            try await server.reactor.sleep(for: .milliseconds(20))
            call.takes = true
            call.take()
            call.end()
            try await call.finished()
            #expect(call.responses.count == 24)
            #expect(call.status == .ok)
            #expect(server.events.contains("3 ended"))
        }
    }

    @Test("client streaming collects every request, also when frames cut them anywhere")
    func clientStreaming() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/test.Echo/Collect")
            var bytes: [UInt8] = []
            for index in 0..<100 {
                bytes += MessageFrame.bytes(try Wire.encode(Payload([UInt8(index)])))
            }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...7)
                call.sendRaw(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
                if Int.random(in: 0..<4) == 0 { try await server.reactor.sleep(for: .zero) }
            }
            call.end()
            try await call.finished()
            #expect(call.responses == [(0..<100).map { UInt8($0) }])
            #expect(call.status == .ok)
        }
    }

    @Test("bidirectional calls answer while the client still talks")
    func bidirectional() async throws {
        try await withEcho { server, client in
            let call = try client.begin("/test.Echo/Chat")
            for index in 1...20 {
                try call.send([UInt8(index)])
                try await call.messages(index)
                #expect(call.responses.last == [UInt8(index)])
            }
            call.end()
            try await call.finished()
            #expect(call.status == .ok)
            #expect(server.events == ["chat ended"])
        }
    }

    @Test("messages of several MiB cross in both directions")
    func large() async throws {
        try await withEcho { _, client in
            let payload = (0..<4_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            for path in ["/test.Echo/Unary", "/test.Echo/Collect", "/test.Echo/Chat"] {
                let call = try await client.unary(path, payload)
                #expect(call.status == .ok)
                #expect(call.responses == [payload], "\(path)")
            }
        }
    }

    @Test("a thousand calls run at once over several connections")
    func thousand() async throws {
        try await withEcho { server, client in
            let clients =
                try [client]
                + (0..<7).map { _ in
                    try TestClient(server.address, server.reactor)
                }
            var calls: [TestCall] = []
            for index in 0..<1000 {
                calls.append(try clients[index % clients.count].begin("/test.Echo/Chat"))
            }
            for _ in 0..<2500 where server.server.handlersRunning < 1000 {
                try await server.reactor.sleep(for: .milliseconds(2))
            }
            #expect(server.server.handlersRunning == 1000)
            for (index, call) in calls.enumerated() {
                try call.send([UInt8(index & 255), UInt8(index >> 8)])
                call.end()
            }
            for (index, call) in calls.enumerated() {
                try await call.finished()
                #expect(call.responses == [[UInt8(index & 255), UInt8(index >> 8)]])
            }
            #expect(server.server.handlersRunning == 0)
        }
    }

    @Test("a thrown status reaches the client with its message and details, without a body")
    func thrownStatus() async throws {
        try await withEcho { server, client in
            server.onUnary = { _, _ in
                throw RPCStatus(.notFound, "no “service” 100%\n", details: [8, 5])
            }
            let call = try await client.unary("/test.Echo/Unary")
            #expect(call.status == .notFound)
            #expect(call.message == "no “service” 100%\n")
            #expect(call.trailer("grpc-status") == "5")
            // The bytes of the details; the call's id comes behind them.
            #expect(call.trailer("grpc-status-details-bin")?.hasPrefix("CAU") == true)
            #expect(call.header(":status") == "200")
            #expect(call.receivedBytes == 0)
            #expect(call.closedCode == .noError)
        }
    }

    @Test("a status after messages comes in the trailers")
    func statusAfterMessages() async throws {
        try await withEcho { server, client in
            server.onChat = { requests, responses in
                try await responses.write(Payload([1]))
                throw RPCStatus(.aborted, "enough")
            }
            let call = try await client.unary("/test.Echo/Chat")
            #expect(call.responses == [[1]])
            #expect(call.status == .aborted)
            #expect(call.trailers != nil)
        }
    }

    @Test("a huge message and huge details stay within what clients accept")
    func boundedStatus() async throws {
        try await withEcho { server, client in
            server.onUnary = { _, _ in
                throw RPCStatus(
                    .internal, String(repeating: "é", count: 100_000),
                    details: [UInt8](repeating: 1, count: 100_000))
            }
            let call = try await client.unary("/test.Echo/Unary")
            #expect(call.status == .internal)
            #expect((call.headers?.listBytes ?? .max) < 8192)
            #expect(call.message?.hasPrefix("éééé") == true)
            #expect(call.trailer("grpc-status-details-bin") == nil)
        }
    }

    @Test("metadata travels both ways, text and bytes")
    func metadata() async throws {
        try await withEcho { server, client in
            server.onUnary = { request, context in
                let bytes = try context.metadata.binaryValues("in-bin").joined()
                context.initialMetadata.append("out", context.metadata["in"] ?? "")
                context.trailingMetadata.append("out-bin", binary: Array(bytes))
                return request
            }
            let call = try await client.unary(
                "/test.Echo/Unary", [], ["in": "value", "in-bin": "Zg==,Zw"])
            #expect(call.header("out") == "value")
            #expect(call.trailer("out-bin") == "Zmc")
            #expect(call.status == .ok)
        }
    }

    @Test("a call of one request refuses none and more than one")
    func cardinality() async throws {
        try await withEcho { _, client in
            for count in [0, 2, 3] {
                let call = try client.begin("/test.Echo/Unary")
                for _ in 0..<count { try call.send([1]) }
                call.end()
                try await call.finished()
                #expect(call.status == .unimplemented)
            }
            // Without an end: more than one is enough to refuse.
            let call = try client.begin("/test.Echo/Unary")
            for _ in 0..<2 { try call.send([1]) }
            try await call.finished()
            #expect(call.status == .unimplemented)
        }
    }

    @Test("bytes that are no message are INTERNAL")
    func undecodable() async throws {
        try await withEcho { _, client in
            let bodies: [[UInt8]] = [
                MessageFrame.bytes([0xFF, 0xFF]), MessageFrame.bytes([], flag: 9),
                MessageFrame.bytes([1], flag: 1), [0, 0, 0, 0, 9, 1], [0, 0],
            ]
            for path in ["/test.Echo/Unary", "/test.Echo/Collect"] {
                for body in bodies {
                    let call = try client.begin(path)
                    call.sendRaw(body)
                    call.end()
                    try await call.finished()
                    #expect(call.status == .internal, "\(path) \(body)")
                }
            }
        }
    }

    @Test("a message over the limit is RESOURCE_EXHAUSTED and the connection goes on")
    func messageLimit() async throws {
        try await withEcho({ $0.message.messageBytesMax = 100_000 }) { _, client in
            for path in ["/test.Echo/Unary", "/test.Echo/Collect"] {
                let call = try client.begin(path)
                call.sendRaw(MessageFrame.bytes([UInt8](repeating: 0, count: 3_000_000)))
                call.end()
                try await call.finished()
                #expect(call.status == .resourceExhausted)
                let next = try await client.unary(path, [UInt8](repeating: 1, count: 90_000))
                #expect(next.status == .ok)
            }
        }
    }

    @Test("what the handler throws that is no status is mapped, or INTERNAL with the request id")
    func errorMapping() async throws {
        struct Known: Error {}
        struct Unknown: Error { let secret = "s3cret" }
        try await onLoop { _, reactor in
            let server = try EchoServer(reactor) {
                $0 is Known ? RPCStatus(.failedPrecondition, "known") : nil
            }
            let client = try TestClient(server.address, reactor)
            server.onUnary = { _, _ in throw Known() }
            let found1 = try await client.unary("/test.Echo/Unary")
            #expect(found1.status == .failedPrecondition)
            var requestID = ""
            server.onUnary = { _, context in
                requestID = context.requestID
                throw Unknown()
            }
            let call = try await client.unary("/test.Echo/Unary")
            #expect(call.status == .internal)
            #expect(call.message == "internal error; request id \(requestID)")
            #expect(requestID.utf8.count >= 18)
        }
    }
}
