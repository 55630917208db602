# SPDX-License-Identifier: MIT
# Tokens in use: where they go, where they never show, what a refusal says, a new one in time.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret" --message-rate 0 --auth-failures 0
    token drone drone-1 1h
    token admin op-1 1h
    TOKEN=(--token-file token.drone)
    ADMIN=(--token-file token.admin)
}
teardown() { stop_all; }

# token ROLE ID DURATION: in token.ROLE, which is never seen half written.
token()
{
    sigctl token make --secret-file secret --sub "$2" --role "$1" --for "$3" >token.new
    mv token.new "token.$1"
}

# nowhere TOKEN_FILE: the token is not in what was printed.
nowhere()
{
    local secret
    secret=$(<"$1")
    ! grep -qF -- "$secret" <<<"$output$stderr" || fail "the token shows: $output$stderr"
}

@test "a token lets in before and after register, none does not" {
    run --separate-stderr sigctl list
    assert_failure 4
    assert_output ''
    assert_equal "$stderr" 'sigctl: the server refused: unauthorized (Unauthorized: no token)'
    run --separate-stderr sigctl list --json
    assert_failure 4
    assert_json '.exit == 4 and .code == "unauthorized"'
    run --separate-stderr sigctl "${ADMIN[@]}" list --count
    assert_success
    assert_output 0
    run --separate-stderr sigctl "${TOKEN[@]}" register drone-1
    assert_success
    SIGD_TOKEN=$(<token.drone) run --separate-stderr sigctl register drone-1
    assert_success
    SIGD_TOKEN_FILE=token.drone run --separate-stderr sigctl register drone-1
    assert_success
}

@test "who does not say who it is, is who the token is for" {
    run --separate-stderr sigctl "${TOKEN[@]}" register
    assert_success
    assert_output 'registered drone-1'
    run --separate-stderr sigctl "${TOKEN[@]}" offer cam-9 --sdp auto
    assert_failure 6
    run --separate-stderr sigctl "${TOKEN[@]}" -i drone-2 register
    assert_failure 7
    sigctl token make --secret-file secret --ids 'drone-*' --role drone >token.ids
    run --separate-stderr sigctl --token-file token.ids -i drone-7 register
    assert_success
}

@test "a refused token is 4, another's id is 7" {
    echo nonsense >bad
    run --separate-stderr sigctl --token-file bad list
    assert_failure 4
    assert_output ''
    run --separate-stderr sigmon --token-file bad
    assert_failure 4
    run --separate-stderr sigctl "${TOKEN[@]}" register drone-2
    assert_failure 7
    assert_equal "$stderr" 'sigctl: forbidden: the token is not for the id drone-2'
}

@test "what a role may not do is told" {
    for command in stats sessions kick drain reload; do
        words=("$command")
        [[ $command != kick ]] || words+=(op-1)
        run --separate-stderr sigctl "${TOKEN[@]}" "${words[@]}"
        assert_failure 7
        assert_output ''
        assert_equal "$stderr" "sigctl: forbidden: your role has no right to '$command'"
    done
    run --separate-stderr sigctl "${TOKEN[@]}" stats --json
    assert_failure 7
    assert_json '.exit == 7 and .code == "forbidden"'
    run --separate-stderr sigctl stats
    assert_failure 7
    assert_equal "$stderr" 'sigctl: forbidden: your role has no right to '\''stats'\'' (no token was given)'
    run --separate-stderr sigmon "${TOKEN[@]}"
    assert_failure 7
    assert_equal "$stderr" 'sigmon: forbidden: your role has no right to '\''monitor'\'''
    run --separate-stderr sigctl "${ADMIN[@]}" stats -F '%{clients}'
    assert_output 0
}

@test "the token is the first line of stdin, the script the rest" {
    run --separate-stderr sigctl --token-file - <<<"$(<token.admin)
register op-1
list"
    assert_success
    assert_output $'registered op-1\nop-1'
    run --separate-stderr sigctl --token-file - list </dev/null
    assert_failure 9
    assert_equal "$stderr" 'sigctl: cannot read a token from -'
}

@test "a file that others can read is remarked" {
    chmod 644 token.admin
    run --separate-stderr sigctl "${ADMIN[@]}" list
    assert_success
    assert_equal "$stderr" 'sigctl: others can read the token in token.admin (try: chmod 600)'
    run --separate-stderr sigctl -q "${ADMIN[@]}" list
    assert_equal "$stderr" ''
    run --separate-stderr sigmon "${ADMIN[@]}" --duration 10ms
    assert_equal "$stderr" 'sigmon: others can read the token in token.admin (try: chmod 600)'
}

