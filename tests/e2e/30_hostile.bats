#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Peers that break every rule of HTTP, WebSocket and JSON: each is told, or dropped, the others
# notice nothing, and the daemon ends in order.

load lib

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

# attack [-o OPTION]… CASE [ARG…]: against a daemon with these options.
attack() {
    local options=()
    while [[ $1 == -o ]]; do
        options+=("$2")
        shift 2
    done
    start_sigd --duplicate-policy replace "${options[@]}"
    py hostile attack "$@"
}

@test "text that is not JSON is an error each" {
    attack garbled
}

@test "JSON that is not a message is an error each" {
    attack wrong_shape
}

@test "2^53+1 is refused where it counts and passed on where it does not" {
    attack big_numbers
}

@test "nesting 60,000 deep is an error" {
    attack deep 60000 invalid_message
}

@test "nesting 100,000 deep is an error where messages may be that long" {
    attack -o --max-message=1M deep 100000 invalid_message
}

@test "a message of exactly the largest size arrives, whole and in fragments" {
    attack largest
}

@test "one byte more is too_large, then 1009" {
    attack too_large
}

@test "131,000 fragments of one byte are too_large, then 1009" {
    attack many_fragments
}

@test "20,000 empty fragments are one message" {
    attack empty_fragments
}

@test "binary frames are closed 1003" {
    attack binary
}

@test "invalid UTF-8 is closed 1007" {
    attack bad_utf8
}

@test "a character cut by a fragment is whole again" {
    attack split_utf8
}

@test "unmasked first frame, 7-bit length: 1002" {
    attack unmasked 7 first
}

@test "unmasked first frame, 16-bit length: 1002" {
    attack unmasked 16 first
}

@test "unmasked first frame, 64-bit length: 1002" {
    attack unmasked 64 first
}

@test "unmasked later frame, 7-bit length: 1002" {
    attack unmasked 7 later
}

@test "unmasked later frame, 16-bit length: 1002" {
    attack unmasked 16 later
}

@test "unmasked later frame, 64-bit length: 1002" {
    attack unmasked 64 later
}

@test "unmasked frame behind a masked frame, as a continuation: 1002" {
    attack unmasked_behind
}

@test "unmasked control frames: 1002" {
    attack unmasked_control
}

@test "masked frames byte by byte are served" {
    attack dribbled
}

@test "a header split from a key that looks like one is served" {
    attack split_header
}

@test "masking keys that look like headers are served" {
    attack masks_like_headers
}

@test "no register in time is closed 4408" {
    attack -o --register-timeout=400ms silent
}

@test "GET, then Upgrade: foo on the same connection" {
    attack upgrade_foo
}

@test "upgrades to foo and h2c, wrong versions, missing keys" {
    attack upgrades
}

@test "a header that hides the next one is refused" {
    attack hidden_headers
}

@test "only GET upgrades" {
    attack only_get
}

@test "an unknown subprotocol is refused in words" {
    attack subprotocol
}

@test "an upgrade without Connection: Upgrade is refused" {
    attack no_connection_header
}

@test "odd request lines" {
    attack request_lines
}

@test "10 MB of garbage before and after the upgrade" {
    attack garbage
}

@test "reserved bits, bad opcodes, broken fragments, long control frames" {
    attack bad_frames
}

@test "close codes of all kinds" {
    attack close_codes
}

@test "frames behind a close are not obeyed" {
    attack after_close
}

@test "half-open and reset connections are gone for others" {
    attack half_open
}

@test "connections cut at every byte of handshake and first frame" {
    attack cut_early
}

@test "pings are ponged with their payload" {
    attack pings
}

@test "a flood of pings whose answers are not read" {
    attack ping_flood
}

@test "21 protocol errors in 10 s are closed 1008" {
    attack errors_end
}

@test "a burst of protocol errors is answered 21 times" {
    attack errors_burst
}

@test "a message that is too long is refused early and read to its end" {
    attack refused_early
}

@test "frames right behind the upgrade request end the connection" {
    attack pipelined
}

@test "request headers up to a bound" {
    attack header_sizes
}

@test "unfinished requests are dropped, others served meanwhile" {
    start_sigd
    py hostile slow_header
}
