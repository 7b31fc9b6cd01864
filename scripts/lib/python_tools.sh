# shellcheck shell=bash
# The Python tools in a virtual environment of their own; scripts/requirements.in names and
# pins them, scripts/requirements.txt holds the digests of their files.

# ensure_python_tools: makes the environment, and installs what the requirements name, when the
# requirements, the interpreter or the environment's place changed since the last time.
ensure_python_tools() {
    local wanted stamp="$venv/berth-requirements"
    wanted="$(cat scripts/requirements.txt && python3 --version && printf '%s\n' "$venv")"
    if [[ -f "$stamp" && "$(<"$stamp")" == "$wanted" ]]; then return; fi
    say "Installing Python tools into $venv:"
    note "$(sed --quiet 's/^\([a-z].*\)==\(.*\)/\1 \2/p' scripts/requirements.in | paste -sd, |
        sed 's/,/, /g')"
    rm -rf "$venv"
    step "Making the virtual environment" "$logs/venv.log" python3 -m venv "$venv"
    step "Installing (pip)" "$logs/pip.log" "$venv/bin/python" -m pip install \
        --disable-pip-version-check --no-deps --require-hashes --requirement scripts/requirements.txt
    printf '%s\n' "$wanted" >"$stamp"
}
