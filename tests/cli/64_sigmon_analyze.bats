# SPDX-License-Identifier: MIT
# sigmon analyze: figures of a recording, bounds on them, files that are none.
setup() {
    load ../lib/common.bash
    load recording.bash
    cd "$BATS_TEST_TMPDIR" || return
    export SIGD_URL=ws://127.0.0.1:1
}
teardown() { stop_all; }

# Two calls that were answered, one that was not, one that is open, an error, a gap.
calls()
{
    seq=0
    echo '{"type":"recording","version":1,"program":"sigmon/0.1.0","ts":"2026-11-28T12:00:00.000Z"}'
    for id in a b c; do
        event 0 '"event":"register","id":"'$id'","conn":'$((seq + 1))
    done
    for session in s1 s2; do
        event 100 '"event":"session_open","from":"a","to":"b","session":"'$session'"'
        relay 100 offer a b $session 1000 audio,video
        relay 101 answer b a $session 900 audio,video
        event 101 '"event":"session_answer","from":"a","to":"b","session":"'$session'","us":1'${session#s}00
        relay 102 ice a b $session 200 host
        relay 102 ice b a $session 210 relay/tcp
        relay 103 ice a b $session 90 end
        relay 2000 bye a b $session 80 ''
        event 2000 '"event":"session_end","id":"a","from":"a","to":"b","session":"'$session'","reason":"hangup","us":1900000'
    done
    event 2001 '"event":"session_open","from":"a","to":"c","session":"s3"'
    relay 2001 offer a c s3 1000 data
    event 9000 '"event":"deliver_error","kind":"offer","from":"a","to":"ghost","code":"target_not_found","reason":"ghost is not registered","conn":1'
    event 11999 '"event":"session_open","from":"b","to":"c","session":"s4"'
    relay 11999 offer b c s4 1000 data
    echo '{"type":"gap","missed":5,"from":27,"to":31}'
    seq=31
    event 12002 '"event":"disconnect","id":"c","conn":3,"reason":"1000 closed by peer"'
}

@test "the figures of a recording, for people" {
    calls >calls.jsonl
    run --separate-stderr sigmon analyze calls.jsonl
    assert_success
    assert_equal "$stderr" ''
    assert_line --index 1 'events          27: relay 14, session_open 4, register 3, session_answer 2, session_end 2, deliver_error 1, disconnect 1'
    assert_output --partial 'sessions        4: 2 answered, 1 unanswered, 1 open; 2 ended: hangup 2'
    assert_line 'set-up          p50 1.10 ms  p90 1.20 ms  p99 1.20 ms  max 1.20 ms  of 2'
    assert_line 'life            p50 1.90 s  p90 1.90 s  p99 1.90 s  max 1.90 s  of 2'
    assert_line 'candidates      end 2, host 2, relay/tcp 2'
    assert_line 'errors          1 (6.67%): target_not_found 1'
    assert_line 'missed events   5'
    assert_line --regexp '^PEER +SENT +RECEIVED +CALLS +ANSWERED +UNANSWERED +OPEN +ERRORS +BYTES +REG +DISC$'
    assert_line --regexp '^a +9 +4 +3 +2 +1 +0 +1 +3740 +1 +0$'
    assert_line --regexp '^c +0 +2 +0 +0 +0 +0 +0 +0 +1 +1$'
    assert_line --regexp '^a +b +8 +4 +2 +[0-9a-f]{16}$'
}

@test "one object with all of it, the same from any kind of file" {
    calls >calls.jsonl
    gzip -k calls.jsonl
    run --separate-stderr sigmon analyze calls.jsonl --json
    assert_success
    assert_equal "$stderr" ''
    assert_schema analysis sigmon
    assert_json '[.ok, .exit, .file, .events, .messages, .errors, .missed] ==
        [true, 0, "calls.jsonl", 27, 14, 1, 5]'
    assert_json '.first_ts == "2026-11-28T12:00:00.000Z" and .span_us == 12002000'
    assert_json '.sessions == {count: 4, opened: 4, before: 0, answered: 2, unanswered: 1, ended: 2,
        open: 1, by_reason: {hangup: 2}}'
    assert_json '.setup == {count: 2, p50_us: 1100, p90_us: 1200, p99_us: 1200, max_us: 1200}'
    assert_json '.by_type == {offer: 4, answer: 2, ice: 6, bye: 2} and .media == {"audio,video": 4, data: 2}'
    assert_json '.peers[0] | [.id, .sent.offer, .calls, .answered, .unanswered, .open, .errors] ==
        ["a", 3, 3, 2, 1, 0, 1]'
    assert_json '[.pairs[] | .a + .b] == ["ab", "ac", "bc"]'
    assert_json '.pairs[0].ways | map([.from, .to, .messages, .ice]) == [["a", "b", 8, 4], ["b", "a", 4, 2]]'
    assert_json '.pairs[1].ways[0].order == .pairs[2].ways[0].order'
    plain=$(jq -c 'del(.file)' <<<"$output")
    for words in 'calls.jsonl.gz' '-' '-f calls.jsonl.gz' '--file -'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigmon analyze $words --json <calls.jsonl
        assert_success
        assert_equal "$(jq -c 'del(.file)' <<<"$output")" "$plain"
    done
    run --separate-stderr sigmon analyze calls.jsonl -F '%{events} %{messages}'
    assert_output '27 14'
}

