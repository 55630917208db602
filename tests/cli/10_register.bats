# SPDX-License-Identifier: MIT
# register: an id, what is said about oneself, how long, and a program meanwhile.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown() { stop_all; }

@test "register claims an id" {
    run --separate-stderr sigctl register drone-1
    assert_success
    assert_output 'registered drone-1'
    assert_equal "$stderr" ''
    run --separate-stderr sigctl -q register drone-1
    assert_success
    assert_output ''
}

@test "register with --json, --plain and -F" {
    run --separate-stderr sigctl register drone-1 -j
    assert_success
    assert_schema registered
    assert_equal "$(jq -r .id <<<"$output")" drone-1
    run --separate-stderr sigctl register drone-1 --plain
    assert_output --regexp $'^true\tregistered\tdrone-1\t20[^\t]+Z\t[0-9]+$'
    run --separate-stderr sigctl register drone-1 -F '%{id}'
    assert_output drone-1
}

@test "the id comes from -i too; a word of the command goes before it" {
    run --separate-stderr sigctl -i cam-1 register
    assert_output 'registered cam-1'
    run --separate-stderr sigctl -i cam-1 register drone-1
    assert_output 'registered drone-1'
}

@test "a bad id is a usage error that says what an id is, with or without a server" {
    for url in "$SIGD_URL" ws://127.0.0.1:1; do
        run --separate-stderr sigctl -u "$url" register 'drone 1' --json
        assert_failure 2
        assert_schema failure
        assert_equal "$stderr" "sigctl: 'drone 1' is not an id: want 1 to 128 of A-Z a-z 0-9 . _ : @ -, a letter or digit first"
    done
}

@test "what is wrong with the options is told before anything is sent" {
    export SIGD_URL=ws://127.0.0.1:1
    run --separate-stderr sigctl register a --meta kind
    assert_failure 2
    assert_equal "$stderr" "sigctl: --meta 'kind': want KEY=VALUE, as in --meta kind=quad"
    run --separate-stderr sigctl register a --meta "a=$(printf 'x%.0s' {1..2100})"
    assert_failure 2
    assert_equal "$stderr" 'sigctl: --meta: more than 2048 bytes as JSON: say less'
    run --separate-stderr sigctl register a --role 'air craft'
    assert_failure 2
    [[ $stderr == "sigctl: --role 'air craft' is not a role"* ]]
    run --separate-stderr sigctl register a --role "$(printf 'x%.0s' {1..33})"
    assert_failure 2
    run --separate-stderr sigctl register a --exec
    assert_failure 2
    assert_equal "$stderr" 'sigctl: --exec needs a program: register ID --exec CMD [ARGUMENT...]'
    run --separate-stderr sigctl register a --hold --for 1s
    assert_failure 2
    assert_equal "$stderr" 'sigctl: --hold or --for, not both'
    run --separate-stderr sigctl register a b
    assert_failure 2
}

@test "--for 0 is not for ever" {
    for span in 0 0s -1s soon; do
        run --separate-stderr sigctl register drone-1 --for "$span"
        assert_failure 2
        assert_equal "$stderr" "sigctl: --for '$span': must be a duration such as 250ms or 5s, longer than 0"
        assert_output ''
    done
}

@test "--hold stays until a signal, then exits 128 + N" {
    for signal in TERM:143 HUP:129; do
        start hold sigctl register drone-1 --hold
        run --separate-stderr sigctl wait peer drone-1
        assert_success
        stop "$PID" "${signal%:*}"
        assert_equal "$status" "${signal#*:}"
        run --separate-stderr sigctl wait peer drone-1 --gone
        assert_success
    done
}

@test "--for ends by itself, with none at a signal" {
    run --separate-stderr sigctl register drone-1 --for 50ms
    assert_success
    assert_output 'registered drone-1'
    start hold sigctl register drone-2 --for none
    sigctl wait peer drone-2
    stop "$PID"
    assert_equal "$status" 143
}

@test "--meta and --role arrive and are printed" {
    start hold sigctl register drone-1 --hold --meta kind=quad --meta 'note=a "b"' --role drone
    run --separate-stderr sigctl wait peer drone-1
    run --separate-stderr sigctl list --detail --json
    assert_success
    assert_schema clients_detail
    assert_json '.peers[0] | .id == "drone-1" and .meta == {"kind":"quad","note":"a \"b\""} and .role == "drone"'
}

