import Foundation

/// A program that could not be run or ended with a failure.
public struct CommandFailed: Error, CustomStringConvertible {
    let text: String
    /// The command and what it printed.
    public var description: String { text }
}

/// Runs programs and waits for them.
public enum Command {
    /// Runs a program found on the PATH and gives its standard output.
    ///
    /// - Throws: ``CommandFailed``, with what it printed, when it does not end with 0.
    @discardableResult
    public static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(filePath: "/")
        // Into a file, not a pipe: a daemon that the program leaves behind keeps a pipe open.
        let path = "/tmp/berth-test-out-\(UUID().uuidString)"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let output = try FileHandle(forWritingTo: URL(filePath: path))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        try output.close()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard process.terminationStatus == 0 else {
            throw CommandFailed(text: "\(command.joined(separator: " ")): \(text)")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
