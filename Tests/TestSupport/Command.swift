import Glibc

/// A program that could not be run or ended with a failure.
public struct CommandFailed: Error, CustomStringConvertible {
    let text: String
    /// The command and what it printed.
    public var description: String { text }
}

/// Runs programs by `posix_spawnp`.
///
/// Not by Foundation's `Process`: that waits for a socket which every daemon that a program leaves
/// behind keeps open.
public enum Command {
    /// Runs a program found on the PATH, in `/`, and gives what it printed.
    ///
    /// - Throws: ``CommandFailed``, with what it printed, when it does not end with 0.
    @discardableResult
    public static func run(_ command: [String]) throws -> String {
        // A file, not a pipe: a daemon that the program leaves behind keeps a pipe open.
        var template = Array("/tmp/berth-test-out-XXXXXX".utf8CString)
        let output = mkstemp(&template)
        guard output >= 0 else { throw CommandFailed(text: "mkstemp failed") }
        unlink(template)
        defer { close(output) }
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(input) }
        let process = try spawn(command, input: input, output: output)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let text = try contents(of: output)
        guard status == 0 else {
            throw CommandFailed(text: "\(command.joined(separator: " ")): \(text)")
        }
        return text
    }

    /// Starts a program found on the PATH with the given standard input and output.
    static func spawn(_ command: [String], input: Int32, output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(input, 0), (output, 1), (output, 2)] {
            posix_spawn_file_actions_adddup2(&actions, from, Int32(to))
        }
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, command[0], &actions, nil, &arguments, environ)
        guard code == 0 else {
            throw CommandFailed(text: "\(command): \(String(cString: strerror(code)))")
        }
        return process
    }

    private static func contents(of descriptor: Int32) throws -> String {
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
