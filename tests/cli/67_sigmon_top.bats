# SPDX-License-Identifier: MIT
# sigmon top in batch mode: peers and sessions as text and objects, order, filter, what is wrong.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown()
{
    [[ ${BATS_TEST_COMPLETED-} || ! -e top.out ]] || tail -n 1 top.out
    stop_all
}

is_listed() { sigctl list | grep -qxF "$1"; }

# peer ID [OPTION...]: registers and stays; sets PID.
peer()
{
    start "$1" sigctl register "$1" --hold "${@:2}"
    wait_for 5 is_listed "$1"
}

has_session() { [[ $(sigctl sessions --count) -eq $1 ]]; }
frames() { [[ -e top.out && $(wc -l <top.out) -ge $1 ]]; }
told() { jq -se "any(.[] | $1; .)" top.out >/dev/null; }

@test "one frame: head, titles, a line for each peer of the list" {
    peer cam-1
    peer drone-1 --role drone
    run --separate-stderr sigmon top -b -C 1 --interval 100ms --sort id
    assert_success
    assert_equal "$stderr" ''
    assert_line -n 0 "sigmon top $SIGD_URL, by peers"
    assert_line -n 1 '2 clients, 0 sessions, 0 msgs/s, 0 errors/s, 0 missed'
    assert_equal "$(tr -s ' ' <<<"${lines[2]}")" \
        'id role since out/s in/s bytes/s errors waiting sessions out in bytes'
    [[ ${lines[3]} =~ ^cam-1\ +[0-9]+s\ +0\ +0\ +0\ +0\ +0\ +0\ +0\ +0\ +0$ ]] || fail "${lines[3]}"
    [[ ${lines[4]} =~ ^drone-1\ +drone\ +[0-9]+s\  ]] || fail "${lines[4]}"
    assert_equal "${#lines[@]}" 5
}

@test "without a terminal it is batch mode; -C counts frames, a blank line between them" {
    run --separate-stderr sigmon top -C 3 --interval 50ms
    assert_success
    assert_equal "$(grep -c '^sigmon top' <<<"$output")" 3
    assert_equal "$(grep -c '^$' <<<"$output")" 2
    run --separate-stderr sigmon top -d 180ms --interval 50ms
    assert_success
    [[ $(grep -c '^sigmon top' <<<"$output") -ge 2 ]] || fail "$output"
    run --separate-stderr sigmon top -W 120ms --interval 50ms
    assert_failure 5
}

@test "rates and totals of what is sent and got, errors, offers without an answer" {
    peer cam-1
    start top sigmon top -j --interval 100ms
    TOP=$PID
    wait_for 5 frames 1
    sigctl -q -i drone-1 send cam-1 --type offer '{"sdp":"v=0"}' --repeat 30 --interval 1ms
    sigctl -q -i drone-1 send nobody --type offer '{"sdp":"v=0"}' || true
    wait_for 5 told '.rows[] | .id == "drone-1" and .out == 30 and .errors == 1 and .gone'
    wait_for 5 told '.rows[] | .id == "cam-1" and .in >= 30 and .bytes > 900 and (.gone | not)'
    told '.messages_per_s > 0 and .interval_us > 50000'
    told '.errors_per_s > 0'
    told '.rows[] | .id == "cam-1" and .in_per_s > 0 and .bytes_per_s > 0'
    stop "$TOP"
    output=$(jq -s . top.out)
    assert_json 'all(.type == "top" and .by == "peers" and .ts_us > 0 and .missed == 0)'
    # every message is in one interval, the last of which may not be over
    assert_json '[.[] | .messages_per_s * .interval_us / 1e6] | add >= 29.9'
}

@test "sessions: waiting, answered with set-up time and candidates, ended with the reason" {
    start top sigmon top --by sessions -j --interval 50ms
    TOP=$PID
    start cam sigctl agent --id cam-1 --ice 4 --duration 30s
    wait_for 5 is_listed cam-1
    run --separate-stderr sigctl -i drone-1 call cam-1 --ice 4 --ice-wait 5s
    wait_for 5 told '.rows[] | .state == "answered" or .state == "ended"'
    wait_for 5 told '.rows[] | .state == "ended" and .setup_us > 0 and .from == "drone-1" and .to == "cam-1"'
    wait_for 5 told '.rows[] | .state == "ended" and .reason != "" and .life_us > 0 and .bytes > 0'
    wait_for 5 told '.rows[] | .state == "ended" and
        (.to_candidates | .host + .srflx + .mdns + .relay + .prflx == 4)'
    stop "$TOP"
    peer silent
    start d2 sigctl -i drone-2 send silent --type offer '{"sdp":"v=0"}' --repeat 1000 --interval 20ms
    wait_for 5 has_session 1
    # what was there before comes from the list
    run --separate-stderr sigmon top --by sessions -b -C 1 --interval 50ms 'from=drone-2'
    assert_success
    assert_line -n 2 -e '^session +parties +state +age +setup +candidates +bytes +reason$'
    assert_line -n 3 -e '^[A-Za-z0-9_-]{8} drone-2 → silent +waiting +[0-9]+s +- +-/- '
    run --separate-stderr sigmon top -C 1 -j --interval 50ms id=drone-2
    assert_json '.rows | length == 1 and (.[0] | .waiting == 1 and .sessions == 1)'
}

