# SPDX-License-Identifier: MIT
# ping: each round trip, the statistics however it ends, what is wrong with its options.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown() { stop_all; }

@test "four of them, then the statistics" {
    run --separate-stderr sigctl ping --interval 1ms
    assert_success
    assert_equal "${#lines[@]}" 5
    assert_line --index 0 --regexp '^pong 1 [0-9]+\.[0-9]{3} ms$'
    assert_line --index 4 --regexp \
        '^4 sent, 4 answered, 0% lost; min/avg/max/mdev [0-9]+\.[0-9]{3}(/[0-9]+\.[0-9]{3}){3} ms$'
    assert_equal "$stderr" ''
    run --separate-stderr sigctl -q ping -C 2 --interval 0
    assert_equal "${#lines[@]}" 1
    assert_output --partial '2 sent, 2 answered'
}

@test "--json, --plain and -F" {
    run --separate-stderr sigctl ping -C 3 --interval 1ms --json
    assert_success
    assert_schema pong+statistics
    assert_equal "${#lines[@]}" 4
    output=${lines[3]}
    assert_json '.ok and .sent == 3 and .received == 3 and .lost == 0 and .min_us <= .avg_us and .avg_us <= .max_us'
    run --separate-stderr sigctl ping -C 1 -F '%{type} %{seq}'
    assert_output $'pong 1\nstatistics '
    run --separate-stderr sigctl ping -C 1 --plain
    assert_line --index 0 --regexp $'^true\tpong\t1\t[0-9]+\t'
}

@test "--interval is kept" {
    start=$(date +%s%3N)
    run --separate-stderr sigctl ping -C 3 --interval 100ms
    assert_success
    (($(date +%s%3N) - start >= 200))
}

@test "a count of 0 is a usage error, as are other odd values" {
    export SIGD_URL=ws://127.0.0.1:1
    run --separate-stderr sigctl ping -C 0
    assert_failure 2
    assert_output ''
    assert_equal "$stderr" "sigctl: --stop-after '0': must be a count from 1 on such as 500 or 10k, or none for no end"
    run --separate-stderr sigctl ping --stop-after=x --json
    assert_failure 2
    assert_schema failure
    run --separate-stderr sigctl ping --interval often
    assert_failure 2
    assert_equal "$stderr" "sigctl: --interval 'often': must be a duration such as 250ms or 5s"
    run --separate-stderr sigctl ping 127.0.0.1
    assert_failure 2
    [[ $stderr == 'sigctl: usage: ping'* ]]
}

@test "a server that stands still: 5, statistics with what is lost, and a way out" {
    start ping sigctl ping -C none --interval 10ms -W 300ms
    wait_for 5 grep -q '^pong 2 ' ping.out
    kill -STOP "$SIGD_PID"
    finish "${PIDS[-1]}"
    kill -CONT "$SIGD_PID"
    assert_equal "$status" 5
    run tail -n 1 ping.out
    assert_output --regexp '^[0-9]+ sent, [0-9]+ answered, [1-9][0-9.]*% lost; min/avg/max/mdev'
    run cat ping.err
    assert_output --regexp '^sigctl: timed out: ping [0-9]+ was not answered; the server stands still or -W is too short$'
}

@test "nothing answered: times are null" {
    start ping sigctl ping -C none --interval 1ms -W 300ms --json --retry 0
    ping=${PIDS[-1]}
    wait_for 5 grep -q pong ping.out
    stop "$ping"
    python3 - >silent.port <<'END' &
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
    PIDS+=("$!")
    wait_for 10 test -s silent.port
    run --separate-stderr sigctl -u "ws://127.0.0.1:$(<silent.port)" ping -W 200ms --json
    assert_failure 5
    assert_schema statistics+failure
    output=${lines[0]}
    assert_json '.ok == false and .sent == 1 and .received == 0 and .lost == 1 and .min_us == null and .mdev_us == null'
}

@test "Ctrl-C ends it with 130 and statistics" {
    start ping env --default-signal=INT sigctl ping -C none --interval 10ms --json
    wait_for 5 grep -q pong ping.out
    stop "${PIDS[-1]}" INT
    assert_equal "$status" 130
    output=$(<ping.out)
    assert_schema pong+statistics
    output=$(tail -n 1 ping.out)
    assert_json '.ok and .lost == 0 and .received == .sent and .sent >= 1'
    assert_equal "$(<ping.err)" ''
}

@test "a connection that is lost ends it with 8 and statistics" {
    start ping sigctl ping -C none --interval 10ms --json
    wait_for 5 grep -q pong ping.out
    kill -KILL "$SIGD_PID"
    finish "${PIDS[-1]}"
    assert_equal "$status" 8
    output=$(<ping.out)
    assert_schema pong+statistics+failure
}
