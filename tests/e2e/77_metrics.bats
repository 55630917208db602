#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# /metrics and /ready: their form, and that the numbers are true.

load lib

SECRET="an e2e secret that has more than 32 bytes"

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

@test "promtool has nothing to say about /metrics" {
    start_sigd --node node-7
    py metrics shape
    "$PYTHON" "$E2E/metrics.py" page >document
    run promtool check metrics <document
    assert_success
    assert_output ""
}

@test "counters are what was done" {
    JWT_SECRET=$SECRET start_sigd --allow-origin https://ok.example
    py metrics counters
}

@test "stats says the same" {
    JWT_SECRET=$SECRET start_sigd
    py metrics stats
}

@test "gauges are what there is" {
    start_sigd --max-clients 9 --send-queue 64M --send-queue-messages 65536
    py metrics gauges
}

@test "the process as the kernel sees it" {
    start_sigd
    py metrics process
}

@test "/ready: 503 while the server ends" {
    start_sigd --reconnect-window 0
    py metrics ready
}

@test "the Host header: addresses, localhost and --health-host" {
    start_sigd --health-host metrics.example
    py metrics hosts
}

@test "HEAD" {
    start_sigd
    py metrics head
}
