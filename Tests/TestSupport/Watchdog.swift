import Foundation
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
        let script = """
            trap '' INT TERM HUP
            read -r _
            "$@" -D "$FOLDER/data" -m immediate -s stop
            rm -rf "$FOLDER"
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // A session of its own: Ctrl-C reaches the whole process group.
        process.arguments = ["FOLDER=\(folder)", "setsid", "sh", "-c", script, "sh"] + stopCommand
        process.currentDirectoryURL = URL(filePath: "/")
        process.standardInput = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { close(pipe) }
}
