# SPDX-License-Identifier: MIT
# offer, answer, ice, bye, send, call: one-shots and their exit codes.
setup() { load ../lib/common.bash; start_sigd; }
teardown() { stop_all; }

# callee SCRIPT-LINES...: a peer cam-2 that follows a script.
callee()
{
    printf '%s\n' 'register cam-2' "$@" >"$BATS_TEST_TMPDIR/callee"
    start callee sigctl -j <"$BATS_TEST_TMPDIR/callee"
    CALLEE=$PID
    sigctl wait peer cam-2
}

@test "an offer to nobody fails at once with a way out" {
    run --separate-stderr sigctl -i drone-1 offer ghost --sdp auto
    assert_failure 6
    assert_output ''
    assert_equal "$stderr" \
        'sigctl: ghost is not registered (1 peer online). Try: sigctl wait peer ghost'
}

@test "offer --wait-target: the server holds it until the target comes" {
    start offerer sigctl -i drone-1 offer cam-2 --sdp auto --wait-target 20s --wait answer
    local offerer=$PID
    sigctl wait peer drone-1
    printf '%s\n' 'register cam-2' 'wait message --type offer --from drone-1 -W 5s' \
        'answer drone-1 --sdp auto' 'wait message --type bye -W 5s' >"$BATS_TEST_TMPDIR/late"
    run --separate-stderr sigctl -j <"$BATS_TEST_TMPDIR/late"
    assert_success
    finish "$offerer"
    assert_equal "$status" 0
}

@test "offer --wait-target: nobody came" {
    run --separate-stderr sigctl -i drone-1 offer ghost --sdp auto --wait-target 150ms --json
    assert_failure 6
    assert_json '.ok == false and .code == "target_not_found"'
}

@test "with --json the failure is on stdout too" {
    run --separate-stderr sigctl -i drone-1 offer ghost --sdp auto --json
    assert_failure 6
    assert_json '.ok == false and .exit == 6 and .code == "target_not_found"'
}

@test "an offer is delivered and acknowledged" {
    callee 'wait message --type offer -W 5s'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --sdp auto --json
    assert_success
    assert_json '.ok and .type == "ack" and .to == "cam-2" and (.session | startswith("session-"))'
    finish "$CALLEE"
    assert_equal "$status" 0
}

@test "offer --wait answer prints the answer as one object" {
    callee 'wait message --type offer --from drone-1 -W 5s' 'answer drone-1 --sdp auto' \
        'wait message --type bye -W 5s'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --sdp auto --wait answer --json
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_json '.ok and .type == "answer" and .from == "cam-2" and .rtt_us > 0
        and (.sdp | startswith("v=0\r\n"))'
    finish "$CALLEE"
    assert_equal "$status" 0
}

