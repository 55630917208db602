# SPDX-License-Identifier: MIT
# Commands from a pipe: one connection, quoting, the line of the first failure.
setup() { load ../lib/common.bash; start_sigd; }
teardown() { stop_all; }

# feed: sigctl reads a script from fd 8 of this test; sets script.
feed()
{
    mkfifo "$BATS_TEST_TMPDIR/in"
    exec 7<>"$BATS_TEST_TMPDIR/in"
    start script sigctl -q <"$BATS_TEST_TMPDIR/in" 7>&-
    script=$PID
    exec 8>"$BATS_TEST_TMPDIR/in" 7>&-
}

@test "commands share one connection and identity" {
    run --separate-stderr sigctl -q <<<$'register drone-1\nlist\nlist --count'
    assert_success
    assert_output $'drone-1\n1'
}

@test "blank lines and comments are passed over" {
    run --separate-stderr sigctl <<<$'# nothing\n\n   \nlist --count # how many\n'
    assert_success
    assert_output 0
}

@test "quoting is a shell's" {
    start listen sigctl -i cam-1 listen -C 4 -F '%{reason}'
    listener=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' 'offer cam-1' "bye cam-1 --reason 'a \"b\" # c'" 'offer cam-1' \
        'bye cam-1 --reason "d \"e\" '"'f'"'"' | sigctl -q
    finish "$listener"
    assert_equal "$status" 0
    run sed -n '2p;4p' "$BATS_TEST_TMPDIR/listen.out"
    assert_line --index 0 'a "b" # c'
}

@test "the first failure ends the script with its status and line" {
    run --separate-stderr sigctl <<<$'register drone-1\n\noffer ghost\nlist'
    assert_failure 6
    assert_output 'registered drone-1'
    [[ $stderr == 'sigctl: line 3: ghost is not registered'* ]]
}

@test "an open quote and an unknown command name their line" {
    run --separate-stderr sigctl <<<$'list --count\nlist "x'
    assert_failure 2
    assert_equal "$stderr" 'sigctl: line 2: a quote is not closed'
    run --separate-stderr sigctl <<<'lisst'
    assert_failure 2
    [[ $stderr == "sigctl: line 1: unknown command 'lisst', did you mean 'list'?" ]]
}

@test "a regular file is a script too, without a last line end" {
    printf 'register d1\nlist' >"$BATS_TEST_TMPDIR/s"
    run --separate-stderr sigctl -q <"$BATS_TEST_TMPDIR/s"
    assert_success
    assert_output d1
}

@test "a message that came during another command is not lost" {
    feed
    printf 'register cam-1\n' >&8
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' | sigctl -q
    printf '%s\n' 'ping -C 1' 'wait message --type ice -W 1s' 'wait message --type offer -W 1s' >&8
    exec 8>&-
    finish "$script"
    assert_equal "$status" 0
}

@test "an answer made up has the sections of the offer" {
    start callee sigctl -j <<<$'register cam-1\nwait message --type offer -W 5s\nanswer d1\nwait message --type bye -W 5s'
    sigctl wait peer cam-1
    run --separate-stderr sigctl -i d1 offer cam-1 --media audio,data --wait answer
    assert_success
    run grep -o '^m=[a-z]*' <<<"$output"
    assert_output $'m=audio\nm=application'
}

@test "register under another id starts a new connection" {
    run --separate-stderr sigctl -q <<<$'register a\nregister b\nlist'
    assert_success
    assert_output b
}

@test "the end of the server between two commands is 8" {
    feed
    printf 'register cam-1\n' >&8
    sigctl wait peer cam-1
    stop "$SIGD_PID"
    printf 'list\n' >&8
    exec 8>&-
    finish "$script"
    assert_equal "$status" 8
    run cat "$BATS_TEST_TMPDIR/script.err"
    assert_output --partial 'line 2: '
}

@test "-l has no stdin to read in a script" {
    run --separate-stderr sigctl <<<'send x --type offer -l'
    assert_failure 2
}
