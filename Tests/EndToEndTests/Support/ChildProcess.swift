import Foundation
import Glibc

/// A program that runs beside the test; ended at the latest with this object.
///
/// By `posix_spawn`, for `Process` waits for what the program leaves behind. Its output goes to
/// files that are nowhere in the file system, so that neither side ever waits for the other.
final class ChildProcess: Sendable {
    let identifier: pid_t
    private let output: Int32
    private let errors: Int32

    /// A system call failed, or the program did not end in time.
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - command: The program's path and its arguments.
    ///   - environment: Added to this process's own, without what PostgreSQL and Berth read.
    ///   - input: What it reads on standard input: a text, or a descriptor.
    init(_ command: [String], environment: [String: String] = [:], input: Int32) throws {
        output = try ChildProcess.namelessFile()
        errors = try ChildProcess.namelessFile()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(input, 0), (output, 1), (errors, 2)] {
            posix_spawn_file_actions_adddup2(&actions, from, Int32(to))
        }
        // The threads of tests keep signals from themselves, which a program would inherit.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = command.map { strdup($0) } + [nil]
        var variables = ChildProcess.merged(environment).map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var identifier: pid_t = 0
        let code = posix_spawn(
            &identifier, command[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else {
            throw Failed(description: "\(command[0]): \(String(cString: strerror(code)))")
        }
        self.identifier = identifier
        Reaper.note("+ \(identifier)")
    }

    /// Starts a program that reads `input`.
    convenience init(
        _ command: [String], environment: [String: String] = [:], input: String = ""
    ) throws {
        let file = try ChildProcess.namelessFile()
        defer { close(file) }
        let bytes = Array(input.utf8)
        guard write(file, bytes, bytes.count) == bytes.count else {
            throw Failed(description: "the input cannot be written")
        }
        lseek(file, 0, SEEK_SET)
        try self.init(command, environment: environment, input: file)
    }

    deinit {
        if !hasEnded { kill(identifier, SIGKILL) }
        Reaper.note("- \(identifier)")
        var status: Int32 = 0
        waitpid(identifier, &status, 0)
        close(output)
        close(errors)
    }

    /// What it wrote on standard output so far.
    var standardOutput: String { ChildProcess.contents(output) }
    /// What it wrote on standard error so far.
    var standardError: String { ChildProcess.contents(errors) }

    /// Whether it has ended; its exit status stays to be read.
    var hasEnded: Bool {
        var information = siginfo_t()
        let code = waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT)
        return code != 0 || information.si_signo == SIGCHLD
    }

    /// Sends it a signal.
    func signal(_ signal: Int32) { kill(identifier, signal) }

    /// Waits for its end and gives its exit code; 128 and the signal when one ended it.
    func exitCode(within duration: Duration = .seconds(60)) throws -> Int32 {
        try eventually(within: duration, "the end of process \(identifier)") { hasEnded }
        // Kept for those who ask again, and for the last one to see that it has ended.
        var information = siginfo_t()
        guard waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) == 0 else {
            throw Failed(description: "waitid failed")
        }
        let status = information._sifields._sigchld.si_status
        return information.si_code == Int32(CLD_EXITED) ? status : 128 + status
    }

    /// Runs a program to its end.
    static func run(
        _ command: [String], environment: [String: String] = [:], input: String = "",
        within duration: Duration = .seconds(120)
    ) throws -> Finished {
        let process = try ChildProcess(command, environment: environment, input: input)
        let code = try process.exitCode(within: duration)
        return Finished(
            exitCode: code, standardOutput: process.standardOutput,
            standardError: process.standardError)
    }

    /// What a program left when it ended.
    struct Finished: Sendable {
        let exitCode: Int32
        let standardOutput: String
        let standardError: String
    }

    private static func merged(_ environment: [String: String]) -> [String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("PG") && !$0.key.hasPrefix("BERTH_") }
            .merging(environment) { $1 }
            .map { "\($0.key)=\($0.value)" }
    }

    private static func namelessFile() throws -> Int32 {
        let path = "/tmp/berth-test-\(String.random(of: 20))"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failed(description: "open \(path) failed") }
        unlink(path)
        return descriptor
    }

    private static func contents(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = pread(descriptor, &chunk, chunk.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}

/// Asks again and again until `condition` holds; for as long as a busy machine may take.
func eventually(
    within duration: Duration = .seconds(60), _ what: String, _ condition: () throws -> Bool
) throws {
    let end = ContinuousClock.now.advanced(by: duration)
    while try !condition() {
        guard ContinuousClock.now < end else {
            throw ChildProcess.Failed(description: "waited in vain for \(what)")
        }
        usleep(5000)
    }
}
