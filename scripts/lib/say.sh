# shellcheck shell=bash
# How the scripts speak: a line before each step, a sign of life while it runs, and, when it fails,
# what failed, the end of its log and the log's place.

# say TEXT…: one line of progress.
say() { printf '==> %s\n' "$*"; }

# note TEXT…: a line that belongs to the step above it.
note() { printf '    %s\n' "$*"; }

# fail REASON [HINT…]: ends the script; each hint is a line of its own. Sets failure_told.
fail() {
    # Read by scripts that end in their own way.
    # shellcheck disable=SC2034
    failure_told=true
    printf '\nerror: %s\n' "$1" >&2
    shift
    if (($# > 0)); then printf '       %s\n' "$@" >&2; fi
    exit 1
}

# step TITLE LOG COMMAND [ARGUMENT…]: runs a command with its output in LOG, and ends the script
# when it fails. The command runs in a subshell: variables it sets are lost. Never call it as a
# condition (`if step …`): bash would then ignore failures inside the command.
step() {
    local title="$1" log="$2" heart status
    shift 2
    mkdir -p "$(dirname "$log")"
    say "$title"
    heartbeat "$log" &
    heart=$!
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    kill "$heart" 2>/dev/null || true
    wait "$heart" 2>/dev/null || true
    ((status == 0)) && return
    show_failure "$log"
    fail "this step failed (exit $status): $title" "the whole log: $log"
}

# show_failure LOG: the first errors that a compiler or a linter named, and the log's end.
show_failure() {
    {
        grep --line-regexp --extended-regexp '[^ ]+:[0-9]+:[0-9]+: error: .*' "$1" | sort -u |
            head -n 15 || true
        tail -n 15 "$1"
    } | sed 's/^/    | /' >&2
}

# heartbeat LOG: says every 20 seconds how long the step has run and what its log last said; ends
# with the script.
heartbeat() {
    local log="$1" script=$$ started=$SECONDS quiet
    # Waits on a pipe that never speaks: a `sleep` would outlive this loop and hold its output open.
    exec {quiet}<> <(:)
    while kill -0 "$script" 2>/dev/null; do
        read -rt 20 -u "$quiet" || true
        note "… $((SECONDS - started)) s: $(tail -n 1 "$log" 2>/dev/null | tail -c 80)"
    done
}
