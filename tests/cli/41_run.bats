# SPDX-License-Identifier: MIT
# Scenarios that run: every kind of step, blocks, reports, failures and ends.
setup()
{
    load ../lib/common.bash
    start_sigd
    fixtures=$BATS_TEST_DIRNAME/fixtures
    schema=$BATS_TEST_DIRNAME/../schema/junit.xsd
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# scene [OPTION...]: runs the scenario on stdin.
scene() { run --separate-stderr sigctl run "$@" -; }

@test "three identities in forty lines, ten times in a row" {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        run --separate-stderr sigctl run "$fixtures/call.sig"
        assert_success
        assert_equal "$stderr" ''
    done
    assert_line --regexp '^ok      an offer is answered in its session \([0-9.]+ s\)$'
    assert_line --regexp '^4 tests, 4 passed \([0-9.]+ s\)$'
}

@test "a failure names file and line, what was seen and what to try" {
    run --separate-stderr sigctl run "$fixtures/call-broken.sig"
    assert_failure 5
    assert_line --regexp '^FAILED  an offer is answered '
    assert_line 'skipped a relayed candidate'
    assert_line --regexp '^3 tests, 0 passed, 1 failed, 2 skipped '
    [[ $stderr == "sigctl: $fixtures/call-broken.sig:11: timed out after 0.2 s waiting for answer from cam-1"* ]]
    [[ $stderr == *$'\n  drone expect answer from front within 200ms\n  drone has unread: nothing\n  try: '* ]]
}

@test "what came instead is told with its sender and age" {
    scene <<'END'
as a register a1
as b register b1
a offer b
b expect answer within 100ms
END
    assert_failure 5
    [[ $stderr =~ 'b has unread: offer from a1 ('[0-9.]+' ms ago)' ]]
}

@test "--keep-going goes on with the next test, the status is that of the first failure" {
    run --separate-stderr sigctl run --keep-going "$fixtures/call-broken.sig"
    assert_failure 5
    assert_line --regexp '^ok      the list '
    assert_line --regexp '^3 tests, 1 passed, 2 failed '
    [[ $stderr == *"call-broken.sig:18: it is not so: '{\"candidate\":\"candidate:1 1 udp"*"' ~ 'typ relay'"* ]]
}

@test "--tap is read by prove, with the place and what was seen of a failure" {
    sigctl run --tap "$fixtures/call.sig" >good.tap
    run prove -e cat good.tap
    assert_success
    assert_line --partial 'Tests=4'
    sigctl run --tap --keep-going "$fixtures/call-broken.sig" >bad.tap || true
    run prove -e cat bad.tap
    assert_failure
    assert_output --partial 'Failed tests:  1-2'
    run cat bad.tap
    assert_line --index 1 '1..3'
    assert_line '  line: 11'
    assert_line '  exit: 5'
    assert_line 'ok 3 - the list'
}

@test "TAP names with a number sign are no directives, a failed set-up bails out" {
    scene --tap <<<'test "a # TODO b"
assert 1 == 2'
    assert_failure 1
    assert_line 'not ok 1 - a \# TODO b'
    scene --tap <<<'wait peer ghost -W 50ms
test one
test two'
    assert_failure 5
    assert_line --index 2 --partial 'Bail out! '
    assert_equal "${#lines[@]}" 3
}

@test "--junit is valid against the schema, and holds what control characters say as text" {
    run sigctl run --junit good.xml "$fixtures/call.sig"
    assert_success
    xmllint --noout --schema "$schema" good.xml
    assert_equal "$(xmllint --xpath 'string(/testsuites/@tests)' good.xml)" 4
    run sigctl run --keep-going --junit bad.xml "$fixtures/call-broken.sig"
    assert_failure 5
    xmllint --noout --schema "$schema" bad.xml
    assert_equal "$(xmllint --xpath 'count(//failure)' bad.xml)" 2
    run sigctl run --junit odd.xml - <<'END'
as a register a1
as b register b1
test "<&\"\>]]>"
a send b --type offer '{"sdp":"\u001b[31m \uffff <b> \u0085"}'
b expect offer
assert $msg.sdp == x
END
    assert_failure 1
    xmllint --noout --schema "$schema" odd.xml
    assert_equal "$(xmllint --xpath 'string(//testcase/@name)' odd.xml)" '<&"\>]]>'
    run grep -c '\\x1b\[31m \\u{ffff} &lt;b&gt;' odd.xml
    assert_output 1
}

@test "a report that cannot be written is told before anything runs" {
    scene --junit /nonexistent/x <<<'as a register a1'
    assert_failure 9
    [[ $stderr == 'sigctl: cannot write /nonexistent/x: '* ]]
    scene --junit /dev/full <<<'as a register a1'
    assert_failure 9
}

@test "--json has a line for each step and one for the run" {
    scene --json <<'END'
as a register a1
repeat 2
a ping -C 1
end
END
    assert_success
    assert_equal "${#lines[@]}" 4
    output=${lines[2]}
    assert_json '.ok and .file == "stdin" and .line == 3 and .identity == "a" and .step == "a ping -C 1"
        and .test == "stdin" and .elapsed_us > 0'
    output=${lines[3]}
    assert_json '.ok and .tests == 1 and .passed == 1 and .failed == 0'
    scene --json <<'END'
as a register a1
a offer ghost
END
    assert_failure 6
    output=${lines[1]}
    assert_json '.ok == false and .exit == 6 and .code == "target_not_found" and .seen == []'
}

@test "the output of commands shows with -v only, echo always" {
    scene <<<'as a register a1
echo hello $id.a
a list'
    assert_line --index 0 'hello a1'
    refute_line a1
    scene -v <<<'as a register a1
a list'
    assert_line a1
    scene -q <<<'as a register a1'
    assert_output ''
}

@test "expect: type, sender by name and glob, where, the next that matches" {
    scene <<'END'
as a register drone-1
as b register cam-2
as c register drone-9
a offer b
c offer b
a ice b
b expect offer from c
assert $msg.from == drone-9
b expect any from drone-*
assert $msg.type == offer
b expect ice where type=ice and size>20 from a
fails 5 b expect ice within 20ms
END
    assert_success
}

@test "expect nothing: what is there already counts, and what comes" {
    scene <<'END'
as a register a1
as b register b1
b expect nothing within 20ms
a offer b
b expect nothing ice within 20ms
fails 1 b expect nothing from a within 20ms
END
    assert_success
}

@test "assert: text, patterns, numbers, members of members" {
    scene <<'END'
as a register a1
as b register b1
a send b --type ice '{"candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMLineIndex":0}}'
b expect ice
assert $msg.candidate.candidate ~ 'typ host$'
assert $msg.candidate.sdpMLineIndex == 0
assert $msg.candidate.sdpMLineIndex <= 0.5
assert 10 > 9
assert 10 >= 10
assert 2 < 10
assert x != y
assert x !~ ^y
fails 1 assert 1 == 2
fails 1 assert 1 > 2
fails 1 assert x < 2
fails 1 assert $msg.candidate.none == 2
fails 1 assert $msg.type.none == 2
assert '$msg' == \$msg
END
    assert_success
}

@test "variables: set, --var, braces, the environment only by name" {
    export WORD=shown
    scene --var who=drone-1 --var n=3 <<'END'
as a register $who
assert $id.a == drone-1
set x = "${who}-$n"
set x = $x.
assert $x == drone-1-3.
assert ${env.WORD} == shown
repeat $n
  set last = $i
end
assert $last == 3
END
    assert_success
    scene <<<'assert $WORD == shown'
    assert_failure 2
    scene --var bad <<<''
    assert_failure 2
}

@test "fails: by status, by code, by any; and what fails otherwise fails" {
    scene <<'END'
as a register a1
fails 6 a offer ghost
fails target_not_found a offer ghost
fails a offer ghost
END
    assert_success
    scene <<'END'
as a register a1
as b register b1
parallel
fails busy a offer b --wait answer
b expect offer from a
b bye a --reason busy
end
END
    assert_success
    scene <<<'as a register a1
fails 7 a offer ghost'
    assert_failure 1
    [[ $stderr == *'stdin:2: it failed with exit 6, not 7: ghost is not registered'* ]]
    scene <<<'as a register a1
fails id_taken a offer ghost'
    assert_failure 1
    scene <<<'as a register a1
fails a list'
    assert_failure 1
    [[ $stderr == *'stdin:2: it did not fail'* ]]
}

@test "names of identities are ids where a target stands, other words are ids themselves" {
    start peer sigctl -i other listen -C 1 --type offer
    peer=$PID
    sigctl wait peer other
    scene <<'END'
as a register drone-1
as b register cam-2
a offer b
b expect offer
a offer cam-2
b expect offer
a offer other
wait peer a
END
    assert_success
    finish "$peer"
    assert_equal "$status" 0
}

@test "drop, leave and register again: a new connection each time" {
    scene <<'END'
as a register a1
as b register b1
b leave
fails 6 a offer b
fails 8 b list
as b register b2
a offer b
b expect offer
b drop
wait peer b2 --gone
fails 8 b expect offer within 1s
as b register b2
a offer b
b expect offer
as c register b2
END
    assert_success
}

@test "branches of a parallel block wait for each other" {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        scene <<'END'
as a register a1
as b register b1
as c register c1
parallel
  a expect offer from c within 4s
  a offer b
  b expect offer from a within 4s
  b offer c
  set told = $msg.from
  c offer a
  c expect offer from b within 4s
  repeat 3
    c ping -C 1
    c offer a
  end
end
assert $told == a1
assert $msg.from == b1
END
        assert_success
    done
}

@test "pauses of branches pass at the same time" {
    scene --json <<'END'
as a register a1
as b register b1
as c register c1
parallel
  a list
  pause 400ms
  b list
  pause 400ms
  c list
  pause 400ms
end
END
    assert_success
    output=${lines[-1]}
    assert_json '.elapsed_us > 400000 and .elapsed_us < 1000000'
}

@test "a call has its peer, and agents theirs, in one block" {
    scene <<'END'
as a register a1
as b register b1
parallel
  a call b --ice 2
  b expect offer
  b answer a
  repeat 2
    b expect ice
  end
  b ice a --candidate 2
  b expect bye
end
parallel
  agent --count 2 --id 'x-%i' --answer auto --duration 2s
  a wait peer x-2
  repeat 20
    a offer x-2 --wait answer
  end
end
END
    assert_success
}

@test "an identity has a token of its own, or that of the run" {
    stop "$SIGD_PID"
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$PWD/secret"
    for id in a1 b1; do
        sigctl token make --secret-file secret --sub "$id" --role admin --for 1h >"$id.token"
    done
    cat >tokens.sig <<'END'
as a register a1 --token-file a1.token
as b register b1 --token-file b1.token
a offer b
b expect offer from a
as c register a1 --token-file a1.token
fails 8 a wait peer d1
fails 4 as d register d1
END
    run --separate-stderr sigctl run tokens.sig
    assert_success
    echo 'as a register a1' >own.sig
    run --separate-stderr sigctl run --token-file a1.token own.sig
    assert_success
    run --separate-stderr sigctl run --token-file - own.sig <a1.token
    assert_success
    run --separate-stderr sigctl run own.sig
    assert_failure 4
}

@test "a failure in one branch ends the others" {
    scene <<'END'
as a register a1
as b register b1
parallel
  a expect offer within 1m
  b offer ghost
end
END
    assert_failure 6
    [[ $stderr == 'sigctl: stdin:5: ghost is not registered'* ]]
}

@test "sixty-four identities are served together, one more is refused" {
    for ((i = 1; i <= 64; i++)); do
        echo "as p$i register peer-$i"
    done >many.sig
    {
        cat many.sig
        echo parallel
        for ((i = 2; i <= 64; i++)); do
            echo "p$i offer p1"
        done
        echo end
        echo repeat 63
        echo p1 expect offer
        echo end
    } >all.sig
    run --separate-stderr sigctl run all.sig
    assert_success
    echo 'as one_more register x' >>many.sig
    run --separate-stderr sigctl run many.sig
    assert_failure 2
}

@test "a timeout line holds for commands and expects, within is stronger" {
    scene --json <<'END'
as a register a1
timeout 50ms
fails 5 a expect offer
fails 5 a wait peer ghost
fails 5 a expect offer within 300ms
END
    assert_success
    output=${lines[2]}
    assert_json '.elapsed_us > 50000 and .elapsed_us < 250000'
    output=${lines[4]}
    assert_json '.elapsed_us > 300000'
    scene -W 50ms <<<'as a register a1
a expect offer'
    assert_failure 5
}

@test "the server that goes away is 8, with the line" {
    mkfifo in
    exec 7<>in
    start scene sigctl run --json - <in 7>&-
    pid=$PID
    printf '%s\n' 'as a register a1' 'a expect offer within 1m' >in
    exec 7>&-
    sigctl wait peer a1
    stop "$SIGD_PID"
    finish "$pid"
    assert_equal "$status" 8
    run cat scene.err
    assert_output --partial 'stdin:2: '
}

@test "a signal ends the run with the report of what ran" {
    cat >long.sig <<'END'
as a register a1
test one
a list
test two
a expect offer within 1m
test three
END
    start scene sigctl run --junit report.xml long.sig
    pid=$PID
    sigctl wait peer a1
    wait_for 5 grep -q one scene.out
    stop "$pid" TERM
    assert_equal "$status" 143
    xmllint --noout --schema "$schema" report.xml
    assert_equal "$(xmllint --xpath 'count(//failure) + 10 * count(//skipped)' report.xml)" 11
    start spin sigctl run - <<<$'echo on\nrepeat 1000000\nassert 1 == 1\nend'
    pid=$PID
    wait_for 5 grep -q on spin.out
    stop "$pid" TERM
    assert_equal "$status" 143
}

@test "no server is 3, a closed pipe is quiet" {
    SIGD_URL=ws://127.0.0.1:1 run --separate-stderr sigctl run "$fixtures/call.sig"
    assert_failure 3
    [[ $stderr == *'call.sig:4: cannot connect to '* ]]
    { sigctl run --json "$fixtures/call.sig"; echo "$?" >status; } 2>err | head -n 1 >/dev/null
    run cat status err
    assert_output 0
}