@test "--sort: texts upwards, numbers downwards, '-' the other way" {
    for id in b1 a1 c1; do
        peer "$id"
    done
    for order in 'id a1,b1,c1' '-id c1,b1,a1' 'since b1,a1,c1' '-since c1,a1,b1'; do
        run --separate-stderr sigmon top -C 1 -j --interval 50ms --sort "${order% *}"
        assert_success
        assert_equal "$order: $(jq -r '[.rows[].id] | join(",")' <<<"$output")" "$order: ${order#* }"
    done
    run --separate-stderr sigmon top -b --sort ou/s
    assert_failure 2
    assert_output ''
    assert_equal "$stderr" \
        "sigmon: --sort: --by peers has no column 'ou/s', did you mean 'out/s'?"
    run --separate-stderr sigmon top -b --by sessions --sort out/s
    assert_failure 2
    [[ $stderr == *"--by sessions has no column 'out/s'"* ]] || fail "$stderr"
}

@test "an expression says which rows; a wrong one has a caret" {
    peer cam-1
    peer drone-1 --role drone
    run --separate-stderr sigmon top -C 1 -b --interval 50ms 'id=cam-*' or role=nothing
    assert_success
    assert_line -n 0 "sigmon top $SIGD_URL, by peers, id=cam-* or role=nothing"
    assert_equal "${#lines[@]}" 4
    run --separate-stderr sigmon top -C 1 -b rolle=x
    assert_failure 2
    assert_output ''
    [[ $stderr == "sigmon: filter: unknown field 'rolle', did you mean 'role'?"*'^' ]] ||
        fail "$stderr"
}

@test "a recording is one frame, as of its end" {
    peer cam-1
    sigctl -q -i drone-1 send cam-1 --type offer '{"sdp":"v=0"}' --repeat 5 --interval 1ms
    run --separate-stderr sigmon record calls.jsonl --since 0 -d 100ms
    assert_success
    run --separate-stderr sigmon top -f calls.jsonl -j
    assert_success
    assert_json '.rows | map(select(.id == "drone-1")) | .[0].out == 5 and .[0].gone'
    run --separate-stderr sigmon top -f missing.jsonl
    assert_failure 9
}

@test "a restart: who was there has gone, the newcomers are shown" {
    peer cam-1
    start top sigmon top -j --interval 50ms
    TOP=$PID
    wait_for 5 frames 1
    stop "$SIGD_PID" KILL
    start_sigd -l "127.0.0.1:$SIGD_PORT"
    start cam2 sigctl -i cam-2 listen
    wait_for 10 told '.rows | any(.id == "cam-2" and (.gone | not))'
    stop "$TOP"
    assert_equal "$(grep -c 'has restarted' top.err)" 1
}

@test "a reader that leaves ends it quietly" {
    run --separate-stderr bash -c 'sigmon top -b --interval 50ms | head -n 1; exit ${PIPESTATUS[0]}'
    assert_success
    assert_output "sigmon top $SIGD_URL, by peers"
    assert_equal "$stderr" ''
}

@test "without the rights it is 7, without a server 3, wrong words 2" {
    stop "$SIGD_PID"
    run --separate-stderr sigmon top -b -C 1
    assert_failure 3
    (umask 077 && echo 0123456789abcdef0123456789abcdef >secret)
    start_sigd --jwt-secret-file "$PWD/secret"
    token=$(sigctl token make --secret-file secret --sub x --role drone --for 1h)
    SIGD_TOKEN=$token run --separate-stderr sigmon top -b -C 1
    assert_failure 7
    assert_output ''
    [[ $stderr == 'sigmon: forbidden: '* ]] || fail "$stderr"
    run --separate-stderr sigmon top --interval 1ms -b
    assert_failure 2
    assert_equal "$stderr" 'sigmon: --interval: want 50ms or more'
    run --separate-stderr sigmon top --by rooms
    assert_failure 2
}

@test "a server that tells nonsense, in lists without an end" {
    start odd python3 "$BATS_TEST_DIRNAME/odd_server.py" "$PWD/odd"
    wait_for 10 test -s odd
    SIGD_URL=ws://127.0.0.1:$(<odd)
    for by in peers sessions; do
        run --separate-stderr sigmon top -b -C 2 --interval 50ms --by "$by"
        assert_success
        assert_line '3 clients, 3 sessions, 0 msgs/s, 0 errors/s, 9007199254740991 missed'
        [[ $output != *[$'\e\x9b']* ]] || fail "$output"
        [[ $stderr == *'an event that cannot be read'* ]] || fail "$stderr"
        run --separate-stderr sigmon top -j -C 2 --interval 50ms --by "$by"
        assert_success
        jq . <<<"$output" >/dev/null
    done
}

@test "help tells the columns of both" {
    run --separate-stderr sigmon help top
    assert_success
    assert_line '  waiting     its offers without an answer'
    assert_line '  candidates  of each side, since top began'
}
