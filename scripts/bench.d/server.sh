# shellcheck shell=bash
# The berthd that is measured.

# start_measured DATABASE [ARGUMENT…]: starts berthd over a database and waits until it serves. The load
# has one token for a hundred calls at once.
start_measured() {
    BERTH_DATABASE_URL="$(database_url "$1")" \
        start_berthd "$berthd" "127.0.0.1:$berthd_port" --calls-per-token-max 1000 "${@:2}" \
        >/dev/null
    wait_until_served "127.0.0.1:$berthd_port"
}

# resident_kibibytes: what berthd holds in memory now.
resident_kibibytes() {
    awk '/^VmRSS:/ { print $2 }' "/proc/$berthd_process/status"
}

# measure_idle_memory: sets idle_one_loop and idle_default, in KiB, a moment after the start.
measure_idle_memory() {
    say "Idle memory"
    start_measured berth --loops 1
    sleep 3
    idle_one_loop="$(resident_kibibytes)"
    stop_berthd
    start_measured berth
    sleep 3
    idle_default="$(resident_kibibytes)"
    stop_berthd
    note "one loop $idle_one_loop KiB, a loop a core ($(nproc)) $idle_default KiB"
}
