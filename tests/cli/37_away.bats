# SPDX-License-Identifier: MIT
# A server that goes, is full or asks for patience: who comes back, when, and what is said.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# away: the server drains and is gone; SIGD_PORT is free again.
away()
{
    sigctl -q drain
    finish "$SIGD_PID"
    assert_equal "$status" 0
}

# again: another server on the same port.
again()
{
    local port=$SIGD_PORT
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
}

# http STATUS [HEADER]: a server that answers every request so; the times of requests are in asked.
http()
{
    start http python3 - "$@" <<'END'
import http.server, sys, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(time.monotonic(), file=open("asked", "a"))
        self.send_response(int(sys.argv[1]))
        if sys.argv[2:]:
            self.send_header(*sys.argv[2].split(": "))
        self.send_header("Content-Length", "0")
        self.end_headers()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, file=open("http.new", "w"), flush=True)
import os
os.rename("http.new", "http.port")
server.serve_forever()
END
    wait_for 10 test -s http.port
    read -r SIGD_PORT <http.port
    export SIGD_URL=ws://127.0.0.1:$SIGD_PORT
}

@test "register --hold comes back when the server said so" {
    start_sigd --reconnect-window 300ms
    start hold sigctl register drone-1 --hold
    held=$PID
    sigctl wait peer drone-1
    away
    again
    run --separate-stderr sigctl wait peer drone-1 -W 10s
    assert_success
    run cat hold.err
    assert_output --regexp '^sigctl: the server is draining, coming back in 0\.[0-9] s$'
    stop "$held"
    assert_equal "$status" 143
}

@test "nobody comes back sooner than asked" {
    start_sigd --reconnect-window 2s
    for id in a b c d; do
        start "$id" sigctl register "$id" --hold
    done
    sigctl wait peers 4
    before=$(date +%s%6N)
    away
    again
    run --separate-stderr sigctl wait peers 4 -W 10s
    assert_success
    run --separate-stderr sigmon --json -n 100 -C 4 event=register
    output=$(jq -sc 'map({(.id): .ts_us}) | add' <<<"$output")
    for id in a b c d; do
        asked=$(sed -nE 's/.*coming back in ([0-9.]+) s$/\1/p' "$id.err")
        # told in tenths of a second
        assert_json ".$id - $before >= $asked * 1000000 - 100000"
    done
}

@test "listen and sigmon come back too" {
    start_sigd --reconnect-window 200ms
    start listen sigctl -i cam-1 listen --json
    start mon sigmon --ready-file ready --time none event=register
    sigctl wait peer cam-1
    wait_for 5 test -e ready
    away
    again
    sigctl wait peer cam-1 -W 10s
    sigctl -q -i drone-1 offer cam-1
    wait_for 5 grep -q '"offer"' listen.out
    wait_for 5 grep -q drone-1 mon.out
    run cat listen.err mon.err
    assert_line --index 0 --partial 'sigctl: the server is draining, coming back in'
    assert_line --index 1 --partial 'sigmon: the server is draining, coming back in'
    assert_equal "${#lines[@]}" 2
    run cat mon.out
    assert_line -- '-- the server has restarted, events may be missing --'
    assert_equal "$(head -n 1 listen.out | jq -r .type)" offer
}

@test "what ends by itself ends with 8, with --retry it goes on" {
    start_sigd --reconnect-window 100ms
    start camera sigctl register cam-1 --hold
    sigctl wait peer cam-1
    start offer sigctl -i drone-1 offer cam-1 --wait answer -W 20s --json
    offer=$PID
    start wait sigctl wait peer ghost -W 20s --retry 50
    wait=$PID
    sigctl wait peer drone-1
    away
    finish "$offer"
    assert_equal "$status" 8
    run jq -c '[.exit, .code]' offer.out
    assert_output '[8,"lost"]'
    assert_equal "$(<offer.err)" \
        'sigctl: the server is draining: connection closed by the server: 1001 server going away'
    again
    start ghost sigctl register ghost --hold
    finish "$wait"
    assert_equal "$status" 0
}

