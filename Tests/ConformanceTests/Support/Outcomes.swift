import Foundation
import TestSupport

/// What a script told of its cases.
struct Outcomes: Sendable {
    /// How one case went.
    struct Outcome: Decodable, Sendable {
        let `case`: String
        /// Empty when it went well.
        let failure: String
        let milliseconds: Int
    }

    let all: [Outcome]

    /// Runs a program to its end; each line of JSON that it prints is one outcome. (A library may have
    /// something of its own to say.)
    static func of(_ command: [String]) throws -> Outcomes {
        let text = try Command.run(command)
        return Outcomes(
            all: try text.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
                try JSONDecoder().decode(Outcome.self, from: Data($0.utf8))
            })
    }

    /// Runs one of this target's Python scripts.
    static func of(script: String, _ arguments: [String]) throws -> Outcomes {
        try of([Programs.python, "-B", Programs.script(script)] + arguments)
    }

    /// The failure of a case; text that says so when it was not run.
    func failure(of name: String) -> String {
        all.first { $0.case == name }?.failure ?? "the case was not run"
    }
}

/// What grpcio-tools makes of the test protos, made once a run.
enum GeneratedPython {
    static let folder = Result {
        let folder = try Folder()
        let root = try Programs.repository + "/proto/testing"
        try Command.run(
            [
                Programs.python, "-B", "-m", "grpc_tools.protoc", "--proto_path=\(root)",
                "--python_out=\(folder.path)", "--grpc_python_out=\(folder.path)",
            ] + ["empty", "messages", "test"].map { "grpc/testing/\($0).proto" })
        return folder
    }
}
