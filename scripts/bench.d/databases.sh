# shellcheck shell=bash
# The databases of the benchmark: one with Berth's tables and the seed, and copies of it, a new one
# for each measurement, so that each begins with the same small tables.

# How many workspaces the seed makes, and services in each; no quota of one is near.
workspaces=2000
services=5

# as_superuser: gives SQL from standard input to the cluster's superuser.
as_superuser() {
    psql_at "postgresql://postgres@/postgres?host=$postgres_socket&port=5432"
}

# in_database NAME [ARGUMENT…]: psql in one database as its owner.
in_database() { psql_at "$(database_url "$1")" "${@:2}"; }

# psql_at URL [ARGUMENT…]
psql_at() {
    "$postgres_program_folder/psql" --no-psqlrc --quiet --no-align --tuples-only \
        --set=ON_ERROR_STOP=1 "$@"
}

# database_url NAME
database_url() { printf 'postgresql://berth@/%s?host=%s&port=5432' "$1" "$postgres_socket"; }

# seed_database: fills the database that embed_postgres made, anew if an interrupted run left it.
seed_database() {
    as_superuser <<SQL
DROP DATABASE berth WITH (FORCE);
CREATE DATABASE berth OWNER berth;
SQL
    "$berthd" migrate
    in_database berth --set=workspaces="$workspaces" \
        --set=services="$services" --file=scripts/bench.d/seed.sql
}

# fresh_database NAME: makes it a new copy of the seeded one, all of it on disk.
fresh_database() {
    as_superuser <<SQL
SET client_min_messages = warning;
DROP DATABASE IF EXISTS $1 WITH (FORCE);
CREATE DATABASE $1 TEMPLATE berth OWNER berth;
CHECKPOINT;
SQL
}

# forget_cluster: removes the whole cluster; it is the benchmark's own.
forget_cluster() {
    [[ -n "${postgres_home:-}" ]] || return 0
    rm -rf "$postgres_home"
    rm -f "$state/postgres"
}
