# shellcheck shell=bash
# Commands that need root.

# as_root COMMAND…: runs it directly for root, through sudo for others.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and sudo is not installed" "run as root: $*"
    fi
}

# start_as_root LOG PROCESS_FILE COMMAND…: starts it in a session of its own, which this script's end
# and Ctrl-C do not reach; adds what it prints to LOG and writes its process id to PROCESS_FILE. sudo
# stays in the foreground until the command has begun, so that it can ask for a password.
start_as_root() {
    local log="$1" process_file="$2"
    shift 2
    # Both belong to who runs this script, not to root.
    : >>"$log"
    : >"$process_file"
    # The inner shells expand these. What starts must hold none of this script's files open, locks
    # above all.
    # shellcheck disable=SC2016
    as_root bash -c '
        for descriptor in /proc/$BASHPID/fd/*; do
            descriptor="${descriptor##*/}"
            if ((descriptor > 2)); then eval "exec $descriptor>&-"; fi
        done
        log="$1" process_file="$2"
        shift 2
        setsid bash -c "echo \$\$ >\"\$1\"; shift; exec \"\$@\"" _ "$process_file" "$@" \
            </dev/null >>"$log" 2>&1 &
        until [[ -s "$process_file" ]]; do sleep 0.02; done' _ "$log" "$process_file" "$@"
}
