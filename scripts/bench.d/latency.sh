# shellcheck shell=bash
# How long a Health/Check takes at half of the load that the server can bear: calls begin by the clock,
# whether or not others have ended, and each is timed from when it should have begun. Such calls do not
# come in batches; so the full load is that of 10 connections with one call at a time.

# latency_rounds: sets latency_berth and latency_grpc, each round's "p50 p99" in microseconds, and
# latency_berth_loads and latency_grpc_loads, the calls a second that were made.
latency_rounds() {
    local round full answer
    latency_berth_p50=() latency_berth_p99=() latency_berth_loads=()
    latency_grpc_p50=() latency_grpc_p99=() latency_grpc_loads=()
    say "Latency of Health/Check at half load, Berth and gRPC C++ in turn"
    for ((round = 1; round <= rounds; round++)); do
        full="$(check_health "http://127.0.0.1:$berthd_port" --max-concurrent-streams=1)"
        answer="$(half_load "$berthd_port" "$full")"
        note "round $round: Berth full $full/s; half: $answer (calls/s, p50, p99, worst in µs)"
        read -r load p50 p99 _ <<<"$answer"
        latency_berth_loads+=("$load") latency_berth_p50+=("$p50") latency_berth_p99+=("$p99")
        full="$(check_health "http://127.0.0.1:$grpc_port" --max-concurrent-streams=1)"
        answer="$(half_load "$grpc_port" "$full")"
        note "round $round: gRPC C++ full $full/s; half: $answer"
        read -r load p50 p99 _ <<<"$answer"
        latency_grpc_loads+=("$load") latency_grpc_p50+=("$p50") latency_grpc_p99+=("$p99")
    done
}

# half_load PORT FULL: calls a second that were made, p50, p99 and the worst time in microseconds.
half_load() {
    timeout 120 "$peers/latency_client" "$1" 10 "$(awk -v full="$2" 'BEGIN { print full / 2 }')" \
        "$seconds" || fail "latency_client failed at half of $2 calls a second"
}
