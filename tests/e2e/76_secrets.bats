#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Secrets that sigd is told by anybody are in no log, no audit, no event, no document, no /proc.

load lib
load tls

setup() {
    e2e_setup
    umask 077
    "$GEN_CERTS" certs >gen.log
    secret="c4n4ry jwt $(openssl rand -hex 20)"
    turn_secret="c4n4ry turn $(openssl rand -hex 20)"
    echo "$turn_secret" >turn
}

teardown() {
    e2e_teardown
}

# nothing_leaks OPTION…: everything happens, then everything is looked at.
nothing_leaks() {
    start_tls -l 127.0.0.1:0 --audit audit.log --log-level debug --address-rate 0 \
        --auth-failures 0 --ice-server turn:t.example --turn-secret-file turn "$@"
    E2E_SECRET=$secret E2E_TURN_SECRET=$turn_secret py leaks drive
    cp /proc/"$sigd_pid"/status seen.status
    stop_sigd
    py leaks check err out audit.log seen.*
}

@test "secret in the environment, text log" {
    JWT_SECRET=$secret nothing_leaks
}

@test "secret in the command line, JSON log" {
    nothing_leaks --jwt-secret "$secret" --log-format json
}

@test "secret in a file" {
    printf '%s\n' "$secret" >secret
    nothing_leaks --jwt-secret-file secret
}

@test "secret in the configuration" {
    printf 'jwt-secret = %s\n' "$secret" >sigd.conf
    nothing_leaks -c sigd.conf
}

@test "no core, and no look into the process" {
    local as=()
    if [[ $(id -u) -eq 0 ]]; then
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        "${as[@]}" test -x "$SIGD" || skip "only root can run this build"
    fi
    if grep -q __asan_init "$SIGD"; then
        skip "the leak check needs to trace the process"
    fi
    "${as[@]}" "$SIGD" --no-env-file -l 127.0.0.1:0 --health none >out 2>err 3>&- &
    sigd_pid=$!
    wait_for test -s out
    assert_equal "$(stat -c %u "/proc/$sigd_pid/environ")" 0
    run grep -E '^Max core file size +0 +0 ' "/proc/$sigd_pid/limits"
    assert_success
}
