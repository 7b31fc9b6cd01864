# shellcheck shell=bash
# Caddy in front of berthd: how browsers reach it without TLS of their own.

# start_caddy SITE UPSTREAM: serves the site's address for berthd at the upstream; sets caddy_process.
start_caddy() {
    say "Starting Caddy on $1 for browsers (log: $logs/caddy.log)"
    BERTH_SITE="$1" BERTH_UPSTREAM="$2" XDG_DATA_HOME="$state/caddy/data" \
        XDG_CONFIG_HOME="$state/caddy/data" \
        setsid "$caddy" run --config scripts/proxy/Caddyfile --adapter caddyfile \
        {run_lock}>&- </dev/null >>"$logs/caddy.log" 2>&1 &
    caddy_process=$!
}

# stop_caddy: ends it.
stop_caddy() {
    [[ -n "${caddy_process:-}" ]] || return 0
    end_process "$caddy_process"
    caddy_process=
}
