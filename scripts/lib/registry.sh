# shellcheck shell=bash
# A registry of images for tests: Debian's program, unpacked into the state folder, for the package as
# it is installed would start one of its own on port 5000.

registry="$state/registry/docker-registry"

# ensure_registry: sets registry to one that is on the PATH, or unpacks Debian's.
ensure_registry() {
    local present
    if present="$(command -v docker-registry)"; then
        registry="$present"
        return
    fi
    [[ ! -x "$registry" ]] || return 0
    step "Fetching Debian's docker-registry into $(dirname "$registry")" \
        "$logs/registry-install.log" unpack_registry
}

# unpack_registry: puts the program in its place last, so that an interrupted run leaves none.
unpack_registry() {
    local folder
    folder="$(mktemp --directory "$state/registry.XXXXXX")"
    # The lists of packages may never have been read on a new machine.
    (cd "$folder" && {
        apt-get download docker-registry ||
            { as_root apt-get update && apt-get download docker-registry; }
    })
    dpkg-deb --extract "$folder"/docker-registry_*.deb "$folder"
    mkdir -p "$(dirname "$registry")"
    mv "$folder/usr/bin/docker-registry" "$registry"
    rm -rf "$folder"
}
