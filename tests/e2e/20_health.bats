#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# GET /health, and plain HTTP on either listener.

# shellcheck disable=SC2034,SC2154 # used by lib.bash, set by bats
load lib

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

@test "the document: members of the original and what is new" {
    start_sigd --node node-7
    py health document
}

@test "clients, connections and sessions are counted" {
    start_sigd
    py health counts
}

@test "404 elsewhere, 405 for other methods" {
    start_sigd
    py health others
}

@test "HEAD has the headers and no body" {
    start_sigd
    py health head
}

@test "no upgrade on the health listener" {
    start_sigd
    py health no_upgrade
}

@test "plain GET on the signaling port: 426, closed at once" {
    start_sigd
    py health signaling_port
}

@test "the second request on a connection is not answered" {
    start_sigd
    py health kept_alive
}

@test "500 health checks leave nothing behind" {
    start_sigd
    py health many
}

@test "a node name too long for the document is refused, or the document is whole" {
    local name
    name=$(printf 'n%.0s' {1..1500})
    run timeout 20 "$SIGD" --no-env-file --node "$name" --check-config
    if [[ $status -ne 2 ]]; then
        start_sigd --node "$name"
        py health long_node
    fi
}

@test "--health none: no listener" {
    run timeout 20 "$SIGD" --no-env-file -l 127.0.0.1:0 --health none --check-config
    assert_success
    "$SIGD" --no-env-file -l 127.0.0.1:0 --health none --port-file port >out 2>err 3>&- &
    sigd_pid=$!
    wait_for port_or_end
    assert_equal "$(wc -l <port)" 1
    run grep -c health out
    assert_output 0
}
