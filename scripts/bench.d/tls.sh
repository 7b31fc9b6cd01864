# shellcheck shell=bash
# What TLS costs: calls a second with and without it, of Berth and of nghttpd with a file of the same
# size. One certificate and one cipher for both.

tls_cipher=TLS_AES_128_GCM_SHA256
certificate="$bench/tls.crt"
private_key="$bench/tls.key"

# ensure_certificate: makes a key and a certificate that vouches for itself, once.
ensure_certificate() {
    if [[ -e "$certificate" && -e "$private_key" ]]; then return; fi
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$private_key" -out "$certificate" 2>"$logs/bench-certificate.log")
}

# start_encrypted_berthd: a second berthd, over TLS, among the peers.
start_encrypted_berthd() {
    BERTH_DATABASE_URL="$(database_url berth)" start_peer "$berthd" serve --loops 1 \
        --listen "127.0.0.1:$berthd_tls_port" --tls-cert "$certificate" --tls-key "$private_key"
    wait_for_port "$berthd_tls_port"
}

# start_tls_peers: that, and both kinds of nghttpd.
start_tls_peers() {
    make_static_answer
    ensure_certificate
    start_encrypted_berthd
    start_peer nghttpd --no-tls --htdocs="$bench/static" --address=127.0.0.1 "$nghttpd_port"
    start_peer nghttpd --htdocs="$bench/static" --address=127.0.0.1 "$nghttpd_tls_port" \
        "$private_key" "$certificate"
    wait_for_port "$nghttpd_port"
    wait_for_port "$nghttpd_tls_port"
}

# tls_rounds: alternates the four; sets tls_berth and tls_nghttpd, the share of its calls a second that
# each keeps under TLS, and tls_berth_rates and tls_nghttpd_rates, its calls a second under TLS; one a
# round.
tls_rounds() {
    local round plain berth nghttpd
    tls_berth=() tls_nghttpd=() tls_berth_rates=() tls_nghttpd_rates=()
    say "TLS, $tls_cipher, h2load -c 10 -m 10: Berth and nghttpd, each without and with it, in turn"
    for ((round = 1; round <= rounds; round++)); do
        plain="$(check_health "http://127.0.0.1:$berthd_port")"
        berth="$(check_health "https://127.0.0.1:$berthd_tls_port")"
        require_cipher
        tls_berth+=("$(share "$berth" "$plain")") tls_berth_rates+=("$berth")
        note "round $round: Berth $plain without, $berth with TLS"
        plain="$(static_answer "http://127.0.0.1:$nghttpd_port")"
        nghttpd="$(static_answer "https://127.0.0.1:$nghttpd_tls_port")"
        require_cipher
        tls_nghttpd+=("$(share "$nghttpd" "$plain")") tls_nghttpd_rates+=("$nghttpd")
        note "round $round: nghttpd $plain without, $nghttpd with TLS"
    done
}

# share PART WHOLE
share() { awk -v part="$1" -v whole="$2" 'BEGIN { printf "%.4f", part / whole }'; }

# require_cipher: that the last h2load used the cipher that both shall use.
require_cipher() {
    grep --quiet "^Cipher: $tls_cipher\$" "$logs/bench-h2load.log" ||
        fail "h2load used another cipher" "$(grep '^Cipher:' "$logs/bench-h2load.log")"
}
