#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Out of file descriptors, clients or places for handshakes: it neither spins nor floods its log,
# those who are served notice nothing, and who waits gets in as soon as there is room.

load lib
load stress

setup() {
    e2e_setup
    stress_scale
}

teardown() {
    e2e_teardown
}

# emfile CASE
emfile() {
    py emfile "$1"
    stress_figures
    stop_sigd
}

@test "the limit of descriptors is lowered under load, and raised again" {
    start_sigd
    emfile raised
}

@test "the limit is lowered, and clients leave" {
    start_sigd
    emfile left
}

@test "out of descriptors, whoever asks for the health is told" {
    start_sigd
    emfile health_while_full
}

@test "all clients that may come are there" {
    start_sigd --max-clients 100
    emfile clients
}

@test "all places for handshakes are taken by connections that say nothing" {
    start_sigd
    emfile handshakes
}

@test "who reads the log stands still, and goes" {
    start_sigd
    emfile log_reader
}
