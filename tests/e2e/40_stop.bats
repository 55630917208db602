#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# SIGTERM: everybody is told, what was acknowledged is delivered, exit status 0.

load lib

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

# ended: the daemon that a case has terminated ended in order.
ended() {
    local status=0
    wait "$sigd_pid" || status=$?
    sigd_pid=
    assert_equal "$status" 0
    assert_no_sanitizer_report
    [ ! -e port ]
    [ -z "$(compgen -G 'port.tmp.*')" ]
}

@test "no client: TERM and INT end it with 0 and without the port file" {
    start_sigd
    stop_sigd
    start_sigd
    kill -INT "$sigd_pid"
    ended
    run grep -c " info stopped " err
    assert_output 1
}

@test "200 clients and traffic: each sees 1001 with a reason, acked messages arrive" {
    start_sigd --max-errors 1000
    py stop storm
    ended
}

@test "what was acknowledged is delivered before the close" {
    start_sigd --send-queue 4M
    py stop flushed
    ended
}

@test "a second TERM ends at once, with a client still connected" {
    start_sigd --drain-timeout 1h
    py stop stubborn
    ended
    run grep -c "second signal, stopping at once" err
    assert_output 1
}

@test "clients that do not answer cannot hold it" {
    start_sigd --drain-timeout 500ms
    py stop deaf
    ended
}

@test "nobody is let in while it stops" {
    start_sigd
    py stop refused_while_stopping
    ended
}

@test "a unix socket's file is removed" {
    start_sigd -l "unix:$BATS_TEST_TMPDIR/s"
    [ -S s ]
    stop_sigd
    [ ! -e s ]
}

@test "signals that come as late as can be do not change the exit status" {
    local status round
    for round in {1..20}; do
        start_sigd
        status=0
        while kill -TERM "$sigd_pid" 2>/dev/null; do :; done
        wait "$sigd_pid" || status=$?
        sigd_pid=
        assert_equal "$status" 0
    done
}
