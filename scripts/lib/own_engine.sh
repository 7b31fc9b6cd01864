# shellcheck shell=bash
# A container engine for tests that is the first process of new namespaces, with which everything of it
# ends: what own_docker and own_podman share. Before `obey`, `start_engine` must be there, which starts
# the engine beside this shell and notes its process in `engine`.

folder="$1"
# Of its containers; beneath the machine's own, so it has a name that nobody else uses.
control_group="$(basename "$folder")"
end_seconds_max=60
engine=

# end_engine SIGNAL: also waits.
end_engine() {
    local watcher
    kill "-$1" "$engine"
    (sleep "$end_seconds_max" && kill -KILL "$engine") 2>/dev/null &
    watcher=$!
    wait "$engine" || true
    kill "$watcher" 2>/dev/null || true
}

remove_everything() {
    # A subshell that is ended may run this too.
    ((BASHPID == $$)) || return 0
    local place attempt processes=(/proc/[0-9]*)
    cd /
    for ((attempt = 0; ${#processes[@]} > 1 && attempt < 500; attempt++)); do
        # All but this shell, whose namespace it is.
        kill -KILL -1 2>/dev/null || true
        sleep 0.02
        processes=(/proc/[0-9]*)
    done
    while read -r _ place _; do
        if [[ "$place" == "$folder"/* ]]; then umount --lazy "$place" || true; fi
    done </proc/self/mounts
    for attempt in {1..50}; do
        find /sys/fs/cgroup -depth -type d -path "*/$control_group*" -exec rmdir {} + \
            2>/dev/null || true
        if [[ -z "$(find /sys/fs/cgroup -type d -name "$control_group")" ]]; then break; fi
        sleep 0.05
    done
    rm -rf "$folder"
}

# obey: does what the lines of standard input say and repeats each once it is done: `start`, `kill`
# (SIGKILL) and `end` (SIGTERM, then SIGKILL after 60 s).
obey() {
    local command
    while read -r command; do
        case "$command" in
        start) start_engine ;;
        kill) end_engine KILL ;;
        end) end_engine TERM ;;
        *) echo "unknown command: $command" >&2 && exit 2 ;;
        esac
        echo "$command"
    done
}
