#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SIGHUP and the request reload: what changes at once, what cannot, and what changes nothing.

load lib

SECRET="an e2e secret that has more than 32 bytes"

setup() {
    e2e_setup
    umask 077
    echo "jwt-secret = $SECRET" >sigd.conf
}

teardown() {
    e2e_teardown
}

# start_conf OPTION…: sigd with that configuration, and no limits of addresses in the way.
start_conf() {
    start_sigd -c sigd.conf --address-rate 0 --auth-failures 0 "$@"
}

@test "rights and limits of roles hold at once, streams lose theirs" {
    start_conf
    py reload rights
}

@test "a key that goes takes its sessions with it, and no others" {
    "$PYTHON" "$E2E/jwtcases.py" . >cases
    printf 'jwt-key = %s\n' rsa-1=rsa.pem ec-1=ec.pem ed-1=ed.pem >sigd.conf
    start_conf
    py reload keys . cases
}

@test "another secret" {
    start_conf
    py reload secret
}

@test "who reloads may lose its own key by it" {
    start_conf
    py reload own_key
}

@test "roles that the configuration gives, and what it checks of tokens" {
    start_conf
    py reload roles
}

@test "log level, heartbeat and origins" {
    start_conf
    py reload settings
}

@test "a configuration with a mistake changes nothing, and everybody is told" {
    start_conf --audit audit.log
    py reload refusals
    stop_sigd
    run jq -r 'select(.event == "reload") | .code' audit.log
    assert_line internal
    run jq -r 'select(.event == "admin" and .kind == "reload") | .id' audit.log
    assert_line boss
}

@test "authentication is not switched off by a reload" {
    start_conf
    py reload not_switched_off
}

@test "nor by a .env that has gone" {
    rm sigd.conf
    printf 'JWT_SECRET=%s\n' "$SECRET" >.env
    "$SIGD" -l 127.0.0.1:0 --health 127.0.0.1:0 --port-file port >out 2>err 3>&- &
    sigd_pid=$!
    wait_for port_or_end
    { read -r E2E_PORT && read -r E2E_HEALTH; } <port
    export E2E_PORT E2E_HEALTH E2E_PID=$sigd_pid E2E_ERR=$PWD/err
    py reload env_file .env
}

@test "what needs a restart says so" {
    start_conf
    py reload fixed
}

@test "200 reloads under traffic: nothing is lost, nothing grows" {
    ASAN_OPTIONS+=:quarantine_size_mb=1 # or memory that was freed would count
    start_conf --event-ring 64 # the newest events fill it, which is no growth
    py reload many
}