@test "with --retry a request that was left unanswered is sent again" {
    start_sigd --reconnect-window 100ms
    start ping sigctl ping -C 3 --interval 300ms --retry 50 -W 20s
    ping=$PID
    wait_for 5 grep -q '^pong 1 ' ping.out
    away
    again
    finish "$ping"
    assert_equal "$status" 0
    run cat ping.out
    assert_line --index 2 --partial 'pong 3 '
    assert_line --index 3 --partial '3 sent, 3 answered'
    assert_regex "$(<ping.err)" '^sigctl: the server is draining, coming back in 0\.[0-9] s$'
}

@test "a refusal for the moment: exit 7 with advice, or --retry waits" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret" --message-rate 1 --message-burst 1
    sigctl token make --secret-file secret --sub op-1 --role operator >op.token
    run --separate-stderr sigctl --token-file op.token ping -C 2 --interval 1ms
    assert_failure 7
    assert_output --regexp '^pong 1 '
    [[ $stderr =~ ^'sigctl: the server refused: rate_limited (Rate limit exceeded: slow down), try again in '[01]\.[0-9]' s'$ ]]
    run --separate-stderr sigctl --token-file op.token ping -C 2 --interval 1ms --retry 3
    assert_success
    assert_equal "$stderr" ''
    assert_line --index 1 --regexp '^pong 2 [0-9]{3,4}\.'
    run --separate-stderr sigctl --token-file op.token ping -C 2 --interval 1ms --retry 3 -W 100ms
    assert_failure 7
    run --separate-stderr sigctl --token-file op.token <<<$'register op-1\nlist'
    assert_failure 7
    [[ $stderr == 'sigctl: line 2: the server refused: rate_limited'* ]]
}

@test "a full server: exit 3 with its advice" {
    start_sigd --max-clients 1
    start hold sigctl register drone-1 --hold
    wait_for 5 grep -q drone-1 hold.out
    run --separate-stderr sigctl list
    assert_failure 3
    assert_equal "$stderr" \
        'sigctl: the server answered HTTP status 503 Service Unavailable, try again in 5 s'
    run --separate-stderr sigctl list --json --wait-server 1s
    assert_failure 3
    assert_json '.exit == 3 and .code == "connect"'
}

@test "Retry-After is waited for" {
    http 429 'Retry-After: 1'
    run --separate-stderr sigctl --retry 1 list
    assert_failure 3
    assert_equal "$stderr" \
        'sigctl: the server answered HTTP status 429 Too Many Requests, try again in 1 s'
    mapfile -t asked <asked
    assert_equal "${#asked[@]}" 2
    [[ $(jq -n "${asked[1]} - ${asked[0]} >= 1") == true ]] || fail "asked at ${asked[*]}"
    run --separate-stderr sigctl --wait-server 500ms list
    assert_failure 3
    assert_equal "$(wc -l <asked)" 3
    run --separate-stderr sigctl --wait-server 1500ms list
    assert_failure 3
    assert_equal "$(wc -l <asked)" 5
}

@test "401 and 403 are 4, other answers 7" {
    http 401
    run --separate-stderr sigctl list
    assert_failure 4
    assert_equal "$stderr" 'sigctl: the server answered HTTP status 401 Unauthorized'
    run --separate-stderr sigmon
    assert_failure 4
    stop "$PID"
    rm http.port
    http 403
    run --separate-stderr sigctl list --retry 5
    assert_failure 4
    assert_equal "$(wc -l <asked)" 3
    stop "$PID"
    rm http.port
    http 404
    run --separate-stderr sigctl list
    assert_failure 7
    assert_equal "$stderr" 'sigctl: the server answered HTTP status 404 Not Found'
}

@test "sigbench counts connections that the server sent away" {
    start_sigd
    start bench sigbench -c 4 -d 20s --warmup 0s --json
    bench=$PID
    sigctl wait peers 4
    away
    finish "$bench"
    assert_equal "$status" 12
    run jq -c '[.metrics.disconnected, .first_error]' bench.out
    assert_output '[4,"the server drained, connection lost"]'
}
