# SPDX-License-Identifier: MIT
# sigmon stat: a line per interval, rates, machine forms, a restart, refusals.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown() { stop_all; }

lines_of() { [[ -e $1 && $(wc -l <"$1") -ge $2 ]]; }

@test "titles, then a line per interval; the count ends it" {
    run --separate-stderr sigmon stat 50ms 3
    assert_success
    assert_equal "$stderr" ''
    assert_equal "${#lines[@]}" 4
    assert_equal "$(tr -s ' ' <<<"${lines[0]}")" \
        'clients conns sess mons queued regs/s calls/s msgs/s bytes/s errs/s limit/s'
    [[ ${lines[3]} =~ ^\ +0\ +1\ +0\ +0\ +0\ +0\ +0\ +0\ +0\ +0\ +0$ ]] || fail "${lines[3]}"
    for line in "${lines[@]}"; do
        ((${#line} <= 80)) || fail "wide: $line"
    done
}

@test "the first line comes when the first interval is over, a bare number is seconds" {
    start stat sigmon stat 30
    start mon sigmon -j --ready-file ready event=disconnect
    wait_for 5 test -e ready
    sigctl -q ping
    wait_for 5 test -s mon.out
    stop "$PID"
    stop "${PIDS[1]}"
    assert_equal "$(<stat.out)" ''
    before=${EPOCHREALTIME/./}
    run --separate-stderr sigmon stat 1 1 -j
    assert_success
    ((${EPOCHREALTIME/./} - before >= 1000000)) || fail "too early"
    assert_json '.interval_us >= 900000 and .interval_us < 5000000'
}

@test "-d ends it with 0, -W with 5" {
    run --separate-stderr sigmon stat 20ms -d 110ms
    assert_success
    ((${#lines[@]} >= 2)) || fail "$output"
    run --separate-stderr sigmon stat 20ms -W 1s
    assert_failure 5
    assert_equal "$stderr" 'sigmon: timed out'
}

@test "--json: gauges, rates of what happened, interval and uptime" {
    start b sigctl -i b listen
    wait_for 5 bash -c 'sigctl list | grep -qx b'
    start stat sigmon stat 100ms -j
    wait_for 5 lines_of stat.out 1
    sigctl -q -i a send b --type offer '{"sdp":"v=0"}' --repeat 20 --interval 1ms
    sigctl -q -i a send nobody --type offer '{"sdp":"v=0"}' || true
    seen=$(wc -l <stat.out)
    wait_for 5 lines_of stat.out $((seen + 3))
    stop "$PID"
    output=$(jq -s . stat.out)
    assert_json 'all(.type == "stat" and .interval_us > 0 and .uptime_us >= 0 and .ts_us > 0)'
    assert_json 'all(.clients >= 1 and .connections >= 2 and .sessions >= 0 and .queued_bytes >= 0)'
    # what happened in all intervals together
    assert_json '[.[] | .offers_per_s * .interval_us / 1e6] | add | . > 19.9 and . < 20.1'
    assert_json '[.[] | .messages_per_s * .interval_us / 1e6] | add > 19.9'
    assert_json '[.[] | .relayed_bytes_per_s] | add > 0'
    assert_json '[.[] | .errors_per_s * .interval_us / 1e6] | add | . > 0.9 and . < 1.1'
    assert_json 'all(to_entries[]; .value | type == "string" or . >= 0)'
}

@test "-F and --plain are over the same members" {
    run --separate-stderr sigmon stat 20ms 2 -F '%{type} %{connections} %{messages_per_s}'
    assert_success
    assert_output $'stat 1 0.000\nstat 1 0.000'
    run --separate-stderr sigmon stat 20ms 1 --plain
    assert_success
    [[ $output == $'stat\t'* ]] || fail "$output"
}

@test "a restart is told, and no rate is negative" {
    start stat sigmon stat 100ms -j
    STAT=$PID
    for i in 1 2 3 4 5 6; do
        sigctl -q register "d$i"
    done
    wait_for 5 lines_of stat.out 2
    stop "$SIGD_PID" KILL
    start_sigd -l "127.0.0.1:$SIGD_PORT"
    wait_for 10 grep -q '"type":"restart"' stat.out
    wait_for 10 bash -c 'tail -n 1 stat.out | grep -q stat'
    stop "$STAT"
    output=$(jq -s . stat.out)
    assert_json '[.[] | select(.type == "restart")] | length == 1'
    assert_json '.[-1] | to_entries | all(.value | type == "string" or . >= 0)'
    [[ $(<stat.err) == *'connection'* ]] || fail "$(<stat.err)"
}

@test "a reader that leaves ends it quietly" {
    run --separate-stderr bash -c 'sigmon stat 10ms | head -n 2; exit ${PIPESTATUS[0]}'
    assert_success
    assert_equal "$stderr" ''
    assert_equal "${#lines[@]}" 2
}

@test "what is wrong with the words" {
    run --separate-stderr sigmon stat soon
    assert_failure 2
    assert_equal "$stderr" "sigmon: interval 'soon': want 10ms or more, such as 1, 250ms or 1m"
    run --separate-stderr sigmon stat 1us
    assert_failure 2
    run --separate-stderr sigmon stat 1 0
    assert_failure 2
    assert_equal "$stderr" "sigmon: count '0': want a number of lines, 1 or more"
    run --separate-stderr sigmon stat 1 1 1
    assert_failure 2
    assert_equal "$stderr" 'sigmon: stat takes an interval and a count'
    run --separate-stderr sigmon stat 1 1 -F '%{'
    assert_failure 2
}

@test "without the right it is 7, without a server 3" {
    stop "$SIGD_PID"
    run --separate-stderr sigmon stat 10ms 1
    assert_failure 3
    (umask 077 && echo 0123456789abcdef0123456789abcdef >secret)
    start_sigd --jwt-secret-file "$PWD/secret"
    token=$(sigctl token make --secret-file secret --sub x --role drone --for 1h)
    SIGD_TOKEN=$token run --separate-stderr sigmon stat 10ms 1
    assert_failure 7
    assert_output ''
    [[ $stderr == 'sigmon: forbidden: '* ]] || fail "$stderr"
}

@test "a server that counts nonsense" {
    start odd python3 "$BATS_TEST_DIRNAME/odd_server.py" "$PWD/odd"
    wait_for 10 test -s odd
    SIGD_URL=ws://127.0.0.1:$(<odd)
    run --separate-stderr sigmon stat 20ms 3
    assert_success
    assert_equal "$stderr" ''
    run --separate-stderr sigmon stat 20ms 3 -j
    assert_success
    [[ $output != *'_per_s":-'* ]] || fail "$output"
    jq . <<<"$output" >/dev/null
}

@test "help tells the columns" {
    run --separate-stderr sigmon help stat
    assert_success
    assert_line '  msgs/s   messages relayed, each second'
}
