import Foundation

/// A page in a real browser that calls by `fetch`.
enum Browser {
    /// One call of the page.
    struct Call {
        let url: String
        let type: String
        /// The request's body as it travels.
        let body: [UInt8]
        var metadata: [String: String] = [:]

        /// A gRPC-Web call of an empty message; in text it is base64.
        init(_ url: String, _ method: String, isText: Bool, token: String?) {
            self.url = "\(url)/\(method)"
            type = isText ? "application/grpc-web-text+proto" : "application/grpc-web+proto"
            let frame = [UInt8](repeating: 0, count: 5)
            body = isText ? Array(Data(frame).base64EncodedString().utf8) : frame
            if let token { metadata["authorization"] = "Bearer \(token)" }
        }
    }

    /// What the page got.
    struct Answer {
        let status: Double
        let headers: JSON
        /// The body's frames, decoded when they came as base64.
        let frames: [(flag: UInt8, bytes: [UInt8])]
        /// What `fetch` threw; empty when it did not.
        let error: String

        /// The text of the frame that holds the status.
        var trailers: String {
            frames.last { $0.flag == 0x80 }.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        }
    }

    /// Opens one page and makes the calls in order.
    static func run(_ calls: [Call]) throws -> [Answer] {
        let wish: JSON = [
            "chromium": .string(try Programs.chromium),
            "calls": .array(
                calls.map { call in
                    [
                        "url": .string(call.url), "type": .string(call.type),
                        "body": .string(Data(call.body).base64EncodedString()),
                        "metadata": .object(call.metadata.mapValues { .string($0) }),
                    ]
                }),
        ]
        let script = "\(try Programs.repository)/Tests/EndToEndTests/Python/browser_fetch.py"
        let finished = try ChildProcess.run(
            [Programs.python, "-B", script], input: wish.text, within: .seconds(300))
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(description: "the browser: \(finished.standardError)")
        }
        return try finished.standardOutput.split(separator: "\n").map { line in
            let answer = try JSON(parsing: String(line))
            var body = Data(base64Encoded: answer["body"].string) ?? Data()
            if answer["headers"]["content-type"].string.contains("-text") {
                body = decodeText(body)
            }
            var status = 0.0
            if case .number(let number) = answer["status"] { status = number }
            return Answer(
                status: status, headers: answer["headers"], frames: frames(Array(body)),
                error: answer["error"].string)
        }
    }

    /// Each group of four characters by itself, since padding may stand in the middle.
    private static func decodeText(_ text: Data) -> Data {
        let text = Array(text)
        var bytes = Data()
        for start in stride(from: 0, to: text.count, by: 4) {
            bytes += Data(base64Encoded: Data(text[start..<min(start + 4, text.count)])) ?? Data()
        }
        return bytes
    }

    private static func frames(_ body: [UInt8]) -> [(flag: UInt8, bytes: [UInt8])] {
        var frames: [(UInt8, [UInt8])] = []
        var rest = body[...]
        while rest.count >= 5 {
            let start = rest.startIndex
            let count = rest[start + 1..<start + 5].reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 5 + count else { break }
            frames.append((rest[start], Array(rest[start + 5..<start + 5 + count])))
            rest = rest.dropFirst(5 + count)
        }
        return frames
    }
}
