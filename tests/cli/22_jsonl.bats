# SPDX-License-Identifier: MIT
# send --jsonl: addressed messages from stdin, a result a line, in the order of the lines.
setup()
{
    load ../lib/common.bash
    start_sigd
    start camera sigctl -q register cam-2 --hold
    sigctl wait peer cam-2
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# lines N: so many offers for cam-2.
lines() { seq "$1" | sed 's/.*/{"to":"cam-2","type":"offer","sdp":"v=0 &"}/'; }

@test "ten thousand messages have ten thousand results, in order" {
    start listen sigctl -i cam-3 listen --type offer -C 10000 -F '%{sdp}'
    listener=$PID
    sigctl wait peer cam-3
    lines 10000 | sed 's/cam-2/cam-3/' >in
    run sigctl -i d1 send --jsonl -j <in
    assert_success
    output=$(jq -sc . <<<"$output")
    assert_json 'map(.line) == [range(1; 10001)]'
    assert_json 'all(.[]; .ok and .type == "ack" and .kind == "offer" and .to == "cam-3"
        and .rtt_us > 0 and .ts_us > 0 and (.session | startswith("session-")))'
    finish "$listener"
    assert_equal "$(<listen.out)" "$(seq 10000 | sed 's/^/v=0 /')"
}

@test "a line that cannot be sent fails alone" {
    {
        printf '%s\n' '{"to":"ghost","type":"offer","sdp":"x"}' 'not json' '{"type":"offer"}' \
            '{"to":"cam-2","sdp":"x"}' '' '{"to":"cam-2","target":"cam-2","type":"offer"}' \
            '{"to":"cam-2","type":"nonsense"}' '{"to":7,"type":"offer"}' '[1]' \
            '{"to":"cam-2","type":"offer","type":"bye"}'
        printf '{"to":"cam-2","type":"bye","reason":"\xff"}\n{"to":"cam-2","type":"bye"}\0\n'
        printf '{"to":"cam-2","type":"offer","sdp":"%070000d"}\n' 0
        head -c 3000000 /dev/zero | tr '\0' x
        printf '\n{"to":"%0129d","type":"offer"}\n' 0
        printf '{"target":"cam-2","type":"offer","sdp":"last"}'
    } >in
    run --separate-stderr sigctl -i d1 send --jsonl -j <in
    assert_failure 6
    assert_equal "$stderr" ''
    output=$(jq -sc . <<<"$output")
    assert_json 'map(.line) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]'
    assert_json 'map(.exit) == [6, 9, 2, 2, 2, 7, 2, 9, 9, 9, 9, 9, 9, 2, null]'
    assert_json '.[0].code == "target_not_found" and .[0].to == "ghost" and .[-1].ok'
    assert_json 'all(.[:-1][]; .ok == false and (.message | length > 0))'
}

@test "TO and --type stand in for what a line lacks" {
    run sigctl -i d1 send cam-2 --type offer --jsonl -F '%{kind} %{to} %{ok} %{exit}' <<<'{"sdp":"x"}
{"type":"ice","candidate":null}
{"to":"ghost","sdp":"x"}'
    assert_failure 6
    assert_output 'offer cam-2 true 
ice cam-2 true 
 ghost false 6'
}

@test "members travel byte for byte, the rid is ours" {
    start listen sigctl -i cam-3 --trace listen --type offer -C 1
    listener=$PID
    sigctl wait peer cam-3
    printf '%s\n' '{"x":  1.50e3,"to":"cam-3","rid":"mine","sdp":"\u0076=0 \/","y":{"a" :[1,null]},"type":"offer"}' |
        sigctl -q -i d1 send --jsonl
    finish "$listener"
    run cat listen.err
    assert_output --partial '"x":1.50e3,"sdp":"\u0076=0 \/","y":{"a" :[1,null]}'
    refute_output --partial mine
}

@test "people get a sentence each" {
    run --separate-stderr sigctl -i d1 send --jsonl <<<'{"to":"cam-2","type":"offer","sdp":"x"}
{"to":"ghost","type":"offer","sdp":"x"}'
    assert_failure 6
    assert_output --regexp '^offer to cam-2 delivered in session-[^ ]+ \([0-9.]+ ms\)$'
    assert_equal "$stderr" 'sigctl: line 2: ghost is not registered. Try: sigctl wait peer ghost'
}

