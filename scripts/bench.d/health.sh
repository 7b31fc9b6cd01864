# shellcheck shell=bash
# Unary Health/Check, ten connections with ten calls each: Berth on one loop, gRPC C++'s callback
# server, and nghttpd with a file of the same size: what the HTTP/2 library could do at most.

# A HealthCheckRequest for the whole server has no bytes; in its gRPC frame it has five.
write_health_request() { printf '\0\0\0\0\0' >"$bench/health.request"; }

# start_everything: berthd on one loop with all that it can switch on for its connections and calls.
start_everything() {
    start_measured berth --loops 1 --metrics-listen "127.0.0.1:$metrics_port" \
        --web-origin https://app.example --keepalive-time 60s --connection-idle-time-max 30m \
        --connection-age-max 30m
}

# make_static_answer: the file that nghttpd serves, of the size of a Health/Check's answer.
make_static_answer() {
    mkdir -p "$bench/static"
    printf '\0\0\0\0\2\010\001' >"$bench/static/check"
}

# start_health_peers: starts both on ports of their own.
start_health_peers() {
    make_static_answer
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
        berth="$(check_health "http://127.0.0.1:$berthd_port")"
        grpc="$(check_health "http://127.0.0.1:$grpc_port")"
        static="$(static_answer "http://127.0.0.1:$nghttpd_port")"
        note "round $round: Berth $berth, gRPC C++ $grpc, nghttpd $static a second"
        health_berth+=("$berth") health_grpc+=("$grpc") health_nghttpd+=("$static")
    done
}

# check_health URL ARGUMENT…: calls a second of the server there.
check_health() {
    local url="$1"
    shift
    # The answer: a frame of five bytes and SERVING in two.
    h2load_rate 7 "${grpc_headers[@]}" --data="$bench/health.request" "$@" \
        "$url/grpc.health.v1.Health/Check"
}

# static_answer URL: requests a second of the nghttpd there.
static_answer() { h2load_rate 7 "$1/check"; }
