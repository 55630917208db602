# SPDX-License-Identifier: MIT
# wait and listen: event-driven, 0 or 5.
setup() { load ../lib/common.bash; start_sigd; }
teardown() { stop_all; }

@test "wait peer: is there, comes, never comes" {
    start wait sigctl wait peer drone-1 -W 5s
    waiter=$PID
    start hold sigctl register drone-1 --hold
    finish "$waiter"
    assert_equal "$status" 0
    run --separate-stderr sigctl wait peer drone-1
    assert_success
    assert_output ''
    run --separate-stderr sigctl wait peer drone-2 -W 50ms --json
    assert_failure 5
    assert_json '.exit == 5 and .code == "timeout"'
}

@test "wait peer --gone" {
    start hold sigctl register drone-1 --hold
    holder=$PID
    sigctl wait peer drone-1
    run --separate-stderr sigctl wait peer drone-1 --gone -W 50ms
    assert_failure 5
    start wait sigctl wait peer drone-1 --gone -W 5s
    waiter=$PID
    stop "$holder"
    finish "$waiter"
    assert_equal "$status" 0
}

@test "wait peers counts with every comparison" {
    start a sigctl register drone-1 --hold
    start b sigctl register cam-1 --hold
    run --separate-stderr sigctl wait peers '>=2' --json
    assert_success
    assert_json '.ok and .count == 2 and .wait_us >= 0'
    for expr in '=2' '==2' '<=2' '<3' '>1' '!=3' 2; do
        run --separate-stderr sigctl wait peers "$expr"
        assert_success
    done
    run --separate-stderr sigctl wait peers '>=2' --match 'drone-*' -W 50ms
    assert_failure 5
    assert_equal "$stderr" \
        'sigctl: timed out waiting for peers >=2 (1 registered that match drone-*). Try: sigctl list, or a longer -W'
    run --separate-stderr sigctl wait peers many
    assert_failure 2
}

@test "waiting does not count itself" {
    run --separate-stderr sigctl wait peers '=0'
    assert_success
}

@test "wait message filters by type, sender and expression" {
    start wait sigctl -i cam-1 wait message --type ice --from 'd*' --until 'summary=end' -W 5s --json
    waiter=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register x1' 'ice cam-1 --candidate null' | sigctl
    printf '%s\n' 'register d1' 'ice cam-1' 'ice cam-1 --candidate null' | sigctl
    finish "$waiter"
    assert_equal "$status" 0
    output=$(<"$BATS_TEST_TMPDIR/wait.out")
    assert_json '.from == "d1" and .candidate == null and .ts_us > 0'
}

@test "wait server: there, comes back, never comes" {
    run --separate-stderr sigctl wait server
    assert_success
    stop "$SIGD_PID"
    run --separate-stderr sigctl wait server -W 100ms
    assert_failure 5
    start wait sigctl -u "unix-less" wait server -W 100ms
    finish "$PID"
    assert_equal "$status" 2
}

@test "--wait-server waits for a daemon that is not up yet" {
    stop "$SIGD_PID"
    run --separate-stderr sigctl ping -C 1 --wait-server 100ms
    assert_failure 3
    port=$SIGD_PORT
    start ping sigctl ping -C 1 --wait-server 10s
    ping=$PID
    start_sigd -l "127.0.0.1:$port"
    finish "$ping"
    assert_equal "$status" 0
}

@test "listen prints what arrives, raw members kept" {
    start listen sigctl -i cam-1 listen -C 2 --json
    listener=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' "send cam-1 -t offer '{\"sdp\":\"v=0\",\"n\":[1.50]}'" \
        'bye cam-1' | sigctl
    finish "$listener"
    assert_equal "$status" 0
    run cat "$BATS_TEST_TMPDIR/listen.out"
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --partial '"n":[1.50]'
    assert_line --index 0 --regexp '^\{"ts":"[^"]+Z","ts_us":[0-9]+,"type":"offer"'
}

@test "listen --until, --type and --from" {
    start listen sigctl -i cam-1 listen --type ice --from 'd*' --until 'size>1k' -F '%{from} %{type}'
    listener=$PID
    sigctl wait peer cam-1
    big=$(printf 'x%.0s' {1..1200})
    printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' "ice cam-1 --candidate $big" | sigctl
    finish "$listener"
    assert_equal "$status" 0
    run cat "$BATS_TEST_TMPDIR/listen.out"
    assert_output $'d1 ice\nd1 ice'
}

@test "listen gives up after -W with 5" {
    run --separate-stderr sigctl -i cam-1 listen -C 1 -W 50ms
    assert_failure 5
}

@test "hostile text never reaches a terminal raw" {
    start listen sigctl -i cam-1 listen -C 1
    listener=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' 'offer cam-1' | sigctl
    finish "$listener"
    start listen sigctl -i cam-1 listen -C 1 --type bye
    listener=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' 'offer cam-1' \
        "send cam-1 -t bye '{\"reason\":\"a\\u001b[2Jb\\u202ec\"}'" | sigctl
    finish "$listener"
    run cat -v "$BATS_TEST_TMPDIR/listen.out"
    assert_output --partial 'a\x1b[2Jb\u{202e}c'
}

@test "listen comes back after the server did" {
    start listen sigctl -i cam-1 listen -C 1 --json
    listener=$PID
    sigctl wait peer cam-1
    port=$SIGD_PORT
    stop "$SIGD_PID"
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    run --separate-stderr sigctl wait peer cam-1 -W 10s
    assert_success
    printf '%s\n' 'register d1' 'offer cam-1' | sigctl
    finish "$listener"
    assert_equal "$status" 0
}

@test "listen ends quietly when its reader does" {
    start d sigctl -q register d1 --hold
    run --separate-stderr bash -c \
        'sigctl -i cam-1 listen --json | head -n 1; exit "${PIPESTATUS[0]}"' < <(:) &
    job=$!
    sigctl wait peer cam-1
    printf '%s\n' 'register d2' 'offer cam-1' | sigctl
    finish "$job"
    assert_equal "$status" 0
}
