# SPDX-License-Identifier: MIT
# The objects of sessions, stats, kick, drain, reload and token, and how these commands fail.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    echo 'log-level = info' >sigd.conf
    start_sigd -c "$BATS_TEST_TMPDIR/sigd.conf"
}
teardown() { stop_all; }

@test "sessions, stats, kick, reload, drain" {
    start cam sigctl -q register cam-1 --hold
    sigctl wait peer cam-1
    mkfifo script
    exec 7<>script
    start caller sigctl -q <script
    printf '%s\n' 'register drone-1' 'offer cam-1' 'ice cam-1' >&7
    wait_for 5 sh -c "sigctl sessions -j | jq -e '.candidates == 1'"
    run --separate-stderr sigctl sessions --json
    assert_success
    assert_schema session
    run --separate-stderr sigctl sessions --count --json
    assert_schema sessions
    run --separate-stderr sigctl stats --json
    assert_schema stats
    assert_json '.sessions == 1 and .relayed.offer == 1'
    run --separate-stderr sigctl kick cam-1 --json
    assert_schema kick
    run --separate-stderr sigctl reload --json
    assert_schema reload
    run --separate-stderr sigctl drain --json
    assert_schema drain
    assert_equal "$stderr" ''
}

@test "kick: the reason is bounded, the id an id, a peer there" {
    run --separate-stderr sigctl -u ws://127.0.0.1:1 kick a --reason "$(printf 'x%.0s' {1..101})" --json
    assert_failure 2
    assert_schema failure
    assert_equal "$stderr" 'sigctl: --reason: 101 bytes, at most 100 may be said'
    run --separate-stderr sigctl -u ws://127.0.0.1:1 kick 'a b'
    assert_failure 2
    assert_output ''
    run --separate-stderr sigctl kick ghost --json
    assert_failure 6
    assert_schema failure
    assert_equal "$stderr" 'sigctl: ghost is not registered. Try: sigctl list'
    start cam sigctl -q register cam-1 --hold
    sigctl wait peer cam-1
    run --separate-stderr sigctl -q kick cam-1 --reason "$(printf '\033[2J')$(printf 'x%.0s' {1..96})"
    assert_success
    assert_output ''
    run --separate-stderr sigmon -n 1 -C 1 --time none event=admin type=kick
    assert_output --partial 'done \x1b[2Jxxx'
}

@test "sessions: a bad glob is 2, nothing there is nothing" {
    run --separate-stderr sigctl sessions --match ''
    assert_failure 2
    run --separate-stderr sigctl sessions --json
    assert_success
    assert_output ''
    run --separate-stderr sigctl sessions --count --json
    assert_schema sessions
    assert_json '.count == 0'
}

@test "reload: what is wrong is the server's sentence" {
    echo 'log-levle = debug' >>sigd.conf
    run --separate-stderr sigctl reload --json
    assert_failure 7
    assert_schema failure
    assert_json '.message | startswith("nothing was changed: ")'
}

@test "a server that stands still is 5" {
    kill -STOP "$SIGD_PID"
    for command in sessions stats 'kick a' drain reload; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl $command -W 100ms --json
        assert_equal "$command $status" "$command 5"
        assert_schema failure
    done
    kill -CONT "$SIGD_PID"
}

@test "each of them without a server is 3, without a right 7" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    for command in sessions stats 'kick a' drain reload; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl -u ws://127.0.0.1:1 $command --json
        assert_failure 3
        assert_schema failure
    done
    stop "$SIGD_PID"
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret"
    sigctl token make --secret-file secret --sub cam-1 --role camera >cam.token
    for command in sessions stats drain reload; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl --token-file cam.token $command --json
        assert_failure 7
        assert_schema failure
        assert_json '.code == "forbidden"'
    done
}

@test "token: made, shown, checked, refused" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    run --separate-stderr sigctl token make --secret-file secret --sub drone-1 --ids 'd-*' --role drone --json
    assert_success
    assert_schema token_made
    jq -r .token <<<"$output" >token
    run --separate-stderr sigctl token show @token --json
    assert_success
    assert_schema token_shown
    run --separate-stderr sigctl token check @token --secret-file secret --json
    assert_success
    assert_schema token_checked
    assert_json '.id == "drone-1" and .role == "drone" and .ids == ["d-*"]'
    echo 'another horse, battery, staple, 32 or more' >other
    run --separate-stderr sigctl token check @token --secret-file other --json
    assert_failure 4
    assert_schema failure
    run --separate-stderr sigctl token show nonsense --json
    assert_failure 9
    assert_schema failure
    run --separate-stderr sigctl token make --sub a --json
    assert_failure 2
    assert_schema failure
    assert_equal "$stderr" 'sigctl: no key: want --sign-key, --secret-file or JWT_SECRET'
}
