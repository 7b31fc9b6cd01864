# shellcheck shell=bash
# berthd: its key, its database's tables, its first tenants, its start and its stop. The database's
# address and the key's place go by environment: arguments can be read by every user.

export BERTH_MASTER_KEY_FILE="$state/master.key"
token_file="$state/token"
bootstrap_file="$state/bootstrap.json"
berthd_log="$logs/berthd.log"
berthd_process_file="$state/berthd.pid"

# ensure_master_key BERTHD: makes the key that seals the secrets, once.
ensure_master_key() {
    [[ -e "$BERTH_MASTER_KEY_FILE" ]] ||
        step "Making a master key: $BERTH_MASTER_KEY_FILE" "$logs/keygen.log" \
            "$1" keygen --out "$BERTH_MASTER_KEY_FILE"
}

# bootstrap BERTHD: makes the workspace, project, environment, server and owner unless they exist,
# and writes the owner's new token to the token file.
bootstrap() {
    # A bootstrap that fails leaves the ids of the one before.
    (umask 077 && "$1" bootstrap --json >"$bootstrap_file.new")
    mv "$bootstrap_file.new" "$bootstrap_file"
    (umask 077 && json_value token <"$bootstrap_file" >"$token_file")
}

# start_berthd BERTHD ADDRESS [ARGUMENT…]: starts the server in a session of its own, so that a
# Ctrl-C meant for the script lets it finish its calls; sets berthd_process.
start_berthd() {
    say "Starting berthd on $2 (log: $berthd_log)"
    setsid "$1" serve --listen "$2" "${@:3}" {run_lock}>&- </dev/null >>"$berthd_log" 2>&1 &
    berthd_process=$!
    printf '%s\n' "$berthd_process" >"$berthd_process_file"
}

# wait_until_served ADDRESS: until the server's own health service says SERVING, at most 120 s.
wait_until_served() {
    local deadline=$((SECONDS + 120)) answer
    while ((SECONDS < deadline)); do
        kill -0 "$berthd_process" 2>/dev/null || berthd_failed "berthd ended while it started" \
            "if another program has the address $1: scripts/run --port N"
        answer="$(grpcurl -plaintext -connect-timeout 2 -max-time 10 "$1" \
            grpc.health.v1.Health/Check 2>&1 || true)"
        if [[ "$answer" == *SERVING* && "$answer" != *NOT_SERVING* ]]; then return; fi
        sleep 0.2
    done
    berthd_failed "berthd did not answer within 120 s; the last answer: $answer"
}

# berthd_failed REASON [HINT]: ends the script with the end of berthd's log.
berthd_failed() {
    tail -n 10 "$berthd_log" | sed 's/^/    | /' >&2
    fail "$@" "the whole log: $berthd_log"
}

# stop_berthd: asks it to finish its calls and end; after 15 s ends it hard.
stop_berthd() {
    [[ -n "${berthd_process:-}" ]] || return 0
    end_process "$berthd_process"
    berthd_process=
    rm -f "$berthd_process_file"
}

# stop_berthd_left_behind: ends a berthd that an interrupted run left.
stop_berthd_left_behind() {
    local process
    process="$(cat "$berthd_process_file" 2>/dev/null || true)"
    # The file may name some other program's process by now.
    if [[ "$process" =~ ^[0-9]+$ ]] &&
        tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep --quiet '/berthd serve '; then
        note "ending berthd $process, which an interrupted run left behind"
        end_process "$process"
    fi
    rm -f "$berthd_process_file"
}

# end_process PROCESS: SIGTERM, and SIGKILL 15 s later.
end_process() {
    local deadline=$((SECONDS + 15))
    kill -TERM "$1" 2>/dev/null || return 0
    while ((SECONDS < deadline)) && kill -0 "$1" 2>/dev/null; do sleep 0.1; done
    if kill -0 "$1" 2>/dev/null; then
        note "berthd did not end within 15 s: killing it"
        kill -KILL "$1" 2>/dev/null || true
    fi
}
