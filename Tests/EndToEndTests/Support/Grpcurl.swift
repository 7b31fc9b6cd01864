import Testing

/// grpcurl, run once a call.
enum Grpcurl {
    static func run(
        _ arguments: [String], _ server: Berthd, _ words: [String], input: String = ""
    ) throws -> ChildProcess.Finished {
        let security = server.options.authority.map { ["-cacert", $0] } ?? ["-plaintext"]
        return try ChildProcess.run(
            server.options.place.entry
                + [Programs.grpcurl, "-connect-timeout", "60", "-max-time", "60"] + security
                + arguments + [server.address] + words, input: input)
    }

    static func call(
        _ method: String, _ request: JSON, _ metadata: [String: String], _ server: Berthd
    ) throws -> Answer {
        let headers = metadata.flatMap { ["-H", "\($0.key): \($0.value)"] }
        let finished = try run(
            ["-format-error", "-emit-defaults", "-d", "@"] + headers, server, [method],
            input: request.text)
        if finished.exitCode == 0 {
            return Answer(
                code: "OK", message: "", violations: [],
                response: try JSON(parsing: finished.standardOutput))
        }
        let status: JSON
        do {
            status = try JSON(parsing: finished.standardError)
        } catch {
            throw ChildProcess.Failed(description: "grpcurl: \(finished.standardError)")
        }
        guard case .number(let code) = status["code"], Answer.codes.indices.contains(Int(code))
        else { throw ChildProcess.Failed(description: "grpcurl: \(finished.standardError)") }
        // grpcurl ends with 64 more than the status.
        #expect(Int(finished.exitCode) == 64 + Int(code))
        let violations = status["details"].elements.flatMap { detail in
            detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
                ? detail["fieldViolations"].elements : []
        }
        let info = status["details"].elements.first {
            $0["@type"] == "type.googleapis.com/google.rpc.RequestInfo"
        }
        return Answer(
            code: Answer.codes[Int(code)], message: status["message"].string,
            violations: violations.map {
                Answer.Violation(
                    field: $0["field"].string, description: $0["description"].string)
            }, response: .null, requestID: info?["requestId"].string)
    }
}
