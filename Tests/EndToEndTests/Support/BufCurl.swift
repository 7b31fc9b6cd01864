/// `buf curl`, run once a call, over HTTP/2 without TLS.
enum BufCurl {
    static func call(
        _ method: String, _ request: JSON, _ metadata: [String: String], _ server: Berthd,
        _ arguments: [String]
    ) throws -> Answer {
        let headers = metadata.flatMap { ["-H", "\($0.key): \($0.value)"] }
        let command = [
            try Programs.buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge",
            "--emit-defaults", "--timeout", "60s", "--data", "@-",
        ]
        let finished = try ChildProcess.run(
            command + arguments + headers + ["http://\(server.address)/\(method)"],
            input: request.text)
        if finished.exitCode == 0 {
            return Answer(
                code: "OK", message: "", violations: [],
                response: try JSON(parsing: finished.standardOutput))
        }
        // An exit code below 8 is buf's own failure, above it is the status times 8.
        guard finished.exitCode >= 8, let status = try? JSON(parsing: finished.standardError) else {
            throw ChildProcess.Failed(description: "buf curl: \(finished.standardError)")
        }
        let code = Answer.codes[Int(finished.exitCode >> 3)]
        func details(_ type: JSON) -> [String] {
            status["details"].elements.filter { $0["type"] == type }.map { $0["value"].string }
        }
        return Answer(
            code: code, message: status["message"].string,
            violations: try details("google.rpc.BadRequest").flatMap(DetailBytes.violations),
            response: .null,
            requestID: try details("google.rpc.RequestInfo").first.map(DetailBytes.requestID))
    }
}
