# shellcheck shell=bash
# Where Debian keeps the PostgreSQL server's programs, which are not on the PATH.

# postgres_binaries [MAJOR]: the folder of that major version's programs, or of the newest; empty
# when there is none.
postgres_binaries() {
    local folder
    while IFS= read -r folder; do
        if [[ -x "$folder/initdb" && -x "$folder/postgres" && -x "$folder/pg_ctl" ]]; then
            printf '%s\n' "$folder"
            return
        fi
    done < <(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -path "*/${1:-*}/bin" 2>/dev/null |
        sort --version-sort --reverse)
}
