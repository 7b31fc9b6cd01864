# shellcheck shell=bash
# The result: ratios first.

# median NUMBER…
median() {
    printf '%s\n' "$@" | sort --general-numeric-sort |
        awk '{ value[NR] = $1 } END {
            print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# median_ratio OURS PEERS: of the ratios of each round, given two arrays by name. Both parts of a
# round ran one after the other, so that what else the machine did weighs on both.
median_ratio() {
    local -n ours="$1" theirs="$2"
    local index ratios=()
    for index in "${!ours[@]}"; do
        ratios+=("$(awk -v a="${ours[index]}" -v b="${theirs[index]}" 'BEGIN { print a / b }')")
    done
    median "${ratios[@]}"
}

# row WHAT RATIO OURS PEER TARGET MET: one line.
row() { printf '%-44s %7s  %12s  %22s  %10s  %s\n' "$@"; }

# ratio_row WHAT OURS PEERS PEER_NAME MINIMUM: MINIMUM is empty where nothing is aimed at.
ratio_row() {
    local ratio target="-" met="-"
    ratio="$(median_ratio "$2" "$3")"
    local -n row_ours="$2" row_theirs="$3"
    if [[ -n "$5" ]]; then
        target="$(printf '>= %.2f' "$5")"
        met="$(meets "$ratio >= $5")"
    fi
    row "$1" "$(printf %.2f "$ratio")" "$(printf '%.0f/s' "$(median "${row_ours[@]}")")" \
        "$(printf '%s %.0f/s' "$4" "$(median "${row_theirs[@]}")")" "$target" "$met"
}

# tls_row: the shares of their calls a second that both keep under TLS, and the ratio of the shares.
tls_row() {
    local ratio ours theirs
    ratio="$(median_ratio tls_berth tls_nghttpd)"
    ours="$(awk -v kept="$(median "${tls_berth[@]}")" 'BEGIN { printf "-%.1f %%", 100 * (1 - kept) }')"
    theirs="$(awk -v kept="$(median "${tls_nghttpd[@]}")" \
        'BEGIN { printf "-%.1f %%", 100 * (1 - kept) }')"
    row "TLS: calls kept, beside nghttpd's share" "$(printf %.3f "$ratio")" "$ours" \
        "nghttpd $theirs" ">= 1.00" "$(meets "$ratio >= 1")"
    row "  calls over TLS" - "$(printf '%.0f/s' "$(median "${tls_berth_rates[@]}")")" \
        "nghttpd $(printf '%.0f/s' "$(median "${tls_nghttpd_rates[@]}")")" - -
}

# latency_rows: times at half load.
latency_rows() {
    local ours theirs
    ours="$(median "${latency_berth_p50[@]}")" theirs="$(median "${latency_grpc_p50[@]}")"
    row "Health/Check at half load, p50" - "$ours µs" "gRPC C++ $theirs µs" - -
    ours="$(median "${latency_berth_p99[@]}")" theirs="$(median "${latency_grpc_p99[@]}")"
    row "  p99" - "$ours µs" "gRPC C++ $theirs µs" "< 2000 µs" "$(meets "$ours < 2000")"
    row "  at" - "$(printf '%.0f/s' "$(median "${latency_berth_loads[@]}")")" \
        "gRPC C++ $(printf '%.0f/s' "$(median "${latency_grpc_loads[@]}")")" - -
}

# kibibytes BYTES
kibibytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f KiB", bytes / 1024 }'; }

# idle_rows: memory of a connection.
idle_rows() {
    row "idle connection, one of $idle_connections" - "$(kibibytes "$idle_berth")" \
        "gRPC C++ $(kibibytes "$idle_grpc")" "< 20 KiB" "$(meets "$idle_berth < 20480")"
    row "  over TLS, one of $idle_tls_connections" - "$(kibibytes "$idle_berth_tls")" - - -
}

# deploy_rows: times from create to RUNNING, and of Docker alone.
deploy_rows() {
    deploy_rows_of "create to RUNNING" 1000 "${deploy_warm[@]}"
    deploy_rows_of "  initialised on demand" 1500 "${deploy_cold[@]}"
}

# deploy_rows_of WHAT MAX MILLISECONDS…: percentiles; MAX is what the median should stay under.
deploy_rows_of() {
    local what="$1" max="$2" percentile ours theirs target met
    shift 2
    for percentile in 50 95 99; do
        ours="$(percentile "$percentile" "$@")"
        theirs="$(percentile "$percentile" "${deploy_docker[@]}")"
        target=- met=-
        if ((percentile == 50)); then target="< $max ms" met="$(meets "$ours < $max")"; fi
        row "$what, p$percentile of $#" \
            "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')" "$ours ms" \
            "docker run $theirs ms" "$target" "$met"
    done
}

# percentile P NUMBER…: the smallest of the numbers that P percent of them do not exceed.
percentile() {
    local share="$1"
    shift
    printf '%s\n' "$@" | sort --general-numeric-sort | awk -v share="$share" '{ value[NR] = $1 }
        END { place = int((NR * share + 99) / 100); print value[place < 1 ? 1 : place] }'
}

# meets CONDITION: yes or no.
meets() { awk "BEGIN { print ($1) ? \"yes\" : \"no\" }"; }

# show_machine: what the numbers are of.
show_machine() {
    note "$(nproc) cores, $(sed --quiet 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
        "Linux $(uname --kernel-release), load before: $load_before"
    note "gRPC C++ $(pkg-config --modversion grpc++), $(nghttpd --version)," \
        "$("$postgres_program_folder/postgres" --version)"
    note "medians of $rounds rounds of $seconds s; ratios are the median of each round's ratio"
}

# show_results: everything that was measured.
show_results() {
    local memory
    printf '\n'
    row what ratio Berth peer target "met?"
    if wants health; then
        ratio_row "Health/Check, 10 x 10 calls at once" health_berth health_grpc "gRPC C++" 2
        ratio_row "  beside a static file" health_berth health_nghttpd nghttpd 0.45
    fi
    if wants tls; then tls_row; fi
    if wants latency; then latency_rows; fi
    if wants create; then
        ratio_row "CreateDatabaseService, 8 clients" create_berth_8 create_pgbench_8 pgbench 0.70
        ratio_row "CreateDatabaseService, 1 client" create_berth_1 create_pgbench_1 pgbench 0.55
    fi
    if wants get; then
        row "GetService, one loop" - "$(printf '%.0f/s' "$(median "${get_rates[@]}")")" - \
            ">= 10000/s" "$(meets "$(median "${get_rates[@]}") >= 10000")"
    fi
    if wants memory; then
        for memory in "one loop:$idle_one_loop" "a loop a core:$idle_default"; do
            row "idle memory, ${memory%%:*}" - \
                "$(awk -v kib="${memory##*:}" 'BEGIN { printf "%.1f MiB", kib / 1024 }')" - \
                "< 40 MiB" "$(meets "${memory##*:} < 40960")"
        done
    fi
    if wants idle; then idle_rows; fi
    if wants deploy; then deploy_rows; fi
    printf '\n'
    show_machine
}