@test "an id that is taken is refused where the server keeps the first" {
    stop "$SIGD_PID"
    start_sigd --duplicate-policy reject
    start hold sigctl register drone-1 --hold
    sigctl wait peer drone-1
    run --separate-stderr sigctl register drone-1 --json
    assert_failure 7
    assert_schema failure
    assert_json '.code == "id_taken"'
    [[ $stderr == 'sigctl: the server refused: id_taken ('* ]]
}

@test "whoever is replaced or kicked ends with 8 and does not come back" {
    start first sigctl register drone-1 --hold
    first=$PID
    sigctl wait peer drone-1
    start second sigctl register drone-1 --hold
    finish "$first"
    assert_equal "$status" 8
    assert_equal "$(<first.err)" 'sigctl: connection closed by the server: 4501 replaced by a newer connection'
    stop "$PID"
}

# ---------------------------------------------------------------- --exec

@test "--exec runs a program while registered and exits with its status" {
    run --separate-stderr sigctl -q register drone-1 --exec sigctl list
    assert_success
    assert_output drone-1
    for code in 0 1 7 126 255; do
        run --separate-stderr sigctl -q register drone-1 --exec sh -c "exit $code"
        assert_equal "$status" "$code"
    done
    run --separate-stderr sigctl -q register drone-1 --exec sh -c 'kill -KILL $$'
    assert_failure 137
    assert_equal "$stderr" ''
}

@test "--exec: a program that cannot be run is 9" {
    run --separate-stderr sigctl -q register drone-1 --exec /no/such/program
    assert_failure 9
    assert_equal "$stderr" 'sigctl: cannot run /no/such/program: No such file or directory'
    touch plain
    run --separate-stderr sigctl register drone-1 --json --exec ./plain
    assert_failure 9
    assert_schema registered+failure
    assert_equal "$stderr" 'sigctl: cannot run ./plain: Permission denied'
}

@test "--exec: the program has our standard input, output and arguments" {
    run --separate-stderr sigctl -q register drone-1 --exec sh -c 'cat; echo "$@" >&2' x --json -h end \
        <<<'said'
    assert_success
    assert_output said
    assert_equal "$stderr" '--json -h end'
}

@test "--exec: signals go to the program, whose end is ours" {
    for case in TERM:3 INT:4 HUP:5; do
        rm -f ready
        # a shell's background job ignores SIGINT, unless told otherwise
        start exec env --default-signal=INT sigctl -q register drone-1 --exec bash -c '
            trap "exit 3" TERM; trap "exit 4" INT; trap "exit 5" HUP
            touch ready
            while :; do sleep 0.02; done'
        wait_for 10 test -e ready
        stop "$PID" "${case%:*}"
        assert_equal "$status" "${case#*:}"
    done
    rm ready
    start exec sigctl -q register drone-1 --exec sh -c 'touch ready; exec sleep 60'
    wait_for 10 test -e ready
    stop "$PID"
    assert_equal "$status" 143
}

@test "--exec with --for: the program is ended when the time is over" {
    run --separate-stderr sigctl -q register drone-1 --for 100ms --exec sleep 60
    assert_failure 143
}

@test "--exec: the registration comes back while the program runs" {
    port=$SIGD_PORT
    start exec sigctl -q register drone-1 --exec sh -c 'until test -e enough; do sleep 0.02; done; exit 6'
    exec=$PID
    sigctl wait peer drone-1
    stop "$SIGD_PID"
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    run --separate-stderr sigctl wait peer drone-1 -W 20s
    assert_success
    touch enough
    finish "$exec"
    assert_equal "$status" 6
}

@test "--exec: a program that ends while the server is away ends us with its status" {
    start exec sigctl -q register drone-1 --exec sh -c 'until test -e enough; do sleep 0.02; done; exit 6'
    exec=$PID
    sigctl wait peer drone-1
    stop "$SIGD_PID"
    touch enough
    finish "$exec"
    assert_equal "$status" 6
}

@test "--exec: without a way back the program is ended and the status is ours" {
    start exec sigctl -q register drone-1 --exec sh -c 'trap "touch told; exit 0" TERM; touch ready; while :; do sleep 0.02; done'
    exec=$PID
    wait_for 10 test -e ready
    sigctl -q kick drone-1
    finish "$exec"
    assert_equal "$status" 8
    assert_equal "$(<exec.err)" 'sigctl: connection closed by the server: 4502 kicked'
    test -e told
}

@test "--exec: a program that does not heed SIGTERM does not hold us" {
    start exec sigctl -q register drone-1 --exec sh -c 'trap "" TERM; touch ready; while :; do sleep 0.02; done'
    exec=$PID
    wait_for 10 test -e ready
    sigctl -q kick drone-1
    finish "$exec"
    assert_equal "$status" 8
}
