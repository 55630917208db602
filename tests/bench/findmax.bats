#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sigbench --repeat and --find-max against the floor. SIGBENCH and FLOOR name the programs.

bats_require_minimum_version 1.5.0

# start_floor ARGS…: sets floor to its pid and SIGD_URL to its address.
start_floor() {
    rm -f "$BATS_TEST_TMPDIR/port"
    # shellcheck disable=SC2153
    "$FLOOR" --port-file "$BATS_TEST_TMPDIR/port" "$@" >/dev/null 3>&- &
    floor=$!
    for ((i = 0; i < 500; i++)); do
        [[ -s $BATS_TEST_TMPDIR/port ]] && break
        read -r -t 0.01 <>"$BATS_TEST_TMPDIR/never" || true
    done
    SIGD_URL="ws://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")"
    export SIGD_URL
}

setup() {
    export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
    mkfifo "$BATS_TEST_TMPDIR/never"
}

teardown() {
    [[ ! ${floor-} ]] || { kill "$floor" && wait "$floor"; } 2>/dev/null || true
}

@test "01 repeat: medians, their spread, a sample of each run" {
    start_floor
    run --separate-stderr "$SIGBENCH" --repeat 4 -c 6 -n 200 --warmup 0s -j --server-pid "$floor"
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    jq -e '.valid and .repeat == 4 and (.samples | length) == 4
        and all(.samples[]; .received == 200 and .lost == 0 and .misdelivered == 0 and .connected == 6)
        and .metrics.received == 200
        and ([.samples[]["relay.p50_us"]] | sort | (.[1] + .[2]) / 2) == .metrics["relay.p50_us"]
        and .spread["relay.p50_us"] == ([.samples[]["relay.p50_us"]] | [min, max])
        and .spread["server.rss_before_bytes"][0] == .spread["server.rss_before_bytes"][1]' <<<"$output"
}

@test "02 repeat: a table for people, thresholds are judged by the medians" {
    start_floor
    run --separate-stderr "$SIGBENCH" --repeat 3 -c 4 -n 50 --warmup 0s --threshold 'relay.p99<60s' \
        --threshold received=50
    [ "$status" -eq 0 ]
    [[ $output == *'runs        3 of 3'*relay.p99*' .. '* ]]
    run --separate-stderr "$SIGBENCH" --repeat 2 -c 4 -n 50 --warmup 0s --threshold 'relay.p50<0us'
    [ "$status" -eq 10 ]
    [[ $output == *FAILED* ]]
}

@test "03 repeat: every scenario can be run again" {
    start_floor
    for args in 'setup --pairs 3 -n 12' 'connect -c 8' 'idle -c 5 -d 50ms'; do
        # shellcheck disable=SC2086
        run --separate-stderr "$SIGBENCH" $args --repeat 3 --warmup 0s -j
        [ "$status" -eq 0 ]
        jq -e '.samples | length == 3' <<<"$output"
    done
}

@test "04 repeat: a signal ends it with what there is" {
    start_floor
    "$SIGBENCH" --repeat 100 -c 4 -d 100ms --warmup 0s -j -q >"$BATS_TEST_TMPDIR/out" 3>&- &
    bench=$!
    read -r -t 0.7 <>"$BATS_TEST_TMPDIR/never" || true
    kill -TERM "$bench"
    status=0
    wait "$bench" || status=$?
    [ "$status" -eq 143 ]
    jq -e '.exit == 143 and .repeat == 100 and (.samples | length > 0 and length < 100)' \
        "$BATS_TEST_TMPDIR/out"
}

@test "05 repeat: a saturated generator makes it invalid" {
    start_floor
    run --separate-stderr "$SIGBENCH" --repeat 2 -c 4 -R 10M -d 200ms --warmup 0s -j
    [ "$status" -eq 12 ]
    jq -e '.valid == false and (.reasons[0] | startswith("run 1: "))' <<<"$output"
}

