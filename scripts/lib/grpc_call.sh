# shellcheck shell=bash
# Calls to Berth's API as a stranger makes them: grpcurl, server reflection, JSON.

# call SERVICE/METHOD JSON: prints the response as JSON, the failure on standard error. The token
# goes by environment.
call() {
    # grpcurl itself puts the variable's value there.
    # shellcheck disable=SC2016
    BERTH_TOKEN="$(<"$token_file")" grpcurl -plaintext -connect-timeout 60 -max-time 60 \
        -expand-headers -H 'authorization: Bearer ${BERTH_TOKEN}' -d @ "$address" \
        "berth.controlplane.v1.$1" <<<"$2"
}

# json_value PATH: see json_value.py.
json_value() { python3 scripts/lib/json_value.py "$1"; }
