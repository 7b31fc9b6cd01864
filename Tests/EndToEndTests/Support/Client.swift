import Foundation
import Testing

/// Foreign gRPC clients; each knows the API only by reflection or by our protos.
enum Client: CaseIterable, Sendable, CustomTestStringConvertible {
    /// grpcurl (grpc-go), by reflection v1alpha.
    case grpcurl
    /// `buf curl` (connect-go), by reflection v1.
    case bufByReflection
    /// `buf curl`, by the protos of this repository.
    case bufBySchema
    /// grpcio (the C core under Python), by code that grpcio-tools generates from our protos.
    case grpcio

    var testDescription: String {
        switch self {
        case .grpcurl: "grpcurl"
        case .bufByReflection: "buf curl by reflection"
        case .bufBySchema: "buf curl by schema"
        case .grpcio: "grpcio"
        }
    }

    /// Calls a unary method.
    ///
    /// - Parameters:
    ///   - method: `Service/Method` of the package berth.controlplane.v1.
    ///   - request: In protobuf's JSON mapping.
    ///   - token: Sent as `authorization: Bearer TOKEN`; nil sends no such metadata.
    ///   - metadata: Sent too.
    func call(
        _ method: String, _ request: JSON, token: String?, metadata: [String: String] = [:],
        on server: Berthd
    ) throws -> Answer {
        var metadata = metadata
        if let token { metadata["authorization"] = "Bearer \(token)" }
        let name = "berth.controlplane.v1.\(method)"
        switch self {
        case .grpcurl: return try Grpcurl.call(name, request, metadata, server)
        case .bufByReflection: return try BufCurl.call(name, request, metadata, server, [])
        case .bufBySchema:
            return try BufCurl.call(
                name, request, metadata, server, ["--schema", Programs.repository])
        case .grpcio: return try GrpcioClient.of(server).call(name, request, metadata)
        }
    }
}

/// grpcurl, run once a call.
enum Grpcurl {
    static func run(
        _ arguments: [String], _ server: Berthd, _ words: [String], input: String = ""
    ) throws -> ChildProcess.Finished {
        try ChildProcess.run(
            [Programs.grpcurl, "-plaintext", "-max-time", "20"] + arguments + [server.address]
                + words, input: input)
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
        return Answer(
            code: Answer.codes[Int(code)], message: status["message"].string,
            violations: violations.map {
                Answer.Violation(
                    field: $0["field"].string, description: $0["description"].string)
            }, response: .null)
    }
}

/// `buf curl`, run once a call, over HTTP/2 without TLS.
enum BufCurl {
    static func call(
        _ method: String, _ request: JSON, _ metadata: [String: String], _ server: Berthd,
        _ arguments: [String]
    ) throws -> Answer {
        let headers = metadata.flatMap { ["-H", "\($0.key): \($0.value)"] }
        let command = [
            try Programs.buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge",
            "--emit-defaults", "--timeout", "20s", "--data", "@-",
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
        let details = status["details"].elements.filter {
            $0["type"] == "google.rpc.BadRequest"
        }
        return Answer(
            code: code, message: status["message"].string,
            violations: try details.flatMap { try BadRequestBytes.decode($0["value"].string) },
            response: .null)
    }
}

/// Reads the wire form of google.rpc.BadRequest by hand, since `buf curl` prints it in base64.
enum BadRequestBytes {
    struct Malformed: Error {}

    static func decode(_ base64: String) throws -> [Answer.Violation] {
        let padding = String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: base64 + padding) else { throw Malformed() }
        return try fields(Array(data)).filter { $0.number == 1 }.map { violation in
            let parts = try fields(violation.bytes)
            func text(_ number: Int) -> String {
                String(
                    decoding: parts.last { $0.number == number }?.bytes ?? [], as: UTF8.self)
            }
            return Answer.Violation(field: text(1), description: text(2))
        }
    }

    /// The length-delimited fields of a message that has no others.
    private static func fields(_ bytes: [UInt8]) throws -> [(number: Int, bytes: [UInt8])] {
        var rest = bytes[...]
        func varint() throws -> Int {
            var value = 0
            for shift in stride(from: 0, through: 28, by: 7) {
                guard let byte = rest.popFirst() else { throw Malformed() }
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Malformed()
        }
        var result: [(Int, [UInt8])] = []
        while !rest.isEmpty {
            let tag = try varint()
            let length = try varint()
            guard tag & 7 == 2, length <= rest.count else { throw Malformed() }
            result.append((tag >> 3, Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        return result
    }
}