@test "no message and no trace shows a token" {
    secret=$(<token.drone)
    run --separate-stderr sigctl --trace "${TOKEN[@]}" register drone-1
    assert_success
    [[ $stderr == *'"type":"register"'* && $stderr == *'"resume":"***"'* ]]
    nowhere token.drone
    run --separate-stderr sigctl --trace "${TOKEN[@]}" -i drone-1 send x --type register \
        "{\"id\":\"drone-1\",\"token\":\"$secret\"}"
    [[ $stderr == *'"token":"***"'* ]]
    nowhere token.drone
    run --separate-stderr sigctl -u "$SIGD_URL/?a=1&token=$secret" -i drone-1 register
    assert_success
    for url in "ws://127.0.0.1:1/?token=$secret&b=2" "ws://127.0.0.1:1/?a=1&token=$secret"; do
        for tool in 'sigctl list' 'sigctl wait server -W 50ms' 'sigmon' \
            'sigbench -c 2 -d 10ms --warmup 0s -W 1s'; do
            read -ra words <<<"$tool"
            run --separate-stderr "${words[@]}" -u "$url"
            assert_failure
            [[ $stderr == *'token=***'* ]] || fail "$tool: $stderr"
            nowhere token.drone
        done
    done
    run --separate-stderr sigctl "--token=$secret" list
    assert_failure 2
    nowhere token.drone
    run --separate-stderr sigctl -u "$SIGD_URL/?token=$secret x" list
    assert_failure 2
    nowhere token.drone
}

@test "--exec hands the file on" {
    run --separate-stderr sigctl -q "${ADMIN[@]}" register op-1 --exec sigctl list
    assert_success
    assert_output op-1
}

@test "sigbench takes a token" {
    sigctl token make --secret-file secret --ids 'bench-*' --role operator >token.bench
    run --separate-stderr sigbench --token-file token.bench -c 2 -n 20 --warmup 0s --json
    assert_success
    assert_json '.valid and .metrics.received == 20'
    run --separate-stderr sigbench -c 2 -n 20 --warmup 0s
    assert_failure
}

@test "a token that ends closes with 4" {
    token drone drone-1 1s
    run --separate-stderr sigctl "${TOKEN[@]}" register drone-1 --hold
    assert_failure 4
    assert_equal "$stderr" 'sigctl: connection closed by the server: 4503 token expired'
}

@test "a new token in the file is handed over before the old one ends" {
    token drone drone-1 3s
    start hold sigctl -v "${TOKEN[@]}" register drone-1 --hold
    sigctl "${ADMIN[@]}" wait peer drone-1
    token drone drone-1 1h
    wait_for 5 grep -q 'the server has the new token' hold.err
    run --separate-stderr sigctl "${ADMIN[@]}" wait peer drone-1 --gone -W 2500ms
    assert_failure 5
    run --separate-stderr sigctl "${ADMIN[@]}" stats -F '%{clients}'
    assert_output 1
    stop "$PID"
    assert_equal "$status" 143
}

@test "sigmon takes a new connection for a new token and misses nothing" {
    token admin op-1 3s
    start mon sigmon --ready-file ready --json "${ADMIN[@]}" event=register
    wait_for 5 test -e ready
    token admin op-1 1h
    total=1
    until grep -q 'needs the new token' mon.err; do
        sigctl -q "${TOKEN[@]}" register drone-1
        ((++total < 2000)) || fail 'never'
    done
    sigctl -q "${TOKEN[@]}" register drone-1
    wait_for 5 eval '(($(wc -l <mon.out) == total))'
    assert_equal "$(jq -r .seq mon.out | sort -un | wc -l)" "$total"
    assert_equal "$(<mon.err)" 'sigmon: the server needs the new token'
    stop "$PID"
    assert_equal "$status" 143
}

@test "sigmon tells good authentication from bad" {
    sigctl -q "${TOKEN[@]}" register drone-1
    sigctl -q list || true
    run --separate-stderr sigmon "${ADMIN[@]}" --time none -n 3 -C 3 event=auth
    assert_line --index 0 --regexp '^auth +drone-1 +ok by token drone '
    assert_line --index 1 --regexp '^auth +register +127.* refused: unauthorized no token'
    assert_line --index 2 --regexp '^auth +op-1 +ok by token admin '
}
