#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sigbench --check against servers that keep their promises and against one that breaks them, one
# message in SIGKIT_FAULT_ONE_IN (1000). Runs are sized so that about twenty are hit.

load ../lib/common

one_in=${SIGKIT_FAULT_ONE_IN:-1000}
count=$((one_in * 20))

setup()
{
    PATH=$SIGKIT_BUILD/daemon:$SIGKIT_BUILD/tests/faults:$PATH
}

teardown()
{
    stop_all
}

# start_server PROGRAM [OPTION...]: sets SIGD_URL.
start_server()
{
    local program=$1
    shift
    rm -f "$BATS_TEST_TMPDIR/port"
    start server "$program" --port-file "$BATS_TEST_TMPDIR/port" "$@"
    wait_for 10 test -s "$BATS_TEST_TMPDIR/port"
    SIGD_URL=ws://127.0.0.1:$(head -n 1 "$BATS_TEST_TMPDIR/port")
    export SIGD_URL
}

# start_faulty KIND
start_faulty()
{
    SIGD_FAULT=$1:$one_in start_server sigd-faults -l 127.0.0.1:0 --health none
}

# checked [ARGUMENT...]: a run that is checked; JSON on $output.
checked()
{
    run --separate-stderr sigbench --check --patience 500ms --warmup 0s --pairs 10 -j "$@"
}

# assert_flagged FLAG...: the run has failed for these flags, and for none but these.
assert_flagged()
{
    local want
    want=$(printf '"%s",' "$@")
    assert_equal "$status" 1
    assert_equal "$stderr" ""
    assert_json "([.check.flags | to_entries[] | select(.value > 0) | .key] - [${want%,}]) == []
        and .check.flags.$1 > 0 and .metrics[\"check.$1\"] == .check.flags.$1
        and (.check.examples | map(select(.flag == \"$1\")) | length) >= 1"
}

assert_clean()
{
    assert_equal "$stderr" ""
    assert_json '[.check.flags[]] | add == 0'
    assert_json '.check.messages >= .metrics.sent and .check.arrived == .check.messages
        and .check.examples == []'
    assert_equal "$status" 0
}

@test "01 sigd keeps its promises: relay, closed model" {
    start_server sigd -l 127.0.0.1:0 --health none
    checked -n 20k --window 8
    assert_clean
    assert_json '.check.outcomes_checked and .check.counters_compared
        and .check.acked == .check.messages'
    run --separate-stderr sigbench --check --warmup 0s --pairs 10 -n 1000 --size 4k --kind offer
    assert_success
    assert_regex "$output" 'check +1,0[0-9]{2} messages: 0 flags'
}

@test "02 sigd keeps its promises: relay, open model" {
    start_server sigd -l 127.0.0.1:0 --health none
    checked -R 5k -n 5k --threshold check.lost=0 --threshold check.duplicate=0
    [[ $status == 12 ]] && status=0 # the machine was busy; what is checked does not change
    assert_clean
}

@test "03 sigd keeps its promises: setup" {
    start_server sigd -l 127.0.0.1:0 --health none
    checked setup -n 1k
    assert_clean
    assert_json '.check.messages >= 10000'
}

@test "04 counters come from /metrics, too" {
    start_server sigd -l 127.0.0.1:0 --health 127.0.0.1:0
    health=$(sed -n 2p "$BATS_TEST_TMPDIR/port")
    checked -n 1k --server-metrics "http://127.0.0.1:$health/metrics"
    assert_clean
    assert_json .check.counters_compared
    run --separate-stderr sigbench --check -n 10 --server-metrics "http://127.0.0.1:$health/ready"
    assert_failure 9
    assert_regex "$stderr" 'does not answer with the counters of sigd'
    run sigbench --check -n 10 --server-metrics https://x
    assert_failure 2
}

@test "05 a server without acks is checked without outcomes, unless --rid wants them" {
    start_server "$FLOOR"
    checked -n 1k
    assert_clean
    assert_json '.check.outcomes_checked == false and .check.counters_compared == false'
    run --separate-stderr sigbench --check --patience 500ms --warmup 0s --pairs 2 -n 100
    assert_success
    assert_regex "$output" 'no acks came: outcomes were not checked'
    checked -n 100 --rid
    assert_flagged no_outcome
}

@test "06 dropped messages are lost" {
    start_faulty drop
    checked -n "$count" --window 8
    assert_flagged lost
}

@test "07 swapped messages are reordered" {
    start_faulty swap
    checked -n "$count" --window 8
    assert_flagged reordered
}

@test "08 duplicated messages are duplicates" {
    start_faulty duplicate
    checked -n "$count" --window 8
    assert_flagged duplicate
}

@test "09 misrouted messages are misdelivered" {
    start_faulty misroute
    checked -n "$count" --window 8
    assert_flagged misdelivered
}

@test "10 changed messages are corrupt" {
    start_faulty corrupt
    checked -n "$count" --window 8
    assert_flagged corrupt
    checked -n "$((one_in * 5))" --kind offer --window 8
    assert_flagged corrupt
}

@test "11 another sender's name is forged" {
    start_faulty forge
    checked -n "$count" --window 8
    assert_flagged forged_from
}

@test "12 acks that do not come, and acks that come twice" {
    start_faulty mute
    checked -n "$count" --window 8
    assert_flagged no_outcome
    stop_all
    start_faulty reack
    checked -n "$count" --window 8
    assert_flagged double_ack
}

@test "13 the open model and setup are watched as closely" {
    for fault in drop:lost duplicate:duplicate misroute:misdelivered corrupt:corrupt; do
        start_faulty "${fault%:*}"
        checked -R 10k -n "$((one_in * 8))"
        assert_flagged "${fault#*:}"
        checked setup -n "$((one_in * 8 / 10))"
        assert_flagged "${fault#*:}"
        stop_all
    done
}

@test "14 the summary shows an example of each flag" {
    start_faulty duplicate
    run --separate-stderr sigbench --check --warmup 0s --pairs 10 -n "$count"
    assert_failure 1
    assert_regex "$output" 'check +[0-9,]+ messages: [0-9,]+ flags?'
    assert_regex "$output" '[0-9]+ duplicate, such as: bench-[0-9]+-[0-9]{6} to bench-[0-9]+-[0-9]{6}, connection 1, number [0-9]+: arrived again'
}

@test "15 the faults are wanted: sigd-faults alone keeps its promises, and knows its words" {
    start_server sigd-faults -l 127.0.0.1:0 --health none
    checked -n 1k
    assert_clean
    run env SIGD_FAULT=gossip:3 sigd-faults -l 127.0.0.1:0 --health none
    assert_failure
    assert_output --partial 'SIGD_FAULT must be KIND:N'
}

@test "16 a client that is kicked breaks no promise" {
    start_server sigd -l 127.0.0.1:0 --health none
    start bench sigbench --check --patience 500ms --warmup 0s --pairs 4 -i lot -R 4k -d 2s -j
    bench=$PID
    # a kick that is refused would be among the server's errors, which are compared
    sigctl wait peers 8 --match 'lot-*' -W 10s
    sigctl kick lot-000001
    sigctl kick lot-000002
    finish "$bench"
    output=$(cat "$BATS_TEST_TMPDIR/bench.out")
    assert_json '.metrics.disconnected == 2 and ([.check.flags[]] | add) == 0
        and .check.acked > 0 and .check.outcomes_checked'
    [[ $status == 0 || $status == 12 ]]
}
