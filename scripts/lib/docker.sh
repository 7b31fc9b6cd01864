# shellcheck shell=bash
# A Docker engine that answers: the one that runs, else one that is started here.
# Needs say.sh, places.sh, privilege.sh and debian_packages.sh.

docker_socket="${BERTH_DOCKER_SOCKET:-/var/run/docker.sock}"
export DOCKER_HOST="unix://$docker_socket"
# Seconds that a started engine has to answer.
docker_start_seconds_max=180

# docker_as_root ARGUMENT…: the Docker client, as root: through sudo for others.
docker_as_root() { as_root docker --host "$DOCKER_HOST" "$@"; }

# require_docker: ends the script with what is missing unless an engine answers; installs and starts
# one where it may.
require_docker() {
    # In the foreground and without a limit, for sudo may ask for a password.
    as_root true
    if docker_answers; then return; fi
    [[ "$docker_socket" == /var/run/docker.sock ]] ||
        fail "no Docker engine answers on $docker_socket" "start it, or unset BERTH_DOCKER_SOCKET"
    if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
        command -v apt-get >/dev/null ||
            fail "there is no Docker engine" "install one: https://docs.docker.com/engine/install/"
        install_packages docker.io
    fi
    # The package starts it where there is a service manager.
    if [[ -d /run/systemd/system ]]; then as_root systemctl start docker; else start_dockerd; fi
    wait_for_docker
}

# docker_answers: whether an engine does.
docker_answers() {
    as_root timeout 20 docker --host "$DOCKER_HOST" version >/dev/null 2>&1
}

# start_dockerd: starts it beside this script, which it outlives; one of several scripts does.
start_dockerd() {
    say "Starting dockerd (its log: $logs/dockerd.log)"
    start_as_root "$logs/dockerd.log" "$state/dockerd.pid" \
        flock --nonblock /run/berth-dockerd.lock dockerd
}

# wait_for_docker: until it answers.
wait_for_docker() {
    local ends=$((SECONDS + docker_start_seconds_max))
    until docker_answers; do
        if ((SECONDS >= ends)); then
            tail -n 5 "$logs/dockerd.log" 2>/dev/null | sed 's/^/    | /' >&2
            fail "Docker does not answer within $docker_start_seconds_max s" \
                "its log: $logs/dockerd.log"
        fi
        read -rt 0.2 <> <(:) || true
    done
}
