# shellcheck shell=bash
# Commands that need root.

# as_root COMMAND…: runs it directly for root, through sudo for others.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root, and sudo is not installed" "run as root: $*"
    fi
}
