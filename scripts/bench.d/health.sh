# shellcheck shell=bash
# Unary Health/Check, ten connections with ten calls each: Berth on one loop, gRPC C++'s callback
# server, and nghttpd with a file of the same size: what the HTTP/2 library could do at most.

# A HealthCheckRequest for the whole server has no bytes; in its gRPC frame it has five.
write_health_request() { printf '\0\0\0\0\0' >"$bench/health.request"; }

# start_health_peers: starts both on ports of their own.
start_health_peers() {
    mkdir -p "$bench/static"
    printf '\0\0\0\0\2\010\001' >"$bench/static/check"
    start_peer "$peers/health_server" "127.0.0.1:$grpc_port"
    start_peer nghttpd --no-tls --htdocs="$bench/static" --address=127.0.0.1 "$nghttpd_port"
    wait_for_port "$grpc_port"
    wait_for_port "$nghttpd_port"
}

# health_rounds: alternates the three; sets health_berth, health_grpc, health_nghttpd: calls a second,
# one a round.
health_rounds() {
    local round berth grpc static
    health_berth=() health_grpc=() health_nghttpd=()
    say "Health/Check, h2load -c 10 -m 10: Berth, gRPC C++, nghttpd in turn"
    for ((round = 1; round <= rounds; round++)); do
        berth="$(check_health "$berthd_port")"
        grpc="$(check_health "$grpc_port")"
        static="$(h2load_rate 7 "http://127.0.0.1:$nghttpd_port/check")"
        note "round $round: Berth $berth, gRPC C++ $grpc, nghttpd $static a second"
        health_berth+=("$berth") health_grpc+=("$grpc") health_nghttpd+=("$static")
    done
}

# check_health PORT: calls a second.
check_health() {
    # The answer: a frame of five bytes and SERVING in two.
    h2load_rate 7 "${grpc_headers[@]}" --data="$bench/health.request" \
        "http://127.0.0.1:$1/grpc.health.v1.Health/Check"
}
