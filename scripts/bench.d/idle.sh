# shellcheck shell=bash
# What idle connections cost: memory for each, of Berth and of gRPC C++.

# How many are open at once; over TLS fewer are enough, for the handshakes take their time.
idle_connections=10000
idle_tls_connections=2000

# measure_idle_connections: sets idle_berth, idle_grpc and idle_berth_tls, in bytes a connection.
measure_idle_connections() {
    local hard
    hard="$(ulimit -Hn)"
    if [[ "$hard" != unlimited ]] && ((hard < idle_connections + 100)); then
        idle_connections=$((hard - 100))
        note "this shell may have $hard descriptors open: $idle_connections connections"
    fi
    say "Idle connections, one call each: $idle_connections, and $idle_tls_connections over TLS"
    ensure_certificate
    # Berth's with the soft limit of a usual shell, which it raises itself.
    start_measured_low berth --loops 1
    idle_berth="$(idle_bytes "$berthd_port" "$idle_connections" "$berthd_process")"
    stop_berthd
    start_peer "$peers/health_server" "127.0.0.1:$grpc_port"
    wait_for_port "$grpc_port"
    idle_grpc="$(idle_bytes "$grpc_port" "$idle_connections" "${peer_processes[-1]}")"
    stop_peers
    start_encrypted_berthd
    idle_berth_tls="$(idle_bytes "$berthd_tls_port" "$idle_tls_connections" \
        "${peer_processes[-1]}" --tls)"
    stop_peers
    note "bytes a connection: Berth $idle_berth, gRPC C++ $idle_grpc, Berth over TLS $idle_berth_tls"
}

# start_measured_low DATABASE [ARGUMENT…]: start_measured with the usual soft limit of descriptors.
start_measured_low() {
    local soft
    soft="$(ulimit -Sn)"
    ulimit -Sn 1024
    start_measured "$@"
    ulimit -Sn "$soft"
}

# idle_bytes PORT COUNT PROCESS [--tls]
idle_bytes() {
    timeout 300 python3 Tests/BenchPeers/idle_connections.py "$@" ||
        fail "idle_connections.py $* failed" "the peers' log: $logs/bench-peers-run.log"
}
