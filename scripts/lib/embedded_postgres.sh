# shellcheck shell=bash
# The embedded PostgreSQL: a cluster of Berth's own, made with the distribution's programs, reached
# over a unix socket only. Other clusters on the machine are never touched.
#
# Who may log in is peer authentication's matter: the kernel tells the server which system user
# calls, so there is no password to keep. That user is both `berth` (owns the database) and
# `postgres` (the cluster's superuser).

# libpq would read these, and they may point to some other server.
unset "${!PG@}"

# choose_postgres_place: sets postgres_owner, the system user that the server runs as, and
# postgres_home, the folder with its data, log and socket; makes that folder.
choose_postgres_place() {
    local link="$state/postgres"
    if [[ -d "$link" && ! -L "$link" ]]; then
        postgres_home="$link"
        postgres_owner="$(stat --format=%U "$link")"
    elif ((EUID != 0)); then
        postgres_home="$link"
        postgres_owner="$(id --user --name)"
        mkdir -m 0700 "$postgres_home"
    else
        postgres_owner=postgres
        [[ -L "$link" ]] || ln -s "/var/lib/berth/$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')" "$link"
        postgres_home="$(readlink "$link")"
        note "PostgreSQL never runs as root: its data is in $postgres_home, owned by $postgres_owner"
        install --directory --mode=0755 "$(dirname "$postgres_home")"
        install --directory --mode=0700 --owner="$postgres_owner" "$postgres_home"
    fi
    [[ "$postgres_owner" != root ]] || fail "$postgres_home belongs to root" \
        "PostgreSQL never runs as root: give the folder to another user, or remove it"
    postgres_data="$postgres_home/data"
    postgres_log="$postgres_home/postgres.log"
    choose_postgres_socket
}

# choose_postgres_socket: sets postgres_socket, the socket's folder; a short one of its own in /tmp
# when the state folder's path is longer than a socket's address may be (107 bytes), or has letters
# that an address of a database would have to escape.
choose_postgres_socket() {
    postgres_socket="$postgres_home/socket"
    if ((${#postgres_socket} <= 90)) && [[ ! "$postgres_socket" =~ [^A-Za-z0-9/._-] ]]; then
        as_postgres_owner mkdir -p -m 0700 "$postgres_socket"
    else
        postgres_socket="$(as_postgres_owner mktemp --directory /tmp/berth-socket.XXXXXX)"
    fi
}

# as_postgres_owner COMMAND…: runs it as the cluster's user, with nothing of our environment and
# without the lock that this script holds, so that a server left behind does not keep it.
as_postgres_owner() {
    local identity=()
    if ((EUID == 0)); then
        identity=(setpriv "--reuid=$postgres_owner" "--regid=$(id --group "$postgres_owner")"
            --init-groups --)
    fi
    (
        cd "$postgres_home"
        exec {run_lock}>&-
        exec "${identity[@]}" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$postgres_home" "$@"
    )
}

# postgres_programs: the folder of the programs that fit the cluster; the newest for a new one.
postgres_programs() {
    local major= programs
    if as_postgres_owner test -e "$postgres_data/PG_VERSION"; then
        major="$(as_postgres_owner cat "$postgres_data/PG_VERSION")"
    fi
    programs="$(postgres_binaries "$major")"
    [[ -n "$programs" ]] || fail "the programs of PostgreSQL ${major:-(any version)} are missing" \
        "the cluster in $postgres_data was made by that version" \
        "run: apt-get install postgresql${major:+-$major}"
    printf '%s\n' "$programs"
}

# create_postgres_cluster PROGRAMS: makes the cluster beside its place and moves it there last, so
# that an interrupted run leaves no half of one.
create_postgres_cluster() {
    local fresh="$postgres_home/data.new"
    as_postgres_owner rm -rf "$fresh"
    as_postgres_owner "$1/initdb" --pgdata="$fresh" --username=postgres --auth=peer \
        --encoding=UTF8 --locale=C.UTF-8 --data-checksums
    as_postgres_owner tee -a "$fresh/postgresql.conf" <<<"
# Berth's own: no TCP. The socket's folder is given at each start.
listen_addresses = ''
unix_socket_permissions = 0700"
    as_postgres_owner tee "$fresh/pg_hba.conf" <<<"local all all peer map=berth"
    as_postgres_owner tee "$fresh/pg_ident.conf" <<<"berth \"$(id --user --name)\" berth
berth \"$(id --user --name)\" postgres"
    as_postgres_owner mv "$fresh" "$postgres_data"
}

# start_postgres PROGRAMS: starts the server, after ending one that an interrupted run left.
start_postgres() {
    stop_postgres "$1"
    as_postgres_owner rm -f "$postgres_data/postmaster.pid"
    as_postgres_owner "$1/pg_ctl" start --silent --wait --timeout=300 --pgdata="$postgres_data" \
        --log="$postgres_log" --options="-k $postgres_socket -p 5432" || {
        as_postgres_owner tail -n 20 "$postgres_log" || true
        echo "PostgreSQL's log: $postgres_log"
        return 1
    }
}

# create_database PROGRAMS: makes the role and the database unless they exist.
create_database() {
    "$1/psql" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        "postgresql://postgres@/postgres?host=$postgres_socket&port=5432" <<'SQL'
SELECT 'CREATE ROLE berth LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'berth') \gexec
SELECT 'CREATE DATABASE berth OWNER berth'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'berth') \gexec
SQL
}

# running_postgres: the process id of this cluster's server; empty when it is not running.
running_postgres() {
    local process
    process="$(as_postgres_owner head -n 1 "$postgres_data/postmaster.pid" 2>/dev/null || true)"
    # A stale file may name some other program's process by now.
    if [[ "$process" =~ ^[0-9]+$ ]] &&
        tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null | grep --quiet -F "$postgres_data"; then
        printf '%s\n' "$process"
    fi
}

# stop_postgres PROGRAMS: ends this cluster's server if it is running; at worst as if by a crash,
# which PostgreSQL recovers from.
stop_postgres() {
    [[ -n "$(running_postgres)" ]] || return 0
    as_postgres_owner "$1/pg_ctl" stop --silent --mode=fast --wait --timeout=120 \
        --pgdata="$postgres_data" ||
        as_postgres_owner "$1/pg_ctl" stop --silent --mode=immediate --wait --timeout=60 \
            --pgdata="$postgres_data"
}

# embed_postgres: everything above in order; exports BERTH_DATABASE_URL.
embed_postgres() {
    choose_postgres_place
    postgres_program_folder="$(postgres_programs)"
    if ! as_postgres_owner test -d "$postgres_data"; then
        step "Making a PostgreSQL cluster in $postgres_data" "$logs/initdb.log" \
            create_postgres_cluster "$postgres_program_folder"
    fi
    step "Starting PostgreSQL on a unix socket in $postgres_socket" "$logs/postgres-start.log" \
        start_postgres "$postgres_program_folder"
    step "Making sure of the database" "$logs/create-database.log" \
        create_database "$postgres_program_folder"
    export BERTH_DATABASE_URL="postgresql://berth@/berth?host=$postgres_socket&port=5432"
}

# leave_postgres: ends the server, if it ever started, and removes a socket folder in /tmp.
leave_postgres() {
    [[ -n "${postgres_program_folder:-}" ]] || return 0
    stop_postgres "$postgres_program_folder"
    [[ "$postgres_socket" != /tmp/berth-socket.* ]] || rm -rf "$postgres_socket"
}
