# SPDX-License-Identifier: MIT
# wait: what each form prints and takes, how each fails.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

@test "each form prints one object" {
    start_sigd
    start hold sigctl -q register drone-1 --hold
    run --separate-stderr sigctl wait peer drone-1 -j
    assert_success
    assert_schema peers
    assert_json '.count == 1'
    run --separate-stderr sigctl wait peer drone-2 --gone -j
    assert_schema peers
    assert_json '.count == 0'
    run --separate-stderr sigctl wait peers '<2' -F '%{type} %{count}'
    assert_output 'peers 1'
    run --separate-stderr sigctl wait server -j
    assert_schema server
    start wait sigctl -i cam-1 wait message --type offer -W 10s -j
    wait=$PID
    sigctl wait peer cam-1
    sigctl -q -i d1 offer cam-1
    finish "$wait"
    assert_equal "$status" 0
    run cat wait.out
    assert_schema message
    for form in 'peer drone-1' 'peers 1' server; do
        # shellcheck disable=SC2086  # two words
        run --separate-stderr sigctl wait $form
        assert_success
        assert_output ''
        assert_equal "$stderr" ''
    done
}

@test "an option of another form is 2, not ignored" {
    export SIGD_URL=ws://127.0.0.1:1
    while IFS='|' read -r args text; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl wait $args --json
        assert_failure 2
        assert_schema failure
        assert_equal "$stderr" "sigctl: $text"
    done <<'END'
peer a --match b|wait peer has no --match; it takes --gone
peer a --type ice|wait peer has no --type; it takes --gone
peers 1 --gone|wait peers has no --gone; it takes --match
peers 1 --from a|wait peers has no --from; it takes --match
message --match a|wait message has no --match; it takes --type --from --until
server --until type=bye|wait server has no --until; it takes no option of its own
END
}

@test "what is no form, no id, no number is 2 with what is wanted" {
    export SIGD_URL=ws://127.0.0.1:1
    while IFS='|' read -r args text; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl wait $args
        assert_failure 2
        assert_output ''
        assert_equal "$stderr" "sigctl: $text"
    done <<'END'
godot|wait for 'godot'? Want peer ID, peers '>=N', message or server
peer|usage: wait peer ID [--gone]
peers|usage: wait peers '>=N' [--match GLOB]
peers =>2|wait peers '=>2': must be a number, or >= <= = != > < and a number
peers >=|wait peers '>=': must be a number, or >= <= = != > < and a number
peers many|wait peers 'many': must be a number, or >= <= = != > < and a number
peer -- .a|'.a' is not an id: want 1 to 128 of A-Z a-z 0-9 . _ : @ -, a letter or digit first
message a|wait message takes no further word, but 'a' came
server a|wait server takes no further word, but 'a' came
END
}

@test "time-outs are 5 and say what was seen and what to try" {
    start_sigd
    run --separate-stderr sigctl wait peer ghost -W 50ms
    assert_failure 5
    assert_equal "$stderr" 'sigctl: timed out waiting for ghost (0 registered that match ghost). Try: sigctl list, or a longer -W'
    run --separate-stderr sigctl wait peers '>3' -W 50ms --json
    assert_failure 5
    assert_schema failure
    [[ $stderr == 'sigctl: timed out waiting for peers >3 (0 registered). Try: '* ]]
    run --separate-stderr sigctl -i cam-1 wait message --type offer --from 'd*' -W 50ms
    assert_failure 5
    assert_regex "$stderr" '^sigctl: timed out after [0-9.]+ s waiting for offer from d\* \(seen: nothing\)'
}

@test "wait server tells why there is none" {
    start_sigd
    stop "$SIGD_PID"
    run --separate-stderr sigctl wait server -W 100ms --json
    assert_failure 5
    assert_schema failure
    assert_equal "$stderr" "sigctl: timed out: no server at $SIGD_URL (cannot connect to $SIGD_URL: Connection refused)"
    run --separate-stderr sigctl wait server -W 100ms --retry 0
    assert_failure 3
}

@test "wait server passes over a server that drains to the next one" {
    start_sigd --reconnect-window 0 --drain-timeout 3s
    port=$SIGD_PORT old=$SIGD_PID
    # a session holds the server for a while
    start hold sigctl -q register cam-1 --hold
    sigctl wait peer cam-1
    kill -STOP "$PID"
    kill -TERM "$old"
    wait_for 5 grep -q drain sigd.err
    start wait sigctl wait server -W 20s
    wait=$PID
    finish "$old"
    start_sigd -l "127.0.0.1:$port"
    finish "$wait"
    assert_equal "$status" 0
    run --separate-stderr sigctl ping -C 1
    assert_success
    kill -CONT "${PIDS[1]}"
}

@test "a signal ends a wait with 128 + N" {
    start_sigd
    for form in 'peer ghost' 'peers 9' message; do
        # shellcheck disable=SC2086  # words
        start wait sigctl -i cam-1 wait $form -W none
        wait=$PID
        wait_for 5 sh -c "sigctl stats -j | jq -e '.connections == 2'"
        stop "$wait"
        assert_equal "$status" 143
        assert_equal "$(<wait.err)" ''
    done
}

@test "in a script, a wait finds what came before, once, in order" {
    start_sigd
    printf '%s\n' 'register cam-1' 'wait message --type ice' 'wait message --type offer' \
        'wait message --type bye' 'wait message --type offer -W 100ms' >words
    start script sigctl -q -j <words
    script=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' 'bye cam-1' | sigctl -q
    finish "$script"
    assert_equal "$status" 5
    run jq -rc 'select(.from) | .type' script.out
    assert_output $'ice\noffer\nbye'
    [[ $(<script.err) == 'sigctl: line 5: timed out after '* ]]
}
