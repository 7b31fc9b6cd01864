# shellcheck shell=bash
# Where things are: the repository, the state folder and what is in it.

# The repository's root, where every script starts.
repository="$PWD"

# The state folder: tools, logs, the embedded PostgreSQL, the master key and the token. A relative
# one is meant from the repository's root.
state="${BERTH_STATE_DIR:-.berth}"
[[ "$state" == /* ]] || state="$repository/$state"
export BERTH_STATE_DIR="$state"

logs="$state/log"
venv="$state/venv"

PATH="$venv/bin:$PATH"

# make_state_folder: makes the state folder, readable by nobody else and ignored by git.
make_state_folder() {
    (umask 077 && mkdir -p "$state")
    [[ -O "$state" ]] || fail "the state folder $state belongs to $(stat --format=%U "$state")" \
        "run this as that user, or set BERTH_STATE_DIR to a folder of your own"
    mkdir -p "$logs"
    if [[ "$(stat --format=%a "$state")" != 700 ]]; then
        [[ "$state" == "$repository/.berth" ]] ||
            fail "the state folder $state can be read by others" "run: chmod 700 '$state'"
        chmod 700 "$state"
    fi
    [[ -e "$state/.gitignore" ]] || printf '*\n' >"$state/.gitignore"
}
