# SPDX-License-Identifier: MIT
# sigmon explain: calls that fail in each way, explained.
setup() {
    load ../lib/common.bash
    calls=$BATS_TEST_DIRNAME/fixtures/calls.jsonl
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# after STATUS CODE SCENARIO: runs the scenario, explains what came of it; its first finding is CODE.
after()
{
    printf 'as a register drone-1\nas b register cam-2\n%s\n' "$3" >call.sig
    sigctl -q run call.sig
    run --separate-stderr sigmon explain --json
    assert_equal "$status" "$1"
    assert_schema explanation sigmon
    assert_json ".findings[0].code == \"$2\""
    run --separate-stderr sigmon explain
    assert_equal "$status" "$1"
}

answered='a offer b --sdp auto
b expect offer
b answer a --sdp auto
a expect answer'

@test "no answer: the callee says nothing" {
    start_sigd --offer-timeout 200ms
    after 1 no_answer 'a offer b --sdp auto
a expect bye within 3s'
    assert_line --partial '! the answer never came: cam-2 was given the offer, kept its connection and said nothing for 2'
    assert_line --regexp 'drone-1 called cam-2 at .*, failed, ended after [0-9.]+ ms: timeout$'
}

@test "no answer: rejected, given up, or a link went; who is at fault" {
    start_sigd
    after 1 rejected 'a offer b --sdp auto
b expect offer
b bye a --reason busy
a expect bye'
    assert_line --regexp '^! cam-2 did not want it: it ended the session with "busy" after [0-9.]+ ms$'
    after 1 cancelled 'a offer b --sdp auto
a bye b'
    assert_line --regexp '^! drone-1 gave up after [0-9.]+ ms \("hangup"\); no answer had come$'
    after 1 callee_lost 'a offer b --sdp auto
b drop
a expect bye'
    assert_line --regexp '^! cam-2, which was called, went away [0-9.]+ ms after the offer, before an answer$'
    assert_line --regexp '^-- \+[0-9.]+ ms: cam-2 disconnect '
    after 1 caller_lost 'a offer b --sdp auto
b expect offer
a drop
b expect bye'
    assert_line --regexp '^! drone-1, which was calling, went away '
    after 1 callee_lost 'a offer b --sdp auto
as c register cam-2
a expect bye'
    assert_line --regexp '^! cam-2, which was called, was taken over by a newer connection of the same id '
}

@test "an answer to a dead session" {
    start_sigd --offer-timeout 200ms
    for session in '' ' --session late-1'; do
        after 1 late_answer "a offer b --sdp auto$session
b expect offer
a expect bye within 3s
b expect bye within 3s
fails session_not_found b answer a --sdp auto$session"
        assert_line --regexp '^! cam-2 answered [0-9.]+ ms after the offer, to nobody: session_not_found; the session had ended after [0-9.]+ ms \(timeout\)$'
        refute_line --partial 'never came'
        assert_line --regexp '\|X- answer -+\|   session_not_found: '
    done
}

@test "a peer lost in the middle of ICE" {
    start_sigd
    after 1 lost_mid_ice "$answered
a ice b --candidate 2
b ice a --candidate 1
a drop
b expect bye"
    assert_line --regexp '^! drone-1 went away in the middle of ICE, [0-9.]+ ms after the offer: 2 of its candidates had come, their end had not$'
}

@test "no relay candidate: why a call whose answer came did not connect" {
    start_sigd
    after 1 no_connection "$answered
a ice b --candidate 2
b ice a --candidate 2
a bye b --reason ice-failed
b expect bye"
    assert_line --regexp '^! drone-1 gave up with "ice-failed" after [0-9.]+ ms: the answer came, a connection did not$'
    assert_line '? no relay candidate of either side, and none that a STUN server told: addresses of their own networks alone'
    assert_line '  try: give both a TURN server (RFC 8656) among their iceServers'
    assert_line --regexp '^drone-1 +2 +0 +0 +0 +0 +0 +0 +no$'
    after 1 no_connection "$answered
a ice b 'candidate:1 1 udp 1 192.0.2.1 9 typ relay raddr 10.0.0.1 rport 9'
a ice b --candidate end
b ice a 'candidate:1 1 tcp 1 8a3c.local 9 typ host tcptype active'
a bye b --reason connection-failed
b expect bye"
    refute_line --partial 'no relay candidate'
    assert_line '? all candidates of cam-2 are mDNS names'
    assert_line '? all candidates of cam-2 are TCP'
}

@test "a call that went well, one that goes on, one that waits" {
    start_sigd
    after 0 no_relay "$answered
a ice b --candidate 2
b ice a --candidate 2
a ice b --candidate end
b ice a --candidate end
a bye b
b expect bye"
    assert_line --regexp '^drone-1 called cam-2 at [-0-9 :.]+, answered after [0-9.]+ ms, ended after [0-9.]+ ms: hangup$'
    start cam sigctl -i cam-9 listen
    sigctl wait peer cam-9
    mkfifo in
    exec 4<>in
    start drone sigctl -i drone-9 <in
    echo 'offer cam-9 --session open-1 --sdp auto' >&4
    wait_for 5 grep -q open-1 cam.out
    run --separate-stderr sigmon explain open-1 --json
    exec 4>&-
    assert_success
    assert_json '.verdict == "waiting" and .findings[0].code == "waiting"'
}

@test "a session is found by a part of its id, the whole id goes first" {
    run --separate-stderr sigmon explain --file "$calls" 9fK --json
    assert_success
    assert_schema explanation sigmon
    assert_json '.verdict == "ended" and .caller.host == 4 and .callee.relay == 1 and .incidents == []'
    run --separate-stderr sigmon explain --file "$calls" aaa --json
    assert_failure 1
    assert_equal "$stderr" 'sigmon: 2 sessions have aaa in their ids, this is the newest'
    assert_json '.findings[0].code == "callee_lost" and .incidents[0].event == "disconnect"'
    run --separate-stderr sigmon explain --file "$calls" session-9fKaaaaaaaaaaaaaaaaaaa --json
    assert_equal "$stderr" ''
    assert_json '.session == "session-9fKaaaaaaaaaaaaaaaaaaa"'
}

@test "no such session is 6, what makes no sense 2" {
    start_sigd
    run --separate-stderr sigmon explain ghost
    assert_failure 6
    assert_output ''
    assert_equal "$stderr" 'sigmon: no event of session ghost. Try: sigmon tail --since 1h session=*'
    run --separate-stderr sigmon explain
    assert_failure 6
    run --separate-stderr sigmon explain a b
    assert_failure 2
    run --separate-stderr sigmon explain --file - <"$calls"
    assert_failure 2
    assert_equal "$stderr" 'sigmon: explain reads a recording twice: --file wants a file'
}
