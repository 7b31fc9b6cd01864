# shellcheck shell=bash
# The Swift toolchain: the one on the PATH when it is new enough, else swift.org's own for this
# distribution, its signature checked, inside the state folder.

swift_version_min=6.2
swift_version_installed=6.3.1
# "Swift 6.x Release Signing Key", as https://www.swift.org/install/linux names it.
swift_key=52BB7E3DE28A71BE22EC05FFEF80A866B47A981F
swift_keys_address="${BERTH_SWIFT_KEYS_ADDRESS:-https://www.swift.org/keys/all-keys.asc}"
swift_downloads="${BERTH_SWIFT_DOWNLOADS:-https://download.swift.org}"
swift_folder="$state/swift-$swift_version_installed"
# What the toolchain needs at run time, besides the packages that Berth builds with.
swift_packages=(binutils libc6-dev libcurl4-openssl-dev libedit2 libncurses-dev
    libpython3-dev libsqlite3-0 libstdc++-12-dev libxml2-dev libz3-dev tzdata unzip)

# The toolchain that setup installed, when there is one, goes first.
if [[ -x "$swift_folder/usr/bin/swift" ]]; then PATH="$swift_folder/usr/bin:$PATH"; fi

# ensure_swift: ends the script with what to do unless there is a Swift that is new enough.
ensure_swift() {
    local found
    found="$(swift_version)"
    if is_at_least "$found" "$swift_version_min"; then return; fi
    say "Installing Swift $swift_version_installed into $swift_folder"
    note "found ${found:-none}; $swift_version_min or newer is needed"
    local platform
    platform="$(swift_platform)"
    [[ -n "$platform" ]] || fail "swift.org has no toolchain for this system" \
        "install Swift $swift_version_min or newer, so that 'swift --version' says so:" \
        "https://www.swift.org/install/linux"
    local missing
    mapfile -t missing < <(missing_packages "${swift_packages[@]}")
    if ((${#missing[@]} > 0)); then install_packages "${missing[@]}"; fi
    step "Downloading and checking it (about 1 GB)" "$logs/swift.log" install_swift "$platform"
    PATH="$swift_folder/usr/bin:$PATH"
    is_at_least "$(swift_version)" "$swift_version_min" ||
        fail "the installed Swift does not run" "try: $swift_folder/usr/bin/swift --version"
}

# swift_version: such as 6.3.1; empty without a Swift.
swift_version() {
    { swift --version 2>/dev/null || true; } | sed --quiet 's/.*Swift version \([0-9.]*\).*/\1/p' |
        head -n 1
}

# is_at_least VERSION MINIMUM
is_at_least() {
    [[ -n "$1" && "$(printf '%s\n' "$2" "$1" | sort --version-sort | head -n 1)" == "$2" ]]
}

# swift_platform: swift.org's name of this system, such as debian12 or ubuntu24.04-aarch64; empty
# when there is none.
swift_platform() {
    local suffix=
    case "$(uname -m)" in
    x86_64) ;;
    aarch64) suffix=-aarch64 ;;
    *) return ;;
    esac
    (
        # shellcheck source=/dev/null
        . /etc/os-release
        case "$ID-${VERSION_ID:-}" in
        debian-12 | ubuntu-22.04 | ubuntu-24.04) printf '%s%s%s\n' "$ID" "$VERSION_ID" "$suffix" ;;
        esac
    )
}

# install_swift PLATFORM: downloads, checks the signature against the pinned key, unpacks.
install_swift() {
    local name="swift-$swift_version_installed-RELEASE-$1" work address
    address="$swift_downloads/swift-$swift_version_installed-release/${1//./}"
    address+="/swift-$swift_version_installed-RELEASE/$name.tar.gz"
    work="$(mktemp -d "$state/swift-download.XXXXXX")"
    # Expanded now on purpose: the trap runs after the local variable is gone.
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    curl --fail --location --no-progress-meter --retry 3 --output "$work/swift.tar.gz" "$address"
    curl --fail --location --no-progress-meter --output "$work/swift.tar.gz.sig" "$address.sig"
    curl --fail --location --no-progress-meter --output "$work/keys.asc" "$swift_keys_address"
    mkdir -m 0700 "$work/gnupg"
    gpg --homedir "$work/gnupg" --batch --quiet --import "$work/keys.asc"
    # The status line names the primary key in its last field, whichever subkey signed.
    gpg --homedir "$work/gnupg" --batch --status-fd 1 \
        --verify "$work/swift.tar.gz.sig" "$work/swift.tar.gz" | tee "$work/status"
    if ! grep --quiet "^\[GNUPG:\] VALIDSIG .* $swift_key\$" "$work/status"; then
        echo "refused: $address is not signed by Swift's release key $swift_key"
        return 1
    fi
    mkdir "$work/unpacked"
    tar --extract --gzip --file "$work/swift.tar.gz" --directory "$work/unpacked" \
        --strip-components=1
    rm -rf "$swift_folder"
    mv "$work/unpacked" "$swift_folder"
}