@test "without a reader it ends quietly, though its input has no end" {
    run --separate-stderr bash -c '
        yes "{\"to\":\"cam-2\",\"type\":\"offer\",\"sdp\":\"x\"}" | sigctl -i d1 send --jsonl -j |
            head -1; echo "${PIPESTATUS[1]}"'
    assert_equal "${#lines[@]}" 2
    assert_line --index 1 0
    assert_equal "$stderr" ''
}

@test "results come while the input stays open" {
    mkfifo in
    exec 7<>in
    start feed sigctl -i d1 send --jsonl -j <in 7>&-
    feed=$PID
    exec 8>in 7>&-
    lines 1 >&8
    wait_for 5 test -s feed.out
    lines 1 >&8
    exec 8>&-
    finish "$feed"
    assert_equal "$status" 0
    assert_equal "$(jq .line feed.out)" $'1\n2'
}

@test "what was under way when the connection is lost is 8" {
    mkfifo in
    exec 7<>in
    start feed sigctl -i d1 send --jsonl -j <in 7>&-
    feed=$PID
    exec 8>in 7>&-
    lines 1 >&8
    wait_for 5 test -s feed.out
    kill -STOP "$SIGD_PID"
    lines 50 >&8
    printf 'junk\n' >&8
    exec 8>&-
    # the last line is answered here, behind what the server does not answer
    wait_for 5 test "$(jq -s length feed.out)" = 1
    kill -KILL "$SIGD_PID"
    finish "$feed"
    assert_equal "$status" 8
    output=$(jq -sc 'map(select(.line))' feed.out)
    assert_json '.[0].ok and (.[1:51] | all(.[]; .ok == false and .exit == 8 and .code == "lost"))'
    assert_json 'map(.line) == [range(1; length + 1)]'
}

@test "with --retry the lines after a loss go over a new connection" {
    mkfifo in
    exec 7<>in
    start feed sigctl -i d1 send --jsonl -j --retry 1000 -W 20s <in 7>&-
    feed=$PID
    exec 8>in 7>&-
    lines 1 >&8
    wait_for 5 test -s feed.out
    stop "$SIGD_PID" KILL
    start_sigd -l "127.0.0.1:$SIGD_PORT" 8>&-
    start camera sigctl -q register cam-2 --hold 8>&-
    sigctl wait peer cam-2
    sigctl wait peer d1
    lines 3 >&8
    exec 8>&-
    finish "$feed"
    assert_equal "$status" 0
    assert_equal "$(jq -c '[.line, .ok]' feed.out)" $'[1,true]\n[2,true]\n[3,true]\n[4,true]'
}

@test "no answer in time is 5 for each line" {
    mkfifo in
    exec 7<>in
    start feed sigctl -i d1 send --jsonl -j -W 300ms <in 7>&-
    feed=$PID
    exec 8>in 7>&-
    lines 1 >&8
    wait_for 5 test -s feed.out
    kill -STOP "$SIGD_PID"
    lines 3 >&8
    exec 8>&-
    finish "$feed"
    kill -CONT "$SIGD_PID"
    assert_equal "$status" 5
    assert_equal "$(jq -c '[.line, .exit, .code]' feed.out)" '[1,null,null]
[2,5,"timeout"]
[3,5,"timeout"]
[4,5,"timeout"]'
}

@test "with --retry the server's rate is kept, and the order of the results" {
    stop "$SIGD_PID"
    start_sigd --role-limit 'local message-rate=500 message-burst=50'
    start camera sigctl -q register cam-2 --hold
    sigctl wait peer cam-2
    lines 600 >in
    run --separate-stderr sigctl -i d1 send --jsonl -j <in
    assert_failure 7
    assert_equal "$stderr" ''
    output=$(jq -sc . <<<"$output")
    assert_json 'all(.[]; .ok or .code == "rate_limited")'
    assert_json 'any(.[]; .ok) and any(.[]; .code == "rate_limited")'
    run --separate-stderr sigctl -i d2 send --jsonl -j --retry 50 <in
    assert_success
    assert_equal "$stderr" ''
    output=$(jq -sc . <<<"$output")
    assert_json 'map(.line) == [range(1; 601)] and all(.[]; .ok)'
}
