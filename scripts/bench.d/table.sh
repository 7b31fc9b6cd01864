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
        ratio_row "  beside a static file" health_berth health_nghttpd nghttpd ""
    fi
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
    printf '\n'
    show_machine
}
