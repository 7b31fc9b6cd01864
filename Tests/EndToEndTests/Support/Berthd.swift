import Foundation
import TestSupport
import Testing

/// A running release build of `berthd` on a port of its own.
final class Berthd: Sendable {
    let process: ChildProcess
    /// Where it listens, `127.0.0.1:PORT`.
    let address: String
    let options: Options

    /// What it is started with.
    struct Options: Sendable {
        var databaseURL: String
        var keyFile: String
        var arguments: [String] = []
        /// A program that starts it, and the program's own arguments; none starts it directly.
        var starter: [String] = []
        var address = "127.0.0.1:0"
        /// Where it runs, and whatever calls it.
        var place = Place.machine
        /// Who vouches for it, a PEM file; nil when it speaks without TLS.
        var authority: String?
        /// Where the key lies; kept as long as anyone may start a server with these.
        var folder: Folder?

        /// What `berthd` reads.
        var environment: [String: String] {
            ["BERTH_DATABASE_URL": databaseURL, "BERTH_MASTER_KEY_FILE": keyFile]
        }
    }

    /// Starts it and waits until it says that it serves.
    init(_ options: Options) throws {
        self.options = options
        process = try Berthd.spawn(options)
        try eventually("berthd to serve: \(process.standardError)") { [process] in
            if process.hasEnded {
                throw ChildProcess.Failed(
                    description: "berthd ended while it started: \(process.standardError)")
            }
            return process.standardError.contains("serving")
        }
        guard let start = process.standardError.range(of: "address="),
            let address = process.standardError[start.upperBound...].split(separator: " ").first
        else { throw ChildProcess.Failed(description: process.standardError) }
        self.address = String(address)
    }

    /// What it has logged.
    var log: String { process.standardError }

    /// Starts it without waiting.
    static func spawn(_ options: Options) throws -> ChildProcess {
        try ChildProcess(
            options.place.entry + options.starter
                + [Programs.berthd, "serve", "--listen", options.address] + options.arguments,
            environment: options.environment)
    }

    /// Runs one of its other commands to the end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess.Finished {
        try ChildProcess.run([Programs.berthd] + arguments, environment: environment)
    }

    /// Asks it to drain and gives its exit code; another than 0 is told with what it has logged.
    func stop() throws -> Int32 {
        process.signal(SIGTERM)
        let code = try process.exitCode()
        if code != 0 { Issue.record("berthd ended with \(code): \(log)") }
        return code
    }
}
