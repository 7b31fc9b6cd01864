# shellcheck shell=bash
# GetService of one service by one caller, on one loop.

# write_get_request: makes a service and a request for it; sets get_bytes, the answer's size.
write_get_request() {
    local service
    "$peers/create_client" "$berthd_port" 1 0 0.01 "$workspaces" get >/dev/null
    service="$(in_database berth_measured <<<"SELECT id FROM services
        WHERE workspace_id = lpad('1', 32, '0')::uuid LIMIT 1")"
    # Field 1, 36 bytes of text, in a gRPC frame.
    printf '\0\0\0\0\046\012\044%s' "$service" >"$bench/get.request"
    get_bytes="$(curl --silent --http2-prior-knowledge "${grpc_headers[@]}" "${token_header[@]}" \
        --data-binary "@$bench/get.request" "$get_address" | wc --bytes)"
    ((get_bytes > 100)) || fail "GetService does not answer" "berthd's log: $berthd_log"
}

# get_rounds: sets get_rates, calls a second.
get_rounds() {
    local round rate
    token_header=(-H "authorization: Bearer berth_$(printf '%042dA' 1)")
    get_address="http://127.0.0.1:$berthd_port/berth.controlplane.v1.ServiceService/GetService"
    get_rates=()
    say "GetService, h2load -c 10 -m 10"
    fresh_database berth_measured
    start_measured berth_measured --loops 1
    write_get_request
    for ((round = 1; round <= rounds; round++)); do
        rate="$(h2load_rate "$get_bytes" "${grpc_headers[@]}" "${token_header[@]}" \
            --data="$bench/get.request" "$get_address")"
        note "round $round: $rate a second"
        get_rates+=("$rate")
    done
    stop_berthd
}
