import EventLoops
import Glibc

/// Runs a program without a shell, and without anything of our environment.
enum SpawnedProgram {
    /// What is kept of a program's output: its beginning. The rest is read and dropped.
    static let outputBytesMax = 64 * 1024

    /// How a program ended.
    struct Ended: Sendable {
        /// Its exit code; 128 and the signal's number when one ended it.
        let code: Int32
        /// What it wrote to its standard output.
        let output: String
    }

    /// Waits for a program's end; blocks, so it runs on a worker.
    ///
    /// - Parameter path: The program's file.
    /// - Throws: `SystemError` of `posix_spawn`, such as ENOENT.
    static func run(_ path: String, _ arguments: [String]) throws(SystemError) -> Ended {
        var ends: [Int32] = [-1, -1]
        // Safe: fills a live local of two elements.
        guard unsafe pipe(&ends) == 0 else { throw .last("pipe") }
        defer { close(ends[0]) }
        // Nothing else of this process starts programs, which could inherit them until here.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let started = Result { () throws(SystemError) in
            try start(path, arguments, output: ends[1])
        }
        close(ends[1])
        let process = try started.get()
        let output = output(from: ends[0])
        var status: Int32 = 0
        // Safe: fills a live local.
        while unsafe waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw .last("waitpid") }
        }
        let signal = status & 0x7F
        return Ended(
            code: signal == 0 ? (status >> 8) & 0xFF : 128 + signal,
            output: String(decoding: output, as: UTF8.self))
    }

    /// All that comes until nobody writes any more, as much as is kept.
    private static func output(from descriptor: Int32) -> [UInt8] {
        var kept: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            // Safe: fills a live local of so many bytes.
            let count = unsafe read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return kept }
            kept += piece.prefix(min(count, outputBytesMax - kept.count))
        }
    }

    private static func start(
        _ path: String, _ arguments: [String], output: Int32
    ) throws(SystemError) -> pid_t {
        // Safe: every pointer is of a live local or of a copy that is freed after the call.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // Our own threads block the signals that end us; the program shall not.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        let environment = unsafe [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
        defer {
            unsafe (words + environment).forEach { unsafe free($0) }
        }
        var process: pid_t = 0
        let code = unsafe posix_spawn(&process, path, &actions, &attributes, words, environment)
        guard code == 0 else { throw SystemError(function: "posix_spawn \(path)", code: code) }
        return process
    }
}
