# shellcheck shell=bash
# berth-agent beside berthd: registered once, then kept running. It acts on Docker and the firewall, so
# it runs as root, through sudo for others.

agent_state="$state/agent"
agent_log="$logs/berth-agent.log"
agent_process_file="$state/berth-agent.pid"

# choose_database_image: sets database_image to the official image when it is here or can be pulled, and
# to one of Berth's own making otherwise; says which.
choose_database_image() {
    database_image=postgres:16-alpine
    if docker_as_root image inspect berth/postgres-test:16 >/dev/null 2>&1; then
        pull_seconds_max=60
    fi
    if docker_as_root image inspect "$database_image" >/dev/null 2>&1; then
        note "the databases' image is $database_image, which is here"
    elif say "Pulling $database_image, if a registry answers within $pull_seconds_max seconds" &&
        pull_database_image; then
        note "the databases' image is $database_image, just pulled"
    else
        database_image=berth/postgres-test:16
        note "$database_image instead of the official image, which cannot be pulled here"
        step "Building the image $database_image from programs of this machine" \
            "$logs/test-image.log" scripts/test-image
    fi
}

# How long a pull may take. Less where the substitute is here already: a registry that does not answer
# would cost each run as much.
pull_seconds_max=120

# pull_database_image: whether the engine pulls the image in that time.
pull_database_image() {
    as_root timeout "$pull_seconds_max" docker --host "$DOCKER_HOST" pull --quiet "$database_image" \
        >>"$logs/pull.log" 2>&1
}

# register_agent AGENT ADDRESS: makes the agent's keys and exchanges the bootstrap's one-time token,
# unless an earlier run did.
register_agent() {
    # The folder alone may be what an interrupted registration left.
    if as_root test -s "$agent_state/agent.state"; then return; fi
    (umask 077 && json_value agent_registration_token <"$bootstrap_file" >"$state/registration-token")
    step "Registering the agent of this server" "$logs/register.log" as_root "$1" register \
        --control-plane "http://$2" --token-file "$state/registration-token" \
        --state-dir "$agent_state"
    rm -f "$state/registration-token"
}

# start_agent AGENT: starts it in a session of its own; sets agent_process.
start_agent() {
    say "Starting berth-agent (log: $agent_log)"
    start_as_root "$agent_log" "$agent_process_file" "$1" run --state-dir "$agent_state"
    agent_process="$(<"$agent_process_file")"
}

# agent_runs: whether the agent that was started has not ended.
agent_runs() { [[ -d "/proc/$agent_process" ]]; }

# require_agent: ends the script with the end of the agent's log when the agent has ended.
require_agent() {
    if agent_runs; then return; fi
    tail -n 10 "$agent_log" | sed 's/^/    | /' >&2
    fail "berth-agent ended by itself" "its log: $agent_log"
}

# How long an agent may take to end: it finishes what it is in the middle of.
agent_stop_seconds_max=60

# stop_agent: asks it to end and waits; containers go on. The next run ends one that takes longer.
stop_agent() {
    local deadline=$((SECONDS + agent_stop_seconds_max))
    [[ -n "${agent_process:-}" ]] || return 0
    if ! as_root kill -TERM "$agent_process" 2>/dev/null && agent_runs; then
        note "berth-agent goes on; end it: sudo kill $agent_process"
        return
    fi
    while agent_runs && ((SECONDS < deadline)); do sleep 0.1; done
    agent_runs || rm -f "$agent_process_file"
    agent_process=
}

# stop_agent_left_behind: ends an agent that an interrupted run left, and waits: it holds
# the lock on the state folder until then.
stop_agent_left_behind() {
    local process deadline=$((SECONDS + agent_stop_seconds_max))
    process="$(cat "$agent_process_file" 2>/dev/null || true)"
    # The file may name some other program's process by now.
    if [[ "$process" =~ ^[0-9]+$ ]] &&
        tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep --quiet 'berth-agent run '; then
        note "ending berth-agent $process, which an interrupted run left behind"
        as_root kill -TERM "$process" 2>/dev/null || true
        while [[ -d "/proc/$process" ]] && ((SECONDS < deadline)); do sleep 0.1; done
    fi
    rm -f "$agent_process_file"
}

# deploy_first_service_again: what an earlier run left without a database is deployed once more.
deploy_first_service_again() {
    local state
    state="$(call ServiceService/GetService "{\"service_id\": \"$service_id\"}" |
        json_value service.state)"
    case "$state" in
    SERVICE_STATE_NOT_DEPLOYED)
        note "it was never deployed: DeployService"
        call DeploymentService/DeployService "{\"service_id\": \"$service_id\", \"server_id\": \"$(
            json_value server_id <"$bootstrap_file"
        )\"}" >/dev/null
        ;;
    SERVICE_STATE_FAILED | SERVICE_STATE_CANCELLED | SERVICE_STATE_CRASHED)
        note "it is ${state#SERVICE_STATE_}: RedeployService"
        call DeploymentService/RedeployService "{\"service_id\": \"$service_id\"}" >/dev/null
        ;;
    esac
}

# wait_until_running: until the first service is RUNNING, at most 300 s; shows each step on the way.
wait_until_running() {
    local deadline=$((SECONDS + 300)) service state shown=
    say "Waiting until the agent has proven that the database serves"
    while ((SECONDS < deadline)); do
        require_agent
        service="$(call ServiceService/GetService "{\"service_id\": \"$service_id\"}")"
        state="$(json_value service.state <<<"$service")"
        if [[ "$state" != "$shown" ]]; then
            note "$state $(json_value service.state_message <<<"$service" || true)"
            shown="$state"
        fi
        case "$state" in
        SERVICE_STATE_RUNNING) return ;;
        SERVICE_STATE_FAILED | SERVICE_STATE_CRASHED)
            fail "the database does not run: $(json_value service.state_message <<<"$service")" \
                "the agent's log: $agent_log"
            ;;
        esac
        sleep 0.2
    done
    fail "the database does not run after 300 s" "the agent's log: $agent_log"
}

# query_first_service SQL: asks the database through its connection URI, from a container on the
# environment's own network, as a sibling service would. The URI's password goes by environment:
# arguments can be read by every user.
query_first_service() {
    local environment password
    password="${connection_uri#*//*:}"
    password="${password%%@*}"
    environment="$(json_value environment_id <"$bootstrap_file")"
    printf 'PGPASSWORD=%s\n' "$password" |
        docker_as_root run --rm --env-file /dev/stdin --network "berth-env-$environment" \
            --entrypoint psql "$database_image" "${connection_uri/":$password@"/@}" \
            --no-psqlrc --tuples-only --no-align --command "$1"
}
