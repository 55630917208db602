# SPDX-License-Identifier: MIT
# sigmon flow: ladders in a pipe, on a terminal, as a diagram and as objects.
setup() {
    load ../lib/common.bash
    calls=$BATS_TEST_DIRNAME/fixtures/calls.jsonl
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() {
    stop_all
    [[ ! ${SOCKET-} ]] || stop_prompt
}

@test "a recording as a ladder: every way that a message can go" {
    run --separate-stderr sigmon flow --file "$calls"
    assert_success
    assert_output - <<'END'
9fKaaaaa   drone-1               sigd                 cam-2
   +0.000 ms  |-- offer 1.9k ----->|-- offer ---------->|
   +1.620 ms  |<- answer ----------|<- answer 1.7k -----|   set up in 1.620 ms
   +2.100 ms  |-- ice host 800 --->|-- ice ------------>|   x4
   +2.200 ms  |<- ice -------------|<- ice relay 210 ---|
   +2.300 ms  |-- ice end 95 ----->|-- ice ------------>|

           drone-1               sigd                 ghost
   +0.000 ms  |-- offer ----------X|                    |   target_not_found: ghost is not registered

9fKaaaaa   drone-1               sigd                 cam-2
+9001.000 ms  |-- bye 102 -------->|-- bye ------------>|   hangup after 9.0 s

2aaaaaaa   drone-1               sigd                 cam-2
   +0.000 ms  |-- offer video 900 >|-- offer ---------->|
 +300.000 ms  |<- bye -------------|        gone        |   peer-left (cam-2) after 300.0 ms
 +400.000 ms  |-- ice ------------X|                    |   target_not_found: cam-2 is not registered
END
    COLUMNS=120 run --separate-stderr sigmon flow --file "$calls" 9fK
    assert_line --index 1 '   +0.000 ms  |-- offer audio,video 1.9k ------->|-- offer ------------------------>|'
}

@test "one session, as a diagram of Mermaid and as objects" {
    run --separate-stderr sigmon flow --file "$calls" 2aa --mermaid
    assert_output - <<'END'
sequenceDiagram
    participant p0 as drone-1
    participant sigd
    participant p1 as cam-2
    p0->>sigd: offer video 900
    sigd->>p1: offer
    sigd->>p0: bye
    Note over p0,p1: peer-left (cam-2) after 300.0 ms
    p0-xsigd: ice
    Note over p0,p1: target_not_found: cam-2 is not registered
END
    run --separate-stderr sigmon flow --file "$calls" 9fK --json
    assert_schema step sigmon
    output=$(jq -sc '[length, .[1].setup_us, .[-1].life_us, .[-1].reason]' <<<"$output")
    assert_output '[9,1620,9001000,"hangup"]'
    run --separate-stderr sigmon flow --file "$calls" 9fK -F '%{kind} %{from} %{detail}'
    assert_line --index 2 'ice drone-1 host'
}

@test "what makes no sense is 2" {
    for wrong in 'a b' '--mermaid --json' "no;id" "-F %{"; do
        # shellcheck disable=SC2086
        run --separate-stderr sigmon flow $wrong
        assert_failure 2
        [[ $stderr == sigmon:* ]]
    done
}

@test "in a pipe: the past of a session, then up to its end; candidates are not held back" {
    start_sigd
    start cam sigctl -i cam-2 listen
    sigctl wait peer cam-2
    mkfifo in
    exec 4<>in
    start drone sigctl -i drone-1 <in
    echo 'offer cam-2 --session mine-1 --sdp auto' >&4
    wait_for 5 grep -q mine-1 cam.out
    start flow sigmon flow mine --ready-file ready
    flow=$PID
    wait_for 5 test -e ready
    echo 'ice cam-2 --session mine-1 --candidate 1' >&4
    wait_for 5 grep -q 'ice host' flow.out
    echo 'bye cam-2 --session mine-1' >&4
    finish "$flow"
    assert_equal "$status" 0
    exec 4>&-
    run cat flow.out
    assert_line --index 1 --regexp '^   \+0\.000 ms  \|-- offer video [0-9]+ >\|-- offer -+>\|$'
    assert_line --index 3 --regexp '^ *\+[0-9.]+ m?s +\|-- bye [0-9]+ -+>\|-- bye -+>\|   hangup after [0-9.]+ m?s$'
    assert_equal "${#lines[@]}" 4
}

@test "no session of that name so far is said; a closed pipe ends it quietly" {
    start_sigd
    run --separate-stderr sigmon flow nothing -d 50ms
    assert_success
    assert_equal "$stderr" 'sigmon: no event of session nothing so far, waiting for one'
    run --separate-stderr bash -c "sigmon flow --file '$calls' | head -n 1"
    assert_success
    assert_output --regexp '^9fKaaaaa '
    assert_equal "$stderr" ''
}

@test "on a terminal a line grows, and the ladder keeps to the width when that changes" {
    load prompt
    start_sigd
    terminal 80 24 "$(command -v sigmon)" flow --ready-file ready
    wait_for 5 test -e ready
    cat >call.sig <<'END'
as a register drone-1
as b register cam-2
a offer b --sdp auto --session s-1
a ice b --candidate 1
END
    sigctl run call.sig &
    wait_for 5 shows '^ .*\|-- ice host [0-9]+ --->\|-- ice -+>\|'
    wait_for 5 shows 'gone'
    shows '^s-1 +drone-1 +sigd +cam-2$'
    [[ $(screen | awk '{ if (length($0) > most) most = length($0) } END { print most + 0 }') -le 80 ]]
    resize 200 50
    sed 's/s-1/s-2/; s/candidate 1/candidate 3/' call.sig >again.sig
    sigctl run again.sig
    wait_for 5 shows '^s-2 +drone-1 {22,}sigd {22,}cam-2'
    wait_for 5 shows '\|-- ice host [0-9]+ -{10,}>\|-- ice -{20,}>\|   x3$'
    wait_for 5 shows 'peer-left \(drone-1\) after [0-9.]+ ms$'
    keys C-c
    wait_for 5 shows 'left with 130'
    # nothing was drawn over what it left behind
    [[ $(screen | grep -c 'peer-left (drone-1)') == 2 ]]
}
