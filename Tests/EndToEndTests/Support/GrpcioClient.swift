import Glibc
import Synchronization

/// A Python program that calls one server by code generated from our protos; one call at a time.
final class GrpcioClient: Sendable {
    private let process: ChildProcess
    private let input: Int32
    /// How many bytes of the program's output were read; held through each call.
    private let consumed = Mutex<Int>(0)

    /// The client of a server; started by the first call.
    static func of(_ server: Berthd) throws -> GrpcioClient {
        try clients.withLock { clients in
            if let client = clients[server.address] { return client }
            let client = try GrpcioClient(server)
            clients[server.address] = client
            return client
        }
    }

    private static let clients = Mutex<[String: GrpcioClient]>([:])

    init(_ server: Berthd) throws {
        let ends = try PipeEnds()
        defer { close(ends.reading) }
        input = ends.writing
        process = try ChildProcess(
            [
                Programs.python, "-B",
                "\(Programs.repository)/Tests/EndToEndTests/Python/grpcio_client.py",
                GrpcioClient.generatedCode.get().path, server.address,
            ], input: ends.reading)
    }

    deinit { close(input) }

    func call(_ method: String, _ request: JSON, _ metadata: [String: String]) throws -> Answer {
        let answer = try ask([
            "method": .string(method), "request": request,
            "metadata": .object(metadata.mapValues { .string($0) }),
        ])
        return Answer(
            code: answer["code"].string, message: answer["message"].string,
            violations: answer["violations"].elements.map {
                Answer.Violation(
                    field: $0.elements[0].string, description: $0.elements[1].string)
            }, response: answer["response"],
            requestID: answer["request_id"] == .null ? nil : answer["request_id"].string)
    }

    /// Sends a line and waits for one.
    func ask(_ wish: JSON) throws -> JSON {
        try consumed.withLock { consumed in
            let line = Array((try wish.text + "\n").utf8)
            guard write(input, line, line.count) == line.count else { throw failed("it ended") }
            return try nextLine(&consumed)
        }
    }

    /// Waits for the next line of an answer that has several.
    func nextAnswer() throws -> JSON { try consumed.withLock { try nextLine(&$0) } }

    private func nextLine(_ consumed: inout Int) throws -> JSON {
        var line: [UInt8] = []
        try eventually(within: .seconds(120), "a line of grpcio_client.py") {
            let bytes = Array(process.standardOutput.utf8.dropFirst(consumed))
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                line = Array(bytes[..<end])
                return true
            }
            if process.hasEnded { throw failed("it ended") }
            return false
        }
        consumed += line.count + 1
        return try JSON(parsing: String(decoding: line, as: UTF8.self))
    }

    private func failed(_ why: String) -> ChildProcess.Failed {
        ChildProcess.Failed(description: "grpcio_client.py: \(why): \(process.standardError)")
    }

    /// What grpcio-tools makes of our protos, made once a run.
    private static let generatedCode = Result {
        let folder = try Folder()
        let root = try Programs.repository + "/proto"
        let files =
            ["service_service", "deployment_service", "config_service"] + [
                "service", "deployment", "config", "database_template",
            ]
        let finished = try ChildProcess.run(
            [
                Programs.python, "-B", "-m", "grpc_tools.protoc", "--proto_path=\(root)",
                "--python_out=\(folder.path)", "--grpc_python_out=\(folder.path)",
            ] + files.map { "berth/controlplane/v1/\($0).proto" })
        guard finished.exitCode == 0 else {
            throw ChildProcess.Failed(description: "protoc: \(finished.standardError)")
        }
        return folder
    }
}
