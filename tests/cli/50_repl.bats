# SPDX-License-Identifier: MIT
# sigctl on a terminal: prompt, messages above the line, completion, Ctrl-C, Ctrl-D, history.
setup() {
    load prompt.bash
    start_sigd --reconnect-window 1s
    start_prompt
}
teardown() {
    stop_prompt
    stop_all
}

@test "commands run and the session ends with Ctrl-D" {
    keys 'register op-1' Enter
    wait_for 5 shows '^registered op-1'
    keys 'list --count' Enter
    wait_for 5 shows '^1$'
    keys C-d
    wait_for 5 shows '^left with 0'
    run cat "$HISTORY_FILE"
    assert_output $'register op-1\nlist --count'
    assert_equal "$(stat -c %a "$HISTORY_FILE")" 600
}

@test "a message comes above the line, which is kept" {
    keys 'register op-1' Enter
    wait_for 5 shows '^registered op-1'
    keys 'offer gho'
    wait_for 5 shows '^sigctl> offer gho'
    printf '%s\n' 'register d1' 'offer op-1' 'wait peer op-1 --gone -W 5s' | sigctl &
    PIDS+=($!)
    wait_for 5 shows 'offer from d1'
    keys 'st' Enter
    wait_for 5 shows 'ghost is not registered'
    shows '^sigctl> offer ghost'
}

@test "Ctrl-C cancels a wait, not the session" {
    keys 'wait peer nobody -W 1m' Enter
    wait_for 5 shows 'wait peer nobody'
    keys C-c
    wait_for 5 shows 'cancelled'
    keys 'list --count' Enter
    wait_for 5 shows '^0$'
}

@test "a failure does not end the session" {
    keys 'frobnicate' Enter
    wait_for 5 shows "unknown command 'frobnicate'"
    keys 'ping -C 1' Enter
    wait_for 5 shows '1 sent, 1 answered'
}

@test "Tab completes commands and live ids" {
    needs_readline
    start hold sigctl register camera-77 --hold
    sigctl wait peer camera-77
    keys 'reg' Tab
    wait_for 5 shows '^sigctl> register'
    keys C-u 'offer cam' Tab
    wait_for 5 shows '^sigctl> offer camera-77'
}

@test "the session survives a drain and comes back when it may" {
    keys 'register op-1' Enter
    wait_for 5 shows '^registered op-1'
    keys 'list --cou'
    port=$SIGD_PORT
    sigctl -q drain
    finish "$SIGD_PID"
    wait_for 5 shows 'the server is draining, coming back in [0-9]'
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    run --separate-stderr sigctl wait peer op-1 -W 15s
    assert_success
    wait_for 5 shows 'connected again'
    keys 'nt' Enter
    wait_for 5 shows '^1$'
    keys 'drain' Enter
    wait_for 5 shows '^drained'
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    run --separate-stderr sigctl wait peer op-1 -W 15s
    assert_success
}

@test "the session survives the server and registers again" {
    keys 'register op-1' Enter
    wait_for 5 shows '^registered op-1'
    port=$SIGD_PORT
    stop "$SIGD_PID"
    wait_for 5 shows 'draining'
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    run --separate-stderr sigctl wait peer op-1 -W 10s
    assert_success
}
