#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A drain under load: nothing that was acknowledged is lost, everybody is told when to come back.

load lib
load stress
load tls

setup() {
    e2e_setup
    stress_scale
}

teardown() {
    e2e_teardown
}

# drain CASE: that ends the daemon.
drain() {
    local status=0
    py drain "$1"
    stress_figures
    wait "$sigd_pid" || status=$?
    sigd_pid=
    assert_equal "$status" 0
    assert_no_sanitizer_report
    [ ! -e port ]
}

BIG_QUEUE=(--send-queue 4M --send-queue-messages 4096)

@test "2,000 clients, 5,000 messages a second, a slow reader: nothing acknowledged is lost" {
    start_sigd --max-clients 2500 "${BIG_QUEUE[@]}"
    drain storm
}

@test "over TLS" {
    make_certs
    start_tls
    drain storm_tls
}

@test "an administrator's request does the same" {
    start_sigd
    drain by_request
}

@test "while it drains: not ready, nobody new; a second signal ends it" {
    start_sigd --drain-timeout 1h "${BIG_QUEUE[@]}"
    drain held
}

@test "who never reads holds it for the drain-timeout" {
    start_sigd --drain-timeout 1s "${BIG_QUEUE[@]}"
    drain given_up
}

@test "told to stop while it is out of descriptors" {
    start_sigd "${BIG_QUEUE[@]}"
    drain told_while_full
}

@test "clients that honour goaway come back spread over the window" {
    start_sigd --reconnect-window 2s
    drain return_spread
}
