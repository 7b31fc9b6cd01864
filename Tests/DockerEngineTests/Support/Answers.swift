@testable import DockerEngine

/// Bytes of HTTP/1.1 answers.
enum Answers {
    static let engineVersion =
        #"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux"}"#

    static func json(_ body: String, status: String = "200 OK") -> [UInt8] {
        whole(body, status: status, type: "application/json")
    }

    static func whole(_ body: String, status: String = "200 OK", type: String) -> [UInt8] {
        Array(
            """
            HTTP/1.1 \(status)\r
            Content-Type: \(type)\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }

    static func chunkedHead(_ type: String = "application/json") -> [UInt8] {
        Array(
            "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
    }

    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    static let lastChunk = Array("0\r\n\r\n".utf8)
}

extension FakeEngine {
    /// An engine that tells its version properly and answers everything else by these steps.
    convenience init(
        afterVersion answer: @escaping @Sendable (String) -> [Step]
    ) throws {
        try self.init { request in
            request.hasPrefix("GET /version ")
                ? [.send(Answers.json(Answers.engineVersion))] : answer(request)
        }
    }

    /// An engine that answers everything but the version by these bytes.
    convenience init(answering bytes: [UInt8], thenCloses: Bool = false) throws {
        try self.init(afterVersion: { _ in thenCloses ? [.send(bytes), .close] : [.send(bytes)] })
    }
}

/// What a call threw.
func thrown<Value>(_ body: () async throws(DockerError) -> Value) async -> DockerError? {
    do throws(DockerError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
