import Glibc

/// Ends what this process started and left, when this process itself ends, even by SIGKILL.
enum Reaper {
    private static let pipe: Int32 = {
        guard let ends = try? PipeEnds() else { return -1 }
        defer { close(ends.reading) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends.reading, 0)
        // A reader that ends with the pipe: what is on the list then was left behind.
        let script = """
            trap '' INT TERM HUP
            declare -A left
            while read -r sign process; do
                if [[ $sign == + ]]; then left[$process]=1; else unset "left[$process]"; fi
            done
            for process in "${!left[@]}"; do kill -KILL "$process"; done
            """
        let command = ["setsid", "bash", "-c", script]
        var arguments = command.map { strdup($0) } + [nil]
        defer { for text in arguments { free(text) } }
        var identifier: pid_t = 0
        guard posix_spawnp(&identifier, "setsid", &actions, nil, &arguments, environ) == 0 else {
            return -1
        }
        return ends.writing
    }()

    /// Adds a process to the list by `+ PID`, takes it off by `- PID`.
    static func note(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(pipe, bytes, bytes.count)
    }
}
