# SPDX-License-Identifier: MIT
# The objects of offer, answer, ice, bye, send and call; and that no definition of an object is dead.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# callee SCRIPT-LINES...: a peer cam-2 that follows a script.
callee()
{
    start_sigd
    printf '%s\n' 'register cam-2' "$@" >words
    start callee sigctl -j <words
    CALLEE=$PID
    sigctl wait peer cam-2
}

@test "offer, ice, bye, send: acks" {
    callee 'listen --type bye -C 1 -W 20s'
    printf '%s\n' 'register drone-1' 'offer cam-2' 'ice cam-2' \
        "send cam-2 -t ice '{\"candidate\":null}'" 'bye cam-2' >script
    run --separate-stderr sigctl -j <script
    assert_success
    assert_schema registered+ack
    assert_equal "$stderr" ''
    assert_equal "$(jq -sc 'map(.kind)' <<<"$output")" '[null,"offer","ice","ice","bye"]'
    finish "$CALLEE"
    assert_equal "$status" 0
    run cat callee.out
    assert_schema registered+message
}

@test "offer --wait answer: the answer; answer: an ack" {
    callee 'wait message --type offer -W 20s' 'answer drone-1' 'wait message --type bye -W 20s'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --wait answer --json
    assert_success
    assert_schema answer
    finish "$CALLEE"
    run cat callee.out
    assert_schema registered+message+ack
}

@test "call: one object" {
    callee 'wait message --type offer -W 20s' 'answer drone-1' 'ice drone-1 --candidate 1' \
        'wait message --type bye -W 20s'
    run --separate-stderr sigctl -i drone-1 call cam-2 --ice 1 --json
    assert_success
    assert_schema call
    finish "$CALLEE"
    assert_equal "$status" 0
}

@test "call without candidates: ice_us is there all the same" {
    callee 'wait message --type offer -W 20s' 'answer drone-1' 'wait message --type bye -W 20s'
    run --separate-stderr sigctl -i drone-1 call cam-2 --json
    assert_success
    assert_schema call
    assert_json '.ice_us == -1'
}

@test "each of them fails as one object, too" {
    start_sigd
    for command in 'offer ghost' 'answer ghost' 'ice ghost' 'bye ghost' 'call ghost' \
        'send ghost -t offer v=0'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl -i drone-1 $command --json
        ((status == 6 || status == 7)) || fail "$command: $status"
        assert_schema failure
        assert_equal "${#lines[@]}" 1
        [[ $stderr == 'sigctl: '* ]]
    done
}

@test "each object of the schema is the output of a test" {
    # assert_schema fails where a definition that it names does not occur
    run python3 "$BATS_TEST_DIRNAME/../schema/check.py" "$BATS_TEST_DIRNAME/../schema/sigctl.json" --objects
    assert_success
    ((${#lines[@]} > 20))
    used=$(sed -nE 's/^ *assert_schema ([a-z_+]+)$/\1/p' "$BATS_TEST_DIRNAME"/*.bats | tr + '\n')
    for name in "${lines[@]}"; do
        grep -qx "$name" <<<"$used" || fail "no test sees $name"
    done
}

@test "the check itself refuses what is not so" {
    schema=$BATS_TEST_DIRNAME/../schema
    ts='"ts":"2026-01-01T00:00:00.000Z","ts_us":1767225600000000'
    good='{"ok":true,"type":"kick","id":"a",'$ts'}'
    run python3 "$schema/check.py" "$schema/sigctl.json" kick <<<"$good"
    assert_success
    for bad in '{"ok":true,"type":"kick","id":"a"}' "${good/true/false}" "${good/a\"/ \"}" "${good/Z\"/\"}" \
        "${good/ok/isOk}" "${good/\}/,\"more\":1\}}" "${good/_us\":1/_us\":-1}" "$good$good" '' 'x'; do
        run python3 "$schema/check.py" "$schema/sigctl.json" kick <<<"$bad"
        assert_failure 1
    done
    run python3 "$schema/check.py" "$schema/sigctl.json" kick+drain <<<"$good"
    assert_failure 1
    assert_output 'no line is: drain'
}
