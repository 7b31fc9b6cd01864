# shellcheck shell=bash
# Debian's packages: what Berth needs of them, and installing what is missing.

# What compiles and links: the five libraries, zlib, the allocator, and what finds them.
build_packages=(
    libnghttp2-dev libssl-dev libpq-dev libprotobuf-c-dev libcurl4-openssl-dev zlib1g-dev
    libmimalloc-dev pkg-config git
)
# What generates code, checks it, talks to the server in tests, makes the image of the tests, and what
# the agent's firewall rule is set with. gnupg checks who signed a Swift toolchain, and signs one in the
# test of that.
tool_packages=(
    protobuf-c-compiler python3 python3-venv ca-certificates curl util-linux openssl nghttp2-client
    busybox-static iptables gnupg
)
# What only the tests need: a real browser, and what shows sockets and addresses.
test_packages=(chromium iproute2)
# Podman with the network that it needs to serve us. It takes the OCI runtime that is there, or brings
# its own: Docker's packages refuse Debian's runc beside theirs.
podman_packages=(podman netavark aardvark-dns)

# A fresh machine may be installing its own updates, and a mirror may fail once.
apt_options=(-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3)

# missing_packages NAME…: those that are not installed, one a line.
missing_packages() {
    local name installed
    installed="$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" \
        2>/dev/null || true)"
    for name; do
        grep -qx "$name installed" <<<"$installed" || printf '%s\n' "$name"
    done
}

# install_packages NAME…: says what it will install, then installs it.
install_packages() {
    local cluster_setting=/etc/postgresql-common/createcluster.d/berth.conf
    say "Installing Debian packages: $*"
    if ((EUID != 0)); then note "apt-get runs through sudo, which may ask for your password"; fi
    as_root true
    # Installing a PostgreSQL server makes and starts a cluster of its own; Berth does not use it.
    if [[ " $* " == *" postgresql "* ]]; then
        as_root mkdir -p "$(dirname "$cluster_setting")"
        as_root sh -c "echo 'create_main_cluster = false' >'$cluster_setting'"
    fi
    step "Reading the package lists" "$logs/apt-update.log" as_root apt-get "${apt_options[@]}" update
    step "Installing (apt-get)" "$logs/apt-install.log" \
        as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get "${apt_options[@]}" install --yes --no-install-recommends "$@"
    as_root rm -f "$cluster_setting"
}

# ensure_debian_packages: installs what is missing of everything Berth needs.
ensure_debian_packages() {
    local wanted=("${build_packages[@]}" "${tool_packages[@]}") missing
    command -v apt-get >/dev/null ||
        fail "Berth is set up on Debian and Ubuntu only: there is no apt-get here" \
            "what it needs elsewhere: ${wanted[*]} and a PostgreSQL server"
    # A server from another source than Debian (such as apt.postgresql.org) serves as well.
    [[ -n "$(postgres_binaries)" ]] || wanted+=(postgresql)
    # So does a Docker engine.
    command -v dockerd >/dev/null || wanted+=(docker.io)
    mapfile -t missing < <(missing_packages "${wanted[@]}")
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
}

# ensure_test_packages: installs what is missing of what only the tests need.
ensure_test_packages() {
    local wanted=("${test_packages[@]}") missing
    if is_podman_packaged; then wanted+=("${podman_packages[@]}"); fi
    mapfile -t missing < <(missing_packages "${wanted[@]}")
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
}

# is_podman_packaged: whether the distribution has netavark. Ubuntu 22.04 has not.
is_podman_packaged() (
    # shellcheck source=/dev/null
    source /etc/os-release
    [[ "$ID $VERSION_ID" != 'ubuntu 22.04' ]]
)
