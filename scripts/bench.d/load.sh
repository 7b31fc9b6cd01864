# shellcheck shell=bash
# Load by h2load, and the peers that run beside.

# As h2load and curl both take them.
grpc_headers=(-H "content-type: application/grpc" -H "te: trailers")

# h2load_rate BYTES ARGUMENT…: calls a second, 100 at a time. Every response must have a body of
# BYTES: h2load sees HTTP's status only, and a call that gRPC failed has no body.
h2load_rate() {
    local bytes="$1" calls log="$logs/bench-h2load.log"
    shift
    # A first run, which warms up, tells how many calls take as long as a round.
    calls="$(h2load_run "$bytes" 20000 "$@" | awk -v seconds="$seconds" \
        '{ calls = int($1 * seconds / 100) * 100; print (calls < 20000 ? 20000 : calls) }')"
    h2load_run "$bytes" "$calls" "$@"
}

# h2load_run BYTES CALLS ARGUMENT…
h2load_run() {
    local bytes="$1" calls="$2" log="$logs/bench-h2load.log"
    shift 2
    timeout 120 h2load --tls13-ciphers="$tls_cipher" --clients=10 --max-concurrent-streams=10 --requests="$calls" "$@" \
        >"$log" 2>&1 </dev/null || fail "h2load failed" "its log: $log"
    grep --quiet "^requests: .* $calls succeeded, 0 failed, 0 errored" "$log" ||
        fail "h2load counted calls that failed" "$(grep '^requests:' "$log")"
    grep --quiet "($((calls * bytes))) data\$" "$log" ||
        fail "responses do not have $bytes bytes each" "$(grep '^traffic:' "$log")" \
            "the calls may have failed with a gRPC status; h2load's log: $log"
    sed --quiet 's/^finished in .*, \([0-9.]*\) req\/s.*/\1/p' "$log"
}

# start_peer COMMAND…: starts it in the background; stop_peers ends it.
peer_processes=()
start_peer() {
    "$@" {run_lock}>&- </dev/null >>"$logs/bench-peers-run.log" 2>&1 &
    peer_processes+=("$!")
}

stop_peers() {
    local process
    for process in "${peer_processes[@]}"; do kill "$process" 2>/dev/null || true; done
    peer_processes=()
}

# wait_for_port PORT: until something listens there, at most 10 s.
wait_for_port() {
    local deadline=$((SECONDS + 10))
    until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
        ((SECONDS < deadline)) || fail "nothing listens on port $1" "$logs/bench-peers-run.log"
        sleep 0.1
    done
}
