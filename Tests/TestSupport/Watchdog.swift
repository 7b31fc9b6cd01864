import Glibc

/// A process that outlives this one by a moment: when this process ends, even by SIGKILL, the pipe
/// between them closes, and the watchdog stops the cluster and removes its folder.
final class Watchdog: Sendable {
    private let pipe: Int32

    init(folder: String, stopCommand: [String]) throws {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw CommandFailed(text: "pipe failed") }
        // A child that inherited the writing end would keep it open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        pipe = ends[1]
        defer { close(ends[0]) }
        let script = """
            trap '' INT TERM HUP
            read -r _
            "$@" -D "$0/data" -m immediate -s stop
            rm -rf "$0"
            """
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(null) }
        // A session of its own: Ctrl-C reaches the whole process group.
        _ = try Command.spawn(
            ["setsid", "sh", "-c", script, folder] + stopCommand, input: ends[0], output: null)
    }

    deinit { close(pipe) }
}
