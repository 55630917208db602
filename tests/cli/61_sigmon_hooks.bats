# SPDX-License-Identifier: MIT
# sigmon in scripts: what ends it, what it says at the end, what of the past and by chance it shows.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown() { stop_all; }

# peers ID...: each registers and leaves.
peers()
{
    for id in "$@"; do
        sigctl -q register "$id"
    done
}

# attached OPTION...: in the background; output in mon.out; sets MON.
attached()
{
    rm -f ready
    start mon sigmon --ready-file ready "$@"
    MON=$PID
    wait_for 5 test -e ready
}

@test "--expect: exactly so many, or a bound; 1 with what came instead" {
    peers d1 d2 d3
    run --separate-stderr sigmon --since 0 -C 3 --expect 3 event=register -W 5s
    assert_success
    run --separate-stderr sigmon --since 0 -d 50ms --expect '>=3' event=register
    assert_success
    run --separate-stderr sigmon --since 0 -d 50ms --expect 4 event=register --json
    assert_failure 1
    assert_equal "$stderr" 'sigmon: 3 events, expected 4'
    assert_equal "$(tail -n 1 <<<"$output" | jq -c '[.ok, .exit, .code]')" '[false,1,"false"]'
    run --separate-stderr sigmon -d 50ms --expect '<1' event=register
    assert_success
    run --separate-stderr sigmon -d 50ms --expect many
    assert_failure 2
    assert_equal "$stderr" "sigmon: --expect 'many': want a count such as 20 or '>=20'"
}

@test "--expect and a time-out: 1 when not enough came, else 5" {
    run --separate-stderr sigmon -W 100ms --expect 1 event=register
    assert_failure 1
    run --separate-stderr sigmon -W 100ms --expect 0 event=register
    assert_failure 5
}

