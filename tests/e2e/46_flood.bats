#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A thousand stalled TLS handshakes and a thousand slow senders of headers: nobody waits for them,
# and they are gone in ten seconds. A thousand honest clients at once: all get in.

load lib
load stress
load tls

setup() {
    e2e_setup
    make_certs
}

teardown() {
    e2e_teardown
}

# flood CASE OPTION…: against a daemon with a plain and a TLS listener.
flood() {
    stress_scale
    start_tls "${@:2}"
    py flood "$1"
    stress_figures
    stop_sigd
}

@test "2,000 that say nothing: newcomers get in within a second, others notice nothing" {
    flood flooded
}

@test "the same with max-clients 100" {
    flood flooded --max-clients 100
}

@test "1,000 honest clients at once" {
    flood storm_plain
}

@test "500 honest TLS clients at once" {
    flood storm_tls
}

@test "honest clients at once, in the middle of a flood" {
    flood storm_during_flood --max-clients 100
}
