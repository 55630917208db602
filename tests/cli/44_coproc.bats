# SPDX-License-Identifier: MIT
# sigctl --coproc under a program of another language, and the manual's example as it stands.
setup()
{
    load ../lib/common.bash
    start_sigd --message-rate 0 --byte-rate 0
}
teardown() { stop_all; }

drive() { run python3 "$BATS_TEST_DIRNAME/coproc.py" "$1"; }

@test "commands of the one grammar, with their results" {
    drive commands
    assert_success
}

@test "messages go and come while a command waits" {
    drive meanwhile
    assert_success
}

@test "a thousand messages under way, each answered once" {
    drive many
    assert_success
}

@test "the server dies and comes back" {
    drive restart
    assert_success
}

@test "a taken id is not fought for" {
    drive taken
    assert_success
}

@test "no line ends it" {
    drive hostile
    assert_success
}

@test "what waits is bounded" {
    drive bounded
    assert_success
}

@test "the end of the input" {
    drive ends
    assert_success
}

@test "the end of the reader" {
    drive reader_gone
    assert_success
}

@test "what cannot start says so in both languages" {
    run --separate-stderr sigctl -u ws://127.0.0.1:1 --coproc </dev/null
    assert_failure 3
    assert_json '.event == "link" and .state == "closed" and (.message | startswith("cannot connect"))'
    assert_regex "$stderr" '^sigctl: cannot connect to'
    run --separate-stderr sigctl --coproc list </dev/null
    assert_failure 2
}

@test "the example of the manual" {
    printf '%s\n' 'register cam-2' 'wait message --type offer -W 5s' 'answer drone-1' \
        'wait message --type bye -W 5s' >"$BATS_TEST_TMPDIR/callee"
    start callee sigctl -q <"$BATS_TEST_TMPDIR/callee"
    sigctl wait peer cam-2
    sed -n '/^\.Sh CO-PROCESS/,/^\.Sh /p' "$BATS_TEST_DIRNAME/../../man/sigctl.1" |
        sed -n '/^coproc/,/^\.Ed/{/^\.Ed/d;s/\\e/\\/g;p}' >"$BATS_TEST_TMPDIR/example"
    run --separate-stderr bash -eu "$BATS_TEST_TMPDIR/example"
    assert_success
    assert_json '.rid == 1 and .ok and (.results[0].sdp | startswith("v=0"))'
}
