# shellcheck shell=bash
# From CreateDatabaseService to RUNNING by a real agent and Docker, with data that was initialised ahead
# and without, and beside it `docker run` of the same image to the first SELECT 1; the image is present.

deploy_image=berth/postgres-test:16

# prepare_deployments: ends the script, before anything is measured, where no agent could work.
prepare_deployments() {
    ((EUID == 0)) || fail "the part deploy needs root: an agent keeps a rule in the firewall" \
        "leave it out: scripts/bench --only health,tls,latency,create,get,memory,idle"
    require_docker
    scripts/test-image
    step "Building berth-agent for release (the first time takes minutes)" \
        "$logs/build-agent-release.log" build_agent_release
}

# measure_deployments: sets deploy_warm, deploy_cold and deploy_docker, milliseconds of each database.
measure_deployments() {
    local warm cold theirs answers="$logs/bench-deploy.txt"
    deploy_warm=() deploy_cold=() deploy_docker=()
    start_deploying
    say "$creates databases each: CreateDatabaseService to RUNNING, warm and cold, and docker run to SELECT 1, in turn"
    generate_client
    timeout 3600 "$venv/bin/python" -B Tests/BenchPeers/deploy_client.py \
        "127.0.0.1:$berthd_port" "$bench/client" "$bootstrap_file" "$token_file" "$creates" \
        "$deploy_image" "$postgres_program_folder/psql" >"$answers" 2>"$logs/bench-deploy.log" ||
        fail "deploy_client.py failed: $(tail -n 1 "$logs/bench-deploy.log")" \
            "its log: $logs/bench-deploy.log, berthd's: $berthd_log, the others': $logs/bench-peers-run.log"
    while read -r warm cold theirs; do
        deploy_warm+=("$warm") deploy_cold+=("$cold") deploy_docker+=("$theirs")
    done <"$answers"
    stop_peers
    stop_berthd
    remove_deployed
}

# build_agent_release: the agent, as berthd is built.
build_agent_release() {
    limited_build --configuration release --product berth-agent --static-swift-stdlib
}

# start_deploying: berthd over an empty database of its own, and an agent that is registered there.
start_deploying() {
    local agent_state="$bench/agent" agent
    agent="$(release_folder)/berth-agent"
    as_superuser <<<"CREATE DATABASE berth_deployed OWNER berth"
    BERTH_DATABASE_URL="$(database_url berth_deployed)" "$berthd" migrate >/dev/null
    BERTH_DATABASE_URL="$(database_url berth_deployed)" bootstrap "$berthd"
    json_value server_id <"$bootstrap_file" >"$bench/deployed-server"
    start_measured berth_deployed --template-image "postgres=$deploy_image" \
        --services-per-workspace-max 1000
    rm -rf "$agent_state"
    json_value agent_registration_token <"$bootstrap_file" |
        "$agent" register --control-plane "http://127.0.0.1:$berthd_port" --token-file - \
            --state-dir "$agent_state" >>"$logs/bench-peers-run.log" 2>&1 ||
        fail "berth-agent does not register" "its log: $logs/bench-peers-run.log"
    start_peer "$agent" run --state-dir "$agent_state" --spare-volumes 1
}

# generate_client: what grpcio-tools makes of our protos.
generate_client() {
    mkdir -p "$bench/client"
    "$venv/bin/python" -B -m grpc_tools.protoc --proto_path=proto \
        --python_out="$bench/client" --grpc_python_out="$bench/client" \
        proto/berth/controlplane/v1/*.proto
}

# remove_deployed: whatever the agent and the client made in Docker, also of an interrupted run.
remove_deployed() {
    local server kind
    [[ -s "$bench/deployed-server" ]] || return 0
    server="label=berth.server=$(<"$bench/deployed-server")"
    docker ps --all --quiet --filter "$server" | xargs --no-run-if-empty docker rm --force --volumes
    docker ps --all --quiet --filter name=berth-bench- | xargs --no-run-if-empty docker rm --force
    for kind in volume network; do
        docker "$kind" ls --quiet --filter "$server" | xargs --no-run-if-empty docker "$kind" rm
    done >/dev/null
    docker volume ls --quiet --filter name=berth-bench- |
        xargs --no-run-if-empty docker volume rm >/dev/null
    rm -f "$bench/deployed-server"
}