@test "an order is FNV-1a over the lines of a way" {
    calls >calls.jsonl
    order=$(sigmon analyze calls.jsonl --json | jq -r '.pairs[0].ways[1].order')
    expected=$(python3 -c '
h = 0xcbf29ce484222325
for c in b"answer 900\nice 210\n" * 2:
    h = (h ^ c) * 0x100000001b3 % 2**64
print(f"{h:016x}")')
    assert_equal "$order" "$expected"
}

@test "an expression, --exclude and --until narrow it" {
    calls >calls.jsonl
    assert_equal "$(sigmon analyze calls.jsonl from=b to=a --json | jq -c '[.messages, .by_type.answer]')" '[4,2]'
    assert_equal "$(sigmon analyze -f calls.jsonl type=ice -x summary=end --json | jq -c .candidates)" \
        '{"host":2,"relay/tcp":2}'
    assert_equal "$(sigmon analyze calls.jsonl --until session_end --json | jq -c '[.messages, .sessions.ended]')" '[6,1]'
    run --separate-stderr sigmon analyze calls.jsonl form=a
    assert_failure 2
    [[ $stderr == *"did you mean 'from'"* ]] || fail "$stderr"
}

@test "--patience: how old an offer gets" {
    calls >calls.jsonl
    for want in '1ms 2 0' '9s 1 1' '10002ms 0 2' 'none 0 2'; do
        read -r patience unanswered open <<<"$want"
        run --separate-stderr sigmon analyze calls.jsonl --patience "$patience" --json
        assert_success
        assert_json ".sessions | [.unanswered, .open] == [$unanswered, $open]"
    done
}

@test "--fail-on: 10 with each that fired, 12 when nothing was measured" {
    calls >calls.jsonl
    run --separate-stderr sigmon analyze calls.jsonl --fail-on 'unanswered>1' --fail-on 'setup.p99>20ms' \
        --fail-on 'errors>=7%'
    assert_success
    assert_equal "$stderr" ''
    run --separate-stderr sigmon analyze calls.jsonl --fail-on 'unanswered>0' --fail-on 'setup.p99>20ms' \
        --fail-on 'setup.max>1.1ms' --fail-on 'errors>=6%'
    assert_failure 10
    assert_equal "$stderr" "sigmon: --fail-on 'unanswered>0': unanswered is 1
sigmon: --fail-on 'setup.max>1.1ms': setup.max is 1.20 ms
sigmon: --fail-on 'errors>=6%': errors is 1 (6.67%)"
    run --separate-stderr sigmon analyze calls.jsonl --fail-on 'unanswered>0' --fail-on 'answered>9' --json
    assert_failure 10
    assert_schema analysis sigmon
    assert_json '[.ok, .exit] == [false, 10] and (.thresholds | map([.metric, .value, .fired]) ==
        [["unanswered", 1, true], ["answered", 2, false]])'
    run --separate-stderr sigmon analyze calls.jsonl type=bye --fail-on 'setup.p99>20ms'
    assert_failure 12
    assert_equal "$stderr" "sigmon: --fail-on 'setup.p99>20ms': nothing was measured"
    head -n 1 calls.jsonl >none.jsonl
    run --separate-stderr sigmon analyze none.jsonl --fail-on 'errors>0' --json
    assert_failure 12
    assert_schema analysis sigmon
    assert_json '.thresholds[0].value == null and .first_ts == null'
}

