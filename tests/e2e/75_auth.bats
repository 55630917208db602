#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tokens by each way they may come: what is taken, what is refused, and when it ends.

load lib

SECRET="an e2e secret that has more than 32 bytes"

setup_file() {
    export PYTHONDONTWRITEBYTECODE=1 KEYS="$BATS_FILE_TMPDIR"
    umask 077
    "$PYTHON" "$E2E/jwtcases.py" "$KEYS" >"$KEYS/cases"
}

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

# start_strict OPTION…: authentication by the shared secret, no throttle unless it is asked for.
start_strict() {
    JWT_SECRET=$SECRET start_sigd --address-rate 0 --auth-failures 0 "$@"
}

# start_attacked: every kind of key at once.
start_attacked() {
    start_sigd --address-rate 0 --auth-failures 0 --jwt-secret-file "$KEYS/secret" \
        --jwt-key "rsa-1=$KEYS/rsa.pem" --jwt-key "ec-1=$KEYS/ec.pem" \
        --jwt-key "ed-1=$KEYS/ed.pem" --jwt-issuer https://id.example --jwt-audience sigd
}

@test "forged tokens in the query are refused, valid ones taken" {
    start_attacked
    py auth attack query "$KEYS/cases"
}

@test "forged tokens in the Authorization header are refused, valid ones taken" {
    start_attacked
    py auth attack header "$KEYS/cases"
}

@test "forged tokens in register are refused, valid ones taken" {
    start_attacked
    py auth attack register "$KEYS/cases"
}

@test "one key: only what it has signed is taken" {
    local row
    for row in HS256=--jwt-secret-file="$KEYS/secret" RS256=--jwt-key=rsa-1="$KEYS/rsa.pem" \
        ES256=--jwt-key=ec-1="$KEYS/ec.pem" EdDSA=--jwt-key=ed-1="$KEYS/ed.pem"; do
        start_sigd --auth-failures 0 "${row#*=}"
        E2E_ALG=${row%%=*} py auth one_key "$KEYS/cases"
        stop_sigd
    done
    JWT_SECRET=$(<"$KEYS/secret") start_sigd --auth-failures 0
    E2E_ALG=HS256 py auth one_key "$KEYS/cases"
}

@test "tokens of 4 KiB to 300 KB are never taken" {
    start_strict
    py auth too_long
}

@test "two tokens are one too many" {
    start_strict
    py auth two_tokens
}

@test "no token: 1008 Unauthorized" {
    start_strict
    py auth missing
}

@test "a token binds ids and role" {
    start_strict
    py auth binding
}

@test "4503 within a second of the token's end, unless it was renewed" {
    start_strict
    py auth expiry 0
}

@test "the leeway is added to the token's end" {
    start_strict --jwt-leeway 1s
    py auth expiry 1
}

@test "a forged token in a renewal ends the connection" {
    start_strict
    py auth bad_renewal
}

@test "1,100 who do not say who they are keep nobody out" {
    start_strict --max-clients 20
    py auth strangers
}

@test "an address that guesses tokens must wait, others need not" {
    start_strict --auth-failures 60 --trusted-proxy 127.0.0.1/32
    py auth throttle
}

@test "guesses in register count" {
    start_strict --auth-failures 3 --trusted-proxy 127.0.0.1/32
    py auth throttle_in_band
}

@test "the websockets library with a token" {
    start_strict
    py auth library
}

@test "the client code of the original with ?token=" {
    [[ -d $E2E/node_modules/ws ]] || {
        echo "run 'npm ci' in tests/e2e first" >&2
        return 1
    }
    start_strict
    local text part
    text=$("$PYTHON" "$E2E/auth.py" make x '{"ids":["*"],"role":"operator"}')
    export E2E_URL="ws://127.0.0.1:$E2E_PORT/?token=$text"
    for part in call messages; do
        run "$NODE" "$E2E/v1.mjs" "$part"
        assert_success
        assert_output ""
    done
}
