import EventLoops
import Glibc

/// Runs a program without a shell, and without anything of our environment.
enum SpawnedProgram {
    /// Waits for a program's end; blocks, so it runs on a worker.
    ///
    /// - Parameter path: The program's file.
    /// - Returns: Its exit code; 128 and the signal's number when one ended it.
    /// - Throws: `SystemError` of `posix_spawn`, such as ENOENT.
    static func run(_ path: String, _ arguments: [String]) throws(SystemError) -> Int32 {
        // Safe: every pointer is of a live local or of a copy that is freed after the call.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            unsafe posix_spawn_file_actions_addopen(
                &actions, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0)
        }
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
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw .last("waitpid") }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