@test "people get the answer line by line" {
    callee 'wait message --type offer -W 5s' "send drone-1 --type answer $(printf %q \
        '{"sdp":"v=0\r\ns=\u001b[31mred\u202e\r\n"}')" 'wait message --type bye -W 5s'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --sdp auto --wait answer
    assert_success
    assert_line --index 0 'v=0'
    assert_line --index 1 's=\x1b[31mred\u{202e}'
}

@test "a time-out is 5 and says what was seen" {
    callee 'wait message --type offer -W 5s' 'ice drone-1' 'wait message --type bye -W 5s'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --sdp auto --wait answer -W 300ms
    assert_failure 5
    [[ $stderr == *'waiting for answer from cam-2 (seen: ice from cam-2)' ]]
}

@test "a rejected offer is 7 and names the reason" {
    callee 'wait message --type offer -W 5s' 'bye drone-1 --reason rejected'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --sdp auto --wait answer --json
    assert_failure 7
    assert_json '.code == "rejected"'
}

@test "an answer outside a session is refused with the code" {
    callee 'wait message -W 5s'
    run --separate-stderr sigctl -i drone-1 answer cam-2 --sdp auto --json
    assert_failure 7
    assert_json '.exit == 7 and .code == "session_not_found"'
}

@test "descriptions come from text, files, stdin and @@" {
    callee 'listen --type offer -C 4 -W 5s'
    cd "$BATS_TEST_TMPDIR"
    printf 'v=0\r\nfile\r\n' >o.sdp
    sigctl -i d1 offer cam-2 --sdp 'v=0 text'
    sigctl -i d2 offer cam-2 --sdp @o.sdp
    printf 'v=0 stdin' | sigctl -i d3 offer cam-2 --sdp @-
    sigctl -i d4 offer cam-2 --sdp @@x
    finish "$CALLEE"
    assert_equal "$status" 0
    run jq -c 'select(.type == "offer") | .sdp' callee.out
    assert_output '"v=0 text"
"v=0\r\nfile\r\n"
"v=0 stdin"
"@x"'
}

@test "the SPEC may stand behind TO" {
    callee 'listen -C 3 -W 5s'
    printf '%s\n' 'register drone-1' "offer cam-2 'v=0 text'" 'ice cam-2 2' | sigctl -q
    finish "$CALLEE"
    assert_equal "$status" 0
    output=$(jq -sc 'map(select(.type != "registered"))' "$BATS_TEST_TMPDIR/callee.out")
    assert_json '.[0].sdp == "v=0 text" and (.[1:] | map(.type) == ["ice", "ice"])'
}

@test "two ways to say the same are refused before anything is connected" {
    export SIGD_URL=ws://127.0.0.1:1
    for words in 'offer cam-2 x --sdp y' 'answer cam-2 x --sdp y' 'ice cam-2 2 --candidate 1' \
        'offer cam-2 @o.sdp --media video' 'call cam-2 --sdp @o.sdp --media audio'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl $words
        assert_failure 2
        assert_equal "${#stderr_lines[@]}" 1
    done
}

@test "a missing file is 9 and nothing is sent" {
    callee 'wait message -W 5s'
    run --separate-stderr sigctl -i drone-1 offer cam-2 --sdp @/no/such/file
    assert_failure 9
    assert_output ''
}

@test "a made-up description has what RFC 8866 and 8829 want" {
    callee 'wait message --type offer -W 5s'
    sigctl -i drone-1 offer cam-2 --sdp auto --media video,audio,data
    finish "$CALLEE"
    run jq -r 'select(.type == "offer") | .sdp' "$BATS_TEST_TMPDIR/callee.out"
    assert_line --index 0 $'v=0\r'
    assert_line --index 1 --regexp '^o=- [0-9]+ 1 IN IP4 127\.0\.0\.1'
    assert_line --index 2 $'s=-\r'
    assert_line --index 3 $'t=0 0\r'
    assert_line $'a=group:BUNDLE 0 1 2\r'
    assert_line $'m=video 9 UDP/TLS/RTP/SAVPF 96\r'
    assert_line $'m=audio 9 UDP/TLS/RTP/SAVPF 111\r'
    assert_line $'m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r'
    assert_line $'a=sctp-port:5000\r'
    assert_equal "$(grep -c '^a=setup:actpass' <<<"$output")" 3
    assert_equal "$(grep -cE '^a=fingerprint:sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}.$' <<<"$output")" 3
}

@test "unknown media words are a usage error" {
    run --separate-stderr sigctl -i drone-1 offer cam-2 --media video,smell
    assert_failure 2
}

@test "send merges an object, or takes text for the type's member" {
    callee 'listen -C 3 --until type=bye -W 5s'
    printf '%s\n' 'register drone-1' \
        "send cam-2 --type offer '{\"sdp\":\"v=0\",\"extra\":{\"a\":[1, 2]}}'" \
        "send cam-2 -t ice 'candidate:1 1 udp 1 10.0.0.1 1 typ host'" \
        'send cam-2 -t bye rejected' | sigctl
    finish "$CALLEE"
    assert_equal "$status" 0
    output=$(jq -sc . "$BATS_TEST_TMPDIR/callee.out")
    assert_json '.[1].extra.a == [1, 2] and .[2].type == "ice" and .[3].reason == "rejected"'
}

@test "send -l sends a body per line of stdin" {
    callee 'listen --type offer -C 2 -W 5s'
    run --separate-stderr sigctl -i drone-1 send cam-2 --type offer -l -j <<<$'v=1\n\n{"sdp":"v=2"}'
    assert_success
    assert_equal "${#lines[@]}" 2
    finish "$CALLEE"
    run jq -r 'select(.type == "offer") | .sdp' "$BATS_TEST_TMPDIR/callee.out"
    assert_output $'v=1\nv=2'
}

@test "send --repeat sends it again and again, a result each" {
    callee 'listen --type offer -C 3 -W 5s'
    run --separate-stderr sigctl -i d1 send cam-2 -t offer --repeat 3 --interval 20ms -j '{"sdp":"x"}'
    assert_success
    run jq -sc 'map(.seq), (.[2].ts_us - .[0].ts_us >= 40000)' <<<"$output"
    assert_output $'[1,2,3]\ntrue'
    finish "$CALLEE"
    assert_equal "$status" 0
}

@test "send --repeat without end ends with its reader" {
    callee 'listen -C 1000000'
    run bash -c 'sigctl -i d1 send cam-2 -t offer --repeat none --interval 1ms "{\"sdp\":\"x\"}" |
        head -1; echo "${PIPESTATUS[0]}"'
    assert_line --index 0 --partial 'offer to cam-2 delivered'
    assert_line --index 1 0
}

@test "send --repeat ends at the first failure" {
    run --separate-stderr sigctl -i d1 send ghost -t offer --repeat 3 --interval 1ms '{"sdp":"x"}'
    assert_failure 6
    assert_equal "${#stderr_lines[@]}" 1
}

@test "what send cannot mean is 2, with a sentence, before anything is connected" {
    export SIGD_URL=ws://127.0.0.1:1
    for words in 'cam-2 -t offer --repeat 0 x' 'cam-2 -t offer --interval 1s x' 'cam-2 -t offer' \
        'cam-2 x' '-t offer' '-l --jsonl' 'cam-2 -t offer -l x' '--jsonl --session s' \
        'cam-2 -t offer -l --repeat 2'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl send $words
        assert_failure 2
        assert_equal "${#stderr_lines[@]}" 1
    done
}

@test "send of a type that the server does not know is refused" {
    run --separate-stderr sigctl -i drone-1 send cam-2 --type nonsense '{}' --json
    assert_failure 7
    assert_json '.code == "unknown_type"'
}

@test "a body that is no JSON is 9" {
    run --separate-stderr sigctl -i drone-1 send cam-2 --type offer '{"sdp":'
    assert_failure 9
}

@test "candidates: made up, from a file, objects, the end" {
    callee 'listen --type ice -C 5 -W 5s'
    printf 'candidate:9 1 udp 1 10.0.0.1 9 typ relay\na=candidate:8 1 udp 1 10.0.0.1 9 typ host\n' \
        >"$BATS_TEST_TMPDIR/c.txt"
    printf '%s\n' 'register drone-1' 'ice cam-2 --candidate 1' \
        "ice cam-2 --candidate @$BATS_TEST_TMPDIR/c.txt" \
        "ice cam-2 --candidate '{\"candidate\":\"x\",\"sdpMid\":\"7\"}'" \
        'ice cam-2 --candidate null' | sigctl -q
    finish "$CALLEE"
    assert_equal "$status" 0
    run jq -c 'select(.type == "ice") | .candidate | if . then .candidate else . end' \
        "$BATS_TEST_TMPDIR/callee.out"
    assert_line --index 0 --partial 'typ host'
    assert_line --index 1 '"candidate:9 1 udp 1 10.0.0.1 9 typ relay"'
    assert_line --index 2 '"candidate:8 1 udp 1 10.0.0.1 9 typ host"'
    assert_line --index 3 '"x"'
    assert_line --index 4 'null'
}

@test "call goes from offer to bye and tells the times" {
    callee 'wait message --type offer -W 5s' 'answer drone-1' 'ice drone-1 --candidate 2' \
        'wait message --type bye -W 5s'
    run --separate-stderr sigctl -i drone-1 call cam-2 --ice 2 --json
    assert_success
    assert_json '.ok and .type == "call" and .answer_us > 0 and .ice_sent == 2
        and .ice_received == 2 and .bye_us >= .answer_us'
    finish "$CALLEE"
    assert_equal "$status" 0
}

@test "people get a ladder of the call" {
    callee 'wait message --type offer -W 5s' 'answer drone-1' 'wait message --type bye -W 5s'
    run --separate-stderr sigctl -i drone-1 call cam-2
    assert_success
    assert_line --index 0 --regexp 'drone-1 +cam-2'
    assert_line --regexp '\|--- offer [0-9.k]+ -+>\|'
    assert_line --regexp '\|<-- answer [0-9.k]+ -+\|'
    assert_line --regexp '\|--- bye -+>\|'
}

@test "the ladder is in the order of arrival" {
    callee 'wait message --type offer -W 5s' 'answer drone-1' 'ice drone-1 --candidate 2' \
        'ice drone-1 --candidate null' 'wait message --type bye -W 5s'
    run --separate-stderr sigctl -i drone-1 call cam-2 --ice 2
    assert_success
    run grep -E '^ +\+' <<<"$output"
    assert_equal "$output" "$(sort -n <<<"$output")"
}

@test "a callee that leaves before its candidates is 6" {
    callee 'wait message --type offer -W 5s' 'answer drone-1'
    run --separate-stderr sigctl -i drone-1 call cam-2 --ice 2 --ice-wait 5s
    assert_failure 6
    assert_regex "$stderr" '^sigctl: cam-2 (ended the session: peer-left|is not registered)'
}

@test "an end of the server during a wait is 8" {
    callee 'wait message --type bye -W 5s'
    start offer sigctl -i drone-1 offer cam-2 --wait answer -W 5s
    offer=$PID
    wait_for 5 sigctl wait peer drone-1 -W 1s
    stop "$SIGD_PID"
    finish "$offer"
    assert_equal "$status" 8
}
