#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# monitor: the event feed, its past, its filter, its gaps, and who may see it.

load lib

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

@test "events of a call, in order, without content" {
    start_sigd
    py monitor live
}

@test "backlog" {
    start_sigd
    py monitor backlog
}

@test "since" {
    start_sigd
    py monitor since
}

@test "a gap is announced where the ring has forgotten" {
    start_sigd --event-ring 16
    py monitor gap
}

@test "a monitor that does not read misses events and is told so" {
    start_sigd
    py monitor slow
}

@test "filters" {
    start_sigd
    py monitor filters
}

@test "forbidden behind a proxy and from a page" {
    start_sigd
    py monitor forbidden
}

@test "a monitor need not register" {
    start_sigd --register-timeout 200ms
    py monitor unregistered
}