@test "--fail-on that cannot be read is 2" {
    calls >calls.jsonl
    run --separate-stderr sigmon analyze calls.jsonl --fail-on 'unanswerd>0'
    assert_failure 2
    assert_output ''
    assert_equal "${stderr_lines[0]}" \
        "sigmon: --fail-on 'unanswerd>0': no metric 'unanswerd', did you mean 'unanswered'?"
    assert_equal "${stderr_lines[1]}" metrics:
    grep -q '^  setup.p50 ' <<<"$stderr"
    run --separate-stderr sigmon analyze calls.jsonl --fail-on 'setup.p99>20'
    assert_failure 2
    assert_equal "$stderr" \
        "sigmon: --fail-on 'setup.p99>20': want a time such as 20ms behind setup.p99"
}

@test "an empty recording has no events, a file that is none is 9" {
    head -n 1 <(calls) >none.jsonl
    run --separate-stderr sigmon analyze none.jsonl
    assert_success
    assert_line --index 0 'none.jsonl: no events'
    { calls && echo junk; } >junk
    run --separate-stderr sigmon analyze junk
    assert_failure 9
    assert_output ''
    assert_equal "$stderr" 'sigmon: junk:30: not a JSON object'
    run --separate-stderr sigmon analyze missing
    assert_failure 9
    assert_equal "$stderr" 'sigmon: missing: No such file or directory'
    calls | head -c 2000 >torn
    run --separate-stderr sigmon analyze torn
    assert_success
    assert_equal "$stderr" 'sigmon: torn: the end is cut off'
}

@test "what is wrong on the command line is 2" {
    run --separate-stderr sigmon analyze
    assert_failure 2
    assert_equal "$stderr" 'sigmon: analyze needs a recording: sigmon analyze FILE [EXPR...]'
    for words in '-d 5s' '-n 5' '--content' '--patience 0s' '--since 5m'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigmon analyze x $words
        assert_failure 2
    done
}

@test "the busiest 20 peers for people, --all on demand; names cannot speak to the terminal" {
    seq=0
    for i in {1..25}; do
        relay 1 ice "d$i" cam s 100 host
    done >many
    event 2 '"event":"register","id":"\u001b[31mred\u202e"' >>many
    run --separate-stderr sigmon analyze many
    assert_success
    assert_line 'and 7 more peers (--all)'
    assert_line 'and 5 more pairs (--all)'
    run --separate-stderr sigmon analyze many --all
    assert_success
    refute_output --partial more
    refute_output --partial $'\e'
    assert_output --partial '\x1b[31mred\u{202e}'
}

@test "events and restarts of a server as they were recorded" {
    start_sigd
    start agent sigctl agent --count 2 --id 'cam-%i' --answer auto --ice 2 --ready-file up
    wait_for 5 test -s up
    for i in 1 2; do
        sigctl -q -i "drone-$i" call "cam-$i" --ice 1
    done
    sigctl -q -i drone-1 offer ghost --sdp auto || true
    sigctl -q register last
    sigmon record -q calls.gz --since 0 --until 'disconnect and id=last' -W 5s
    run --separate-stderr sigmon analyze calls.gz --json
    assert_success
    assert_schema analysis sigmon
    assert_json '[.sessions.answered, .sessions.ended, .by_type.offer, .by_type.bye, .errors] == [2, 2, 2, 2, 1]'
    assert_json '.candidates == {host: 6, end: 4} and .by_code == {target_not_found: 1}'
    assert_json '[.pairs[].ways | map(.messages)] == [[4, 4], [4, 4]]'
    { zcat calls.gz && zcat calls.gz; } >twice
    run --separate-stderr sigmon analyze twice --json
    assert_success
    assert_json '[.restarts, .sessions.answered] == [1, 4] and .pairs[0].ways[0].bye == 0'
}
