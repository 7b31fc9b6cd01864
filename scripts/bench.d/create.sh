# shellcheck shell=bash
# CreateDatabaseService beside the same statements by pgbench: each round gives both a new database
# in the same cluster.

# extract_statements: writes $bench/create.pgbench and its constants from what Berth sends.
extract_statements() {
    local database=berth_extracted
    fresh_database "$database"
    as_superuser <<<"ALTER DATABASE $database SET log_statement = 'all'"
    start_measured "$database" --loops 1
    as_postgres_owner truncate --size=0 "$postgres_log"
    "$peers/create_client" "$berthd_port" 1 0 0.2 "$workspaces" 0
    stop_berthd
    as_postgres_owner cat "$postgres_log" >"$bench/statements.log"
    python3 scripts/bench.d/pgbench_script.py "$bench/statements.log" "$workspaces" \
        "$bench/create.pgbench" >"$bench/create.constants"
    as_superuser <<<"DROP DATABASE $database WITH (FORCE)"
}

# create_rounds CLIENTS OURS PEERS: alternates both; sets the two arrays named: calls and transactions
# a second, one a round.
create_rounds() {
    local clients="$1" round berth pgbench
    local -n berth_rates="$2" pgbench_rates="$3"
    berth_rates=() pgbench_rates=()
    say "CreateDatabaseService from $clients client(s), and pgbench with its statements, in turn"
    for ((round = 1; round <= rounds; round++)); do
        # Who goes first changes, in case it matters.
        if ((round % 2)); then
            berth="$(create_by_berth "$clients")"
            pgbench="$(create_by_pgbench "$clients")"
        else
            pgbench="$(create_by_pgbench "$clients")"
            berth="$(create_by_berth "$clients")"
        fi
        note "round $round: Berth $berth, pgbench $pgbench a second"
        berth_rates+=("$berth") pgbench_rates+=("$pgbench")
    done
}

# create_by_berth CLIENTS: calls a second.
create_by_berth() {
    local answer calls
    fresh_database berth_measured
    start_measured berth_measured --loops 1
    answer="$(timeout 120 "$peers/create_client" "$berthd_port" "$1" 1 "$seconds" "$workspaces" 1)"
    stop_berthd
    printf '%s %s\n' "$1" "$answer" >>"$logs/bench-create.log"
    read -r _ calls _ rate _ <<<"$answer"
    require_services berth_measured "$calls"
    printf '%s\n' "$rate"
}

# create_by_pgbench CLIENTS: transactions a second.
create_by_pgbench() {
    local log="$logs/bench-pgbench.log"
    fresh_database berth_peer
    run_pgbench "$1" 1 0 >"$log" 2>&1 || fail "pgbench failed" "its log: $log"
    run_pgbench "$1" "$seconds" 1000000000 >"$log" 2>&1 || fail "pgbench failed" "its log: $log"
    grep --quiet '^number of failed transactions: 0 ' "$log" || fail "pgbench failed" "its log: $log"
    require_services berth_peer \
        "$(sed --quiet 's/^number of transactions actually processed: //p' "$log")"
    sed --quiet 's/^tps = \([0-9]*\.[0-9]\).* (without.*/\1/p' "$log"
}

# run_pgbench CLIENTS SECONDS FIRST: numbers its transactions from FIRST on.
run_pgbench() {
    local constants
    mapfile -d '' -t constants <"$bench/create.constants"
    timeout 120 "$postgres_program_folder/pgbench" --no-vacuum --protocol=prepared \
        --client="$1" --jobs=1 --time="$2" --file="$bench/create.pgbench" \
        --define=clients="$1" --define=workspaces="$workspaces" --define=call="$3" \
        "${constants[@]}" "$(database_url berth_peer)"
}

# require_services DATABASE COUNT: that it has at least so many more services than the seed, each with
# its deployment, three config entries, an audit event and a remembered request.
require_services() {
    local found
    found="$(in_database "$1" <<<"SELECT count(*) - $workspaces * $services,
        (SELECT count(*) FROM deployments) - count(*),
        (SELECT count(*) FROM config_entries) - 3 * count(*),
        (SELECT count(*) FROM audit_events) - count(*),
        (SELECT count(*) FROM create_requests) - count(*) FROM services")"
    if [[ "$found" != *"|0|0|0|0" ]] || ((${found%%|*} < $2)); then
        fail "$2 calls left other rows in $1: services, and by how many too many deployments," \
            "entries, events, requests: $found"
    fi
}
