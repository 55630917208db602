#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The audit log when it cannot be written, when it is rotated and when the daemon is killed: relaying
# is unharmed, what is lost is told, the chain verifies.

load lib
load stress

setup() {
    e2e_setup
    stress_scale
    export E2E_SIGMON="$SIGKIT_BUILD/cli/sigmon/sigmon"
}

teardown() {
    local disk
    for disk in *.disk; do
        if mountpoint -q "$disk"; then
            umount "$disk"
        fi
    done
}

# auditload CASE [ARG]: which starts its daemons itself.
auditload() {
    py auditload "$@"
    stress_figures
    cat ./*.err >err
    assert_no_sanitizer_report
}

@test "a file that must not grow: drops are counted and told, it recovers, the chain holds" {
    auditload stuck limit
}

@test "a full disk" {
    [[ $(id -u) -eq 0 ]] || skip "only root has a small disk"
    auditload stuck disk
}

@test "a pipe whose reader stands still" {
    auditload stuck pipe
}

@test "relaying is as fast as without" {
    auditload unharmed
}

@test "--audit-required: service is withheld, and comes back by itself" {
    auditload required limit
}

@test "--audit-required does not withhold a thing for a burst that the disk can take" {
    auditload bursts
}

@test "--audit-required on a pipe whose reader stands still" {
    auditload required pipe
}

@test "a hundred rotations at 2,000 events a second lose none; a flipped bit is found" {
    auditload rotations
}

@test "kill -9 under load" {
    auditload killed
}
