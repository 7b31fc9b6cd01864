# shellcheck shell=bash
# What `scripts/run --once` proves: what one call committed can be read back through the others.

# prove_first_service: ends the script unless the service, its configuration and its connection are
# as the create call promised.
prove_first_service() {
    local service config connection
    say "Proving it: GetService, ListConfig, RevealConnection, a query by a sibling"
    service="$(call ServiceService/GetService "{\"service_id\": \"$service_id\"}")"
    prove "the service has its name" "$service" service.name "$service_name"
    prove "it is private" "$service" service.visibility VISIBILITY_PRIVATE
    prove "it is a database" "$service" service.kind SERVICE_KIND_DATABASE

    prove "it runs: the agent logged in to it" "$service" service.state SERVICE_STATE_RUNNING
    [[ "$(query_first_service 'SELECT version()')" == "PostgreSQL "* ]] ||
        fail "the database does not answer a sibling through its connection URI"
    note "ok: it answers a sibling through the URI that $connection_source returned"

    config="$(call ConfigService/ListConfig "{\"service_id\": \"$service_id\"}")"
    prove "its database is configured" "$config" entries.key=POSTGRES_DB.value app
    prove "its user is configured" "$config" entries.key=POSTGRES_USER.value berth
    prove "its password is a secret" "$config" entries.key=POSTGRES_PASSWORD.kind \
        CONFIG_ENTRY_KIND_SECRET
    ! json_value entries.key=POSTGRES_PASSWORD.value <<<"$config" >/dev/null ||
        fail "ListConfig shows the password"
    note "ok: the password is not listed"

    connection="$(call ServiceService/RevealConnection "{\"service_id\": \"$service_id\"}")"
    json_value password <<<"$connection" >/dev/null || fail "RevealConnection has no password"
    # Without saying either: they hold the password.
    [[ "$(json_value connection_uri <<<"$connection")" == "$connection_uri" ]] ||
        fail "RevealConnection shows another connection than $connection_source"
    note "ok: RevealConnection shows the connection that $connection_source gave"
    ! grpcurl -plaintext -connect-timeout 60 -max-time 60 \
        -d "{\"service_id\": \"$service_id\"}" "$address" \
        berth.controlplane.v1.ServiceService/GetService >"$logs/no-token.log" 2>&1 ||
        fail "GetService answers without a token"
    grep --quiet 'Code: Unauthenticated' "$logs/no-token.log" ||
        fail "GetService without a token fails, but not with UNAUTHENTICATED" \
            "$(tail -n 3 "$logs/no-token.log")"
    note "ok: without a token there is no answer"
    curl --silent --show-error --fail --max-time 60 --output /dev/null \
        --retry 60 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$web_port/" ||
        fail "browsers get no answer on http://127.0.0.1:$web_port" "Caddy's log: $logs/caddy.log"
    note "ok: browsers are answered through Caddy"
}

# prove CLAIM JSON PATH EXPECTED
prove() {
    local actual
    actual="$(json_value "$3" <<<"$2")" || actual="(nothing)"
    [[ "$actual" == "$4" ]] || fail "not so: $1" "$3 is $actual instead of $4" \
        "the server's log: $berthd_log"
    note "ok: $1"
}
