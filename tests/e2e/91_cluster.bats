#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Nodes of a cluster over a real Redis. cluster.py starts and ends them all.

load lib

setup() {
    e2e_setup
    export SIGD
}

teardown() {
    e2e_teardown
}

@test "three nodes are one: calls, list, presence, kick, takeover" {
    py cluster call
}

@test "a monitor sees the events of all nodes" {
    py cluster watched
}

@test "Redis is killed and comes back: local pairs go on, others are told" {
    py cluster killed
}

@test "Redis stands still and goes on" {
    py cluster stopped
}

@test "Redis is emptied and out of memory: nothing of ours was there" {
    py cluster flushed
}

@test "garbage and forgeries on the channels" {
    py cluster forged
}

@test "a node dies under load, again and again" {
    DEATHS=${DEATHS:-3} py cluster deaths
}

@test "rolling restart behind nginx, by turns: what was acked is heard" {
    py cluster rolling turns
}

@test "rolling restart behind nginx, sticky by id" {
    py cluster rolling sticky
}
