# SPDX-License-Identifier: MIT
# sigmon: the tail of the event feed.
setup() { load ../lib/common.bash; start_sigd; }
teardown() { stop_all; }

# monitor OPTION...: attached when it returns; output in mon.out.
monitor()
{
    rm -f "$BATS_TEST_TMPDIR/ready"
    start mon sigmon --ready-file "$BATS_TEST_TMPDIR/ready" "$@"
    MON=$PID
    wait_for 5 test -e "$BATS_TEST_TMPDIR/ready"
}

traffic() { printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' 'bye cam-1' | sigctl -q; }

camera()
{
    start camera sigctl -q register cam-1 --hold
    sigctl wait peer cam-1
}

@test "events come as JSON lines with ts_us" {
    camera
    monitor --json --until event=session_end
    traffic
    finish "$MON"
    assert_equal "$status" 0
    output=$(jq -sc . "$BATS_TEST_TMPDIR/mon.out")
    assert_json 'map(select(.event == "relay").kind) == ["offer", "ice", "bye"]'
    assert_json 'all(.[]; .seq > 0 and .ts_us > 0 and (.ts | endswith("Z")))'
    assert_json '.[-1].event == "session_end"'
}

@test "the filter is the words, all of -e, none of -x" {
    camera
    monitor -F '%{kind} %{from}' -C 2 event=relay -e 'from=d*' -x type=ice
    traffic
    finish "$MON"
    assert_equal "$status" 0
    run cat "$BATS_TEST_TMPDIR/mon.out"
    assert_output $'offer d1\nbye d1'
}

@test "people get aligned lines" {
    camera
    monitor --time none -C 1 type=offer
    traffic
    finish "$MON"
    run cat "$BATS_TEST_TMPDIR/mon.out"
    assert_output --regexp '^relay +offer +d1 → cam-1 +[A-Za-z0-9]{8} +[0-9]+ video'
}

@test "times: abs, rel, delta, epoch" {
    camera
    traffic
    run --separate-stderr sigmon -n 2 -C 2 type=offer or type=ice
    assert_line --index 0 --regexp '^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}  relay'
    run --separate-stderr sigmon -n 2 -C 2 --time rel type=offer or type=ice
    assert_line --index 0 --regexp '^ +\+0\.000  relay'
    run --separate-stderr sigmon -n 2 -C 2 --time delta type=offer or type=ice
    assert_line --index 1 --regexp '^ +\+[0-9]+\.[0-9]{3}  relay'
    run --separate-stderr sigmon -n 2 -C 2 --time epoch type=offer or type=ice
    assert_line --index 0 --regexp '^[0-9]{10}\.[0-9]{3}  relay'
}

@test "-n begins with the backlog" {
    camera
    traffic
    run --separate-stderr sigmon -n 100 --until type=bye --json event=relay -W 5s
    assert_success
    assert_equal "${#lines[@]}" 3
}

@test "--duration ends with 0, -W with 5" {
    run --separate-stderr sigmon --duration 50ms
    assert_success
    assert_output ''
    run --separate-stderr sigmon -C 1 -W 50ms event=admin --json
    assert_failure 5
    assert_json '.exit == 5'
}

@test "-v tells when it is attached" {
    run --separate-stderr sigmon -v --duration 50ms
    assert_success
    assert_equal "$stderr" 'sigmon: attached'
}

@test "a signal ends it with 128 + N" {
    monitor
    stop "$MON"
    assert_equal "$status" 143
}

@test "--retry 0 ends with 8 when the server goes" {
    monitor --retry 0
    stop "$SIGD_PID"
    finish "$MON"
    assert_equal "$status" 8
    run cat "$BATS_TEST_TMPDIR/mon.err"
    assert_output --partial 'closed'
}

@test "without it the stream resumes when the server is back" {
    monitor --json event=register
    port=$SIGD_PORT
    stop "$SIGD_PID"
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    until grep -q '"d9"' "$BATS_TEST_TMPDIR/mon.out"; do
        sigctl -q register d9
    done
    stop "$MON"
    assert_equal "$status" 143
}

@test "every line is flushed and a closed pipe ends quietly" {
    start one bash -c 'sigmon -v --json event=register 2>"$1" | head -n 1; \
        exit "${PIPESTATUS[0]}"' - "$BATS_TEST_TMPDIR/mon.err"
    job=$PID
    wait_for 5 grep -q attached "$BATS_TEST_TMPDIR/mon.err"
    sigctl -q register d1
    finish "$job"
    assert_equal "$status" 0
    run cat "$BATS_TEST_TMPDIR/one.out"
    assert_output --partial '"d1"'
}
