#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The original service's protocol: its own client code unchanged, Node.js, Python, and raw bytes.

load lib

setup() {
    e2e_setup
    start_sigd
}

teardown() {
    e2e_teardown
}

node_peer() {
    [[ -d $E2E/node_modules/ws ]] || {
        echo "run 'npm ci' in tests/e2e first" >&2
        return 1
    }
    run "$NODE" "$E2E/v1.mjs" "$1"
    assert_success
    assert_output ""
    py v1 lonely
}

@test "the page's client code, unchanged at both ends: offers, answers, candidates" {
    node_peer call
}

@test "every message of the page, member by member" {
    node_peer messages
}

@test "a query, an Origin and offered compression are no obstacle" {
    node_peer browserlike
}

@test "a call between two clients of Python's websockets" {
    py v1 library
    py v1 lonely
}

@test "sdp and candidate are forwarded byte for byte" {
    py v1 byte_identical
    py v1 lonely
}

@test "members that the server does not know are forwarded byte for byte" {
    py v1 unknown_members
}

@test "from, timestamp, sessionId, polite, rid and hold cannot be forged" {
    py v1 forged
}

@test "fixed order of members, first in first out" {
    py v1 order
}