@test "-W bounds the attaching too, and a --duration does not make it a success" {
    kill -s STOP "$SIGD_PID"
    run --separate-stderr sigmon -W 200ms -d 100ms
    kill -s CONT "$SIGD_PID"
    assert_failure 5
    assert_output ''
    assert_equal "$stderr" "sigmon: $SIGD_URL does not answer"
    start silent python3 - <<'END'
import base64, hashlib, re, socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
c = s.accept()[0]
key = re.search(r"(?i)sec-websocket-key: *(\S+)", c.recv(65536).decode())[1]
accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
c.sendall(f"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
while c.recv(65536):
    pass
END
    wait_for 10 test -s silent.out
    run --separate-stderr timeout 5 sigmon -u "ws://127.0.0.1:$(<silent.out)" -W 200ms -d 100ms
    assert_failure 5
    assert_output ''
    assert_equal "$stderr" 'sigmon: timed out'
}

@test "--fail-on: the event is shown, and it is 1" {
    attached --fail-on 'id=d2' event=register -F '%{id}'
    peers d1 d2
    finish "$MON"
    assert_equal "$status" 1
    assert_equal "$(<mon.out)" $'d1\nd2'
    assert_equal "$(<mon.err)" "sigmon: an event that --fail-on 'id=d2' names"
    run --separate-stderr sigmon --fail-on 'id='
    assert_failure 2
    assert_output ''
    [[ $stderr == *'--fail-on: '*'^'* ]] || fail "$stderr"
}

@test "--grep looks at the whole object" {
    peers cam-1 drone-1 drone-2
    run --separate-stderr sigmon --since 0 -d 100ms --grep '"id":"(cam|drone)-1"' event=register -F '%{id}'
    assert_success
    assert_output $'cam-1\ndrone-1'
    run --separate-stderr sigmon --grep '('
    assert_failure 2
    [[ $stderr == "sigmon: --grep '(': "* ]] || fail "$stderr"
}

@test "--since: a time ago, a timestamp, a number" {
    peers d1
    run --separate-stderr sigmon --since 1m -C 1 event=register --json -W 5s
    assert_success
    ts=$(jq -r .ts <<<"$output")
    seq=$(jq .seq <<<"$output")
    wait_for 5 bash -c '[[ $(date -u +%FT%T.%3NZ) > $1 ]]' - "$ts"
    peers d2
    for since in "$ts" "$seq"; do
        run --separate-stderr sigmon --since "$since" -C 2 event=register -F '%{id}' -W 5s
        assert_output $'d1\nd2'
    done
    run --separate-stderr sigmon --since "$((seq + 1))" -C 1 event=register -F '%{id}' -W 5s
    assert_output d2
    run --separate-stderr sigmon --since 1us -d 50ms event=register
    assert_output ''
    run --separate-stderr sigmon --since yesterday
    assert_failure 2
    [[ $stderr == "sigmon: --since 'yesterday': want how long ago (5m), "* ]] || fail "$stderr"
}

@test "a time that is not kept any more is remarked" {
    stop "$SIGD_PID"
    start_sigd --event-ring 16
    peers d{1..12}
    run --separate-stderr sigmon --since 1m -d 50ms --expect 16
    assert_success
    assert_equal "$stderr" 'sigmon: events before the first one are not kept any more (sigd --event-ring)'
    run --separate-stderr sigmon --since 1 -d 50ms --json
    assert_equal "$(head -n 1 <<<"$output" | jq -c '[.type, .from]')" '["gap",1]'
}

@test "--sample shows whole sessions" {
    start agent sigctl agent --id cam --ready-file up
    wait_for 5 test -s up
    attached --sample 30% --json 'event=relay,session_end'
    { echo register d1 && printf 'offer cam\nbye cam\n%.0s' {1..200}; } | sigctl -q
    # the answers come when they may: wait for the end of all
    sigmon --since 0 --json -d 200ms event=session_end >all
    stop "$MON"
    run jq -sr 'map(select(.event == "relay" and .kind != "answer").session) | group_by(.) |
        map(length) | unique | join(",")' mon.out
    assert_output 2
    sessions=$(jq -r .session mon.out | sort -u | wc -l)
    ((sessions > 20 && sessions < 110)) || fail "$sessions of 200"
    run --separate-stderr sigmon --sample 0%
    assert_failure 2
    run --separate-stderr sigmon --sample 5
    assert_failure 2
}

@test "a restart is told, and what the new server has is shown" {
    attached --json event=register
    peers d1
    wait_for 5 grep -q '"d1"' mon.out
    port=$SIGD_PORT
    stop "$SIGD_PID" KILL
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    peers n1 n2 n3
    wait_for 10 grep -q '"n3"' mon.out
    stop "$MON"
    run jq -c '.type // .id' mon.out
    assert_output '"d1"
"restart"
"n1"
"n2"
"n3"'
    run jq -e 'select(.type == "restart") | .ts_us > 0' mon.out
    assert_output true
}

@test "a loss of the connection alone hides nothing and repeats nothing" {
    start wire python3 "$BATS_TEST_DIRNAME/forward.py" "$SIGD_PORT" wire
    wire=$PID
    wait_for 5 test -s wire
    attached -u "ws://127.0.0.1:$(<wire)" --json event=register
    peers d1
    wait_for 5 grep -q '"d1"' mon.out
    kill -USR1 "$wire"
    peers d2 d3
    wait_for 5 grep -q '"d3"' mon.out
    kill -USR1 "$wire"
    peers d4
    wait_for 5 grep -q '"d4"' mon.out
    stop "$MON"
    assert_equal "$(jq -r '.id // .type' mon.out)" $'d1\nd2\nd3\nd4'
    wait_for 1 grep -q 'connection lost' mon.err
}

@test "contents only where the server keeps them and the role may see them" {
    run --separate-stderr sigmon --content -d 50ms
    assert_failure 7
    [[ $stderr == *'--log-sdp full'* ]] || fail "$stderr"
    stop "$SIGD_PID"
    start_sigd --log-sdp full --log-level debug --audit audit.log
    start cam sigctl -q register cam --hold
    sigctl wait peer cam
    attached --content --json event=relay
    printf 'register d1\noffer cam %s\nice cam 1\nbye cam\n' "'v=0 private'" | sigctl -q
    wait_for 5 grep -q '"bye"' mon.out
    stop "$MON"
    output=$(jq -sc . mon.out)
    assert_json '.[0].sdp == "v=0 private"'
    assert_json '.[1].candidate.candidate | startswith("candidate:")'
    run --separate-stderr sigmon --since 0 -d 50ms --json
    refute_output --partial private
    assert_equal "$(grep -c private audit.log sigd.err)" $'audit.log:0\nsigd.err:0'
}

# whole FILE: every number from the first event on is that of a line or in exactly one gap.
whole()
{
    jq -sr '
        reduce .[] as $e ({next: null, missed: 0, ok: true};
            if $e.type == "gap"
            then .ok = (.ok and $e.missed == $e.to - $e.from + 1 and (.next == null or $e.from == .next))
                | .next = $e.to + 1 | .missed += $e.missed
            else .ok = (.ok and (.next == null or $e.seq == .next)) | .next = $e.seq + 1 end)
        | "\(.ok) \(.missed)"' "$1"
}

@test "a monitor that is stopped slows nobody, and learns exactly what it missed" {
    attached --json
    kill -STOP "$MON"
    run --separate-stderr sigbench relay -c 20 -n 30000 --warmup 0s -j -q
    assert_success
    assert_json '.metrics.sent == 30000 and .metrics.received == 30000'
    kill -CONT "$MON"
    peers last
    wait_for 10 grep -q '"event":"register","id":"last"' mon.out
    stop "$MON"
    read -r ok missed < <(whole mon.out)
    assert_equal "$ok" true
    ((missed > 0))
    # with the sessions, connections and the one that came last
    assert_equal "$(jq -s 'map(select(.event == "relay")) | length < 30000' mon.out)" true
}
