import EventLoops
import Glibc
import HTTP2
import TestSupport
import Testing

@testable import Metrics

/// The listener of collectors, asked over plain sockets.
@Suite struct MetricsServerTests {
    /// Sends bytes on a connection of its own and gives all that came back.
    private func ask(_ request: String) async throws -> String {
        try await onLoop { _, reactor in
            let server = MetricsServer(reactor: reactor) {
                [MetricFamily("up", .gauge, help: "Up.", [.init([], .number(1))])]
            }
            let address = try server.listen(on: #require(SocketAddress("127.0.0.1:0")))
            let stream = try SocketStream.connecting(to: address)
            defer { stream.close() }
            var rest = Array(request.utf8)
            var answer: [UInt8] = []
            for _ in 0..<20_000 {
                if !rest.isEmpty,
                    case .moved(let count) = rest.withUnsafeBytes({ stream.write($0) })
                {
                    rest.removeFirst(count)
                }
                var buffer = [UInt8](repeating: 0, count: 4096)
                switch buffer.withUnsafeMutableBytes({ stream.read(into: $0) }) {
                case .moved(let count): answer += buffer[..<count]
                case .ended, .failed:
                    server.close()
                    return String(decoding: answer, as: UTF8.self)
                case .blocked: try await reactor.sleep(for: .milliseconds(1))
                }
            }
            server.close()
            throw SystemError.last("waited too long")
        }
    }

    @Test("GET /metrics gives the families as text, and the connection ends")
    func metrics() async throws {
        let answer = try await ask("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        #expect(parts.first?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
        #expect(parts.first?.contains("content-type: text/plain; version=0.0.4") == true)
        #expect(parts.last == "# HELP up Up.\n# TYPE up gauge\nup 1\n")
        #expect(answer.contains("content-length: \(parts.last?.utf8.count ?? 0)\r\n"))
    }

    @Test(
        "what is no such request is refused",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "404"), ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            ("nonsense\r\n\r\n", "400"), ("GET /metrics HTTP/2.0\r\n\r\n", "400"),
            (String(repeating: "a", count: 9000), "431"),
        ])
    func refusals(_ request: String, _ status: String) async throws {
        #expect(try await ask(request).hasPrefix("HTTP/1.1 \(status) "))
    }
}