@test "06 find-max: the rate that a slow server bears" {
    start_floor --spin-us 1000 # 1000 a second at most
    for _ in 1 2 3; do
        run --separate-stderr "$SIGBENCH" -c 8 -R 200 --find-max 'p99<10s,errors==0' --precision 25% \
            -d 300ms --warmup 100ms -j
        [ "$status" -eq 0 ] && break
    done
    jq -e '.find_max | .steps[0].rate == 200 and .rate <= 1100
        and .conditions == ["relay.p99<10s", "errors=0"]' <<<"$output"
    [[ $stderr == *'step 1: 200/s '*', p99 '* ]]
    if [ "$status" -eq 0 ]; then
        jq -e '.valid and .ok and (.find_max | .rate > 0 and .limit_rate > .rate and .confirmed
            and (.limit | length > 0) and any(.steps[]; .result == "failed"))
            and .parameters.rate == .find_max.rate' <<<"$output"
    else # others kept the generator from its work, and it says so
        jq -e 'any(.find_max.steps[]; .result != "held")' <<<"$output"
    fi
}

@test "07 find-max: conditions that nothing holds are 10, and say so" {
    start_floor
    run --separate-stderr "$SIGBENCH" setup -c 4 -R 200 --find-max 'p99<1us,errors<0.1%' -d 250ms \
        --warmup 0s -q
    [ "$status" -eq 10 ]
    [ -z "$stderr" ]
    [[ $output == *'no rate holds; at 50/s setup.p99<1us: it is '* ]]
}

@test "08 find-max: when the generator is the limit, the result is not valid" {
    start_floor
    run --separate-stderr "$SIGBENCH" -c 4 -R 5M --find-max 'p99<60s' --precision 50% -d 100ms \
        --warmup 0s -j
    [[ $status == 12 || $status == 0 || $status == 10 ]]
    jq -e 'any(.find_max.steps[]; .result == "invalid")
        and (.valid == (.find_max.limit | test("generator") | not))' <<<"$output"
}

@test "09 find-max: nothing there is 3" {
    run --separate-stderr "$SIGBENCH" -c 2 -u ws+unix:/nonexistent/socket --find-max 'p99<5ms' -j
    [ "$status" -eq 3 ]
    [[ $stderr == *'cannot connect'* ]]
    jq -e '.exit == 3' <<<"$output"
}

@test "10 find-max: a signal ends it with the best so far" {
    start_floor --spin-us 500
    "$SIGBENCH" -c 4 -R 100 --find-max 'p99<60s' -d 200ms --warmup 0s -j >"$BATS_TEST_TMPDIR/out" \
        2>"$BATS_TEST_TMPDIR/err" 3>&- &
    bench=$!
    for ((i = 0; i < 1000; i++)); do
        grep -q 'step 2' "$BATS_TEST_TMPDIR/err" && break
        read -r -t 0.01 <>"$BATS_TEST_TMPDIR/never" || true
    done
    kill -TERM "$bench"
    status=0
    wait "$bench" || status=$?
    [ "$status" -eq 143 ]
    jq -e '.ok == false and (.find_max.steps | length >= 2) and .find_max.confirmed == false
        and .find_max.rate == ([.find_max.steps[] | select(.result == "held") | .rate] | max // 0)' \
        "$BATS_TEST_TMPDIR/out"
}

@test "11 usage errors are 2" {
    for args in '--repeat 0' '--repeat 101' '--find-max p42<5ms' '--find-max ,' '--find-max p99' \
        '--find-max p99<5ms --repeat 2' 'idle --find-max p99<5ms' '--find-max p99<5ms --precision 0%' \
        '--find-max p99<5ms --precision two'; do
        # shellcheck disable=SC2086
        run --separate-stderr "$SIGBENCH" -u ws+unix:/nonexistent/socket $args
        [ "$status" -eq 2 ]
        [ -n "$stderr" ]
    done
}
