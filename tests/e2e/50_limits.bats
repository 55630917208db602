#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Limits: each costs only the one who exceeds it.

load lib

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

# few_descriptors N: from now on start_sigd runs it with this limit, which leaves room for the fewest
# handshakes.
few_descriptors() {
    printf '#!/bin/sh\nulimit -n %d\nexec %q "$@"\n' "$1" "$SIGD" >limited
    chmod +x limited
    SIGD=$BATS_TEST_TMPDIR/limited
}

@test "max-clients: 503 before the upgrade, a freed place is usable at once" {
    start_sigd --max-clients 4
    py limits full
}

@test "64 connections that say nothing make way" {
    few_descriptors 136
    start_sigd --max-clients 8
    py limits handshakes
}

@test "max-clients, and 64 connections that say nothing: 503 and health without a long wait" {
    few_descriptors 132
    start_sigd --max-clients 4
    py limits hard_cap
}

@test "no descriptors left: quiet, idle, and it recovers" {
    start_sigd
    py limits descriptors
}

@test "a hard limit of descriptors too low for max-clients is refused" {
    run bash -c "ulimit -n 200; exec '$SIGD' --no-env-file -l 127.0.0.1:0 --health none"
    assert_failure 9
    assert_output "sigd: max-clients 1000 needs 1128 file descriptors, the limit is 200"
}

@test "a receiver whose queue is full: 4409, target_overloaded for the sender" {
    start_sigd --send-queue 128K
    py limits slow_queue
}

@test "a receiver that never reads again is dropped" {
    start_sigd --send-queue 128K
    py limits slow_dead
}

@test "a queue that stands still is closed 4409" {
    start_sigd --send-queue 64M --send-queue-messages 65536 --send-timeout 300ms
    py limits slow_timeout
}

@test "a receiver that pauses gets everything" {
    start_sigd --send-queue 64M --send-queue-messages 65536
    py limits slow_pauses
}

@test "two pings without an answer: 4400" {
    start_sigd --heartbeat-interval 400
    py limits heartbeat_lost
}

@test "the round trip is measured" {
    start_sigd --heartbeat-interval 100ms
    py limits rtt
}

@test "takeover: 4501 for the old connection" {
    start_sigd
    py limits takeover
}

@test "takeover with the resume token moves the sessions" {
    start_sigd
    py limits resumed
}

@test "300 connections fight for one id" {
    start_sigd
    py limits takeover_storm
}

@test "duplicate-policy reject: id_taken" {
    start_sigd --duplicate-policy reject
    py limits reject
}
