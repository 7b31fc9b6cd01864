# shellcheck shell=bash
# Caddy, the web server in front of berthd: Debian's program, unpacked into the state folder, for the
# package as it is installed would start a web server of its own on port 80.

caddy="$state/caddy/caddy"

# ensure_caddy: sets caddy to one that is on the PATH, or unpacks Debian's.
ensure_caddy() {
    local present
    if present="$(command -v caddy)"; then
        caddy="$present"
        return
    fi
    [[ ! -x "$caddy" ]] || return 0
    step "Fetching Debian's caddy into $(dirname "$caddy")" "$logs/caddy-install.log" unpack_caddy
}

# unpack_caddy: puts the program in its place last, so that an interrupted run leaves none.
unpack_caddy() {
    local folder
    folder="$(mktemp --directory "$state/caddy.XXXXXX")"
    # The lists of packages may never have been read on a new machine.
    (cd "$folder" && { apt-get download caddy || { as_root apt-get update && apt-get download caddy; }; })
    dpkg-deb --extract "$folder"/caddy_*.deb "$folder"
    mkdir -p "$(dirname "$caddy")"
    mv "$folder/usr/bin/caddy" "$caddy"
    rm -rf "$folder"
}
