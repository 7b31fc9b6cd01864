import Glibc

/// Ends the processes and removes the folders that this process left, when it ends itself, even by
/// SIGKILL.
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
            while read -r sign item; do
                if [[ $sign == + ]]; then left[$item]=1; else unset "left[$item]"; fi
            done
            for item in "${!left[@]}"; do
                if [[ $item == /* ]]; then rm -rf "$item"; else kill -KILL "$item"; fi
            done
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

    /// Adds a process or a folder to the list by `+ PID` or `+ PATH`, takes it off by a minus.
    static func note(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(pipe, bytes, bytes.count)
    }
}
