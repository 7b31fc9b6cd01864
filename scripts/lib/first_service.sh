# shellcheck shell=bash
# The first database service: made by one call, or found when an earlier run made it, and shown.

service_name=hello

# ensure_first_service: calls CreateDatabaseService; sets service_id, connection_uri and how that is
# known, connection_source.
ensure_first_service() {
    local answer request problem="$logs/create-service.log"
    say "Creating the database service \"$service_name\" (CreateDatabaseService)"
    request="$(create_request)"
    if answer="$(call ServiceService/CreateDatabaseService "$request" 2>"$problem")"; then
        service_id="$(json_value service.id <<<"$answer")"
        connection_uri="$(json_value connection_uri <<<"$answer")"
        connection_source="the create call"
    elif grep --quiet 'Code: AlreadyExists' "$problem"; then
        note "an earlier run made it"
        service_id="$(find_service)"
        connection_uri="$(call ServiceService/RevealConnection "{\"service_id\": \"$service_id\"}" |
            json_value connection_uri)"
        connection_source=RevealConnection
        deploy_first_service_again
    else
        sed 's/^/    | /' "$problem" >&2
        fail "CreateDatabaseService failed" "the server's log: $berthd_log"
    fi
}

# create_request: the request as JSON, with the ids that bootstrap gave.
create_request() {
    printf '{"environment_id": "%s", "server_id": "%s", "name": "%s", "template_id": "postgres", ' \
        "$(json_value environment_id <"$bootstrap_file")" \
        "$(json_value server_id <"$bootstrap_file")" "$service_name"
    printf '"deploy_now": true}\n'
}

# find_service: the id of the environment's service of that name, page after page.
find_service() {
    local environment page token=
    environment="$(json_value environment_id <"$bootstrap_file")"
    while :; do
        page="$(call ServiceService/ListServices "{\"environment_id\": \"$environment\",
            \"page_size\": 100, \"page_token\": \"$token\"}")"
        if json_value "services.name=$service_name.id" <<<"$page"; then return; fi
        token="$(json_value next_page_token <<<"$page")" ||
            fail "the service exists, and ListServices does not list it"
    done
}

# show_first_service: the service as the server tells it, with the way to connect.
show_first_service() {
    local service
    service="$(call ServiceService/GetService "{\"service_id\": \"$service_id\"}")"
    printf '\n'
    note "service      $(json_value service.name <<<"$service") ($service_id)"
    note "image        $(json_value service.image <<<"$service")"
    note "visibility   $(json_value service.visibility <<<"$service")"
    note "state        $(json_value service.state <<<"$service")"
    note "connection   $connection_uri"
}
