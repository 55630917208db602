# SPDX-License-Identifier: MIT
# list: ids, numbers, details, pages, and who comes and goes, also while the connection was lost.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# hold ID [OPTION...]: registered when it returns; sets PID.
hold()
{
    start "$1" sigctl -q register "$@" --hold
    sigctl wait peer "$1" -W 10s
}

# events FILE: "join drone-1" of each line, "+" behind what was missed.
events()
{
    jq -rc 'select(.type == "presence") | .event + " " + .id + (if .missed then " +" else "" end)' "$1"
}

has_event() { events "$1" | grep -qx -- "$2"; }

@test "ids, a count, objects, values and templates" {
    start_sigd
    hold drone-1 --role drone
    hold cam-1 --meta kind=dome
    run --separate-stderr sigctl list
    assert_success
    assert_output $'cam-1\ndrone-1'
    assert_equal "$stderr" ''
    run --separate-stderr sigctl list --plain --match 'drone-*'
    assert_output drone-1
    run --separate-stderr sigctl list --count --match 'c*'
    assert_output 1
    run --separate-stderr sigctl list --role drone
    assert_output drone-1
    run --separate-stderr sigctl list --match 'x*'
    assert_success
    assert_output ''
    run --separate-stderr sigctl list --json
    assert_schema clients
    assert_json '.count == 2 and .clients == ["cam-1","drone-1"]'
    run --separate-stderr sigctl list --json --match 'x*'
    assert_schema clients
    assert_json '.count == 0 and .clients == []'
    run --separate-stderr sigctl list --json --count
    assert_schema clients_count
    run --separate-stderr sigctl list -F '<%-8{id}>'
    assert_output $'<cam-1   >\n<drone-1 >'
}

@test "--detail" {
    start_sigd
    hold drone-1 --role drone
    hold cam-1 --meta kind=dome
    run --separate-stderr sigctl list --detail
    assert_line --index 0 --regexp '^ID +ROLE +SINCE +NODE +RTT +META *$'
    assert_line --index 1 --regexp '^cam-1 +- +20[^ ]+Z .*\{"kind":"dome"\}'
    assert_line --index 2 --regexp '^drone-1 +drone +20[^ ]+Z '
    run --separate-stderr sigctl list --detail --json
    assert_schema clients_detail
    run --separate-stderr sigctl list --detail -F '%{id} %{role} %{meta}'
    assert_output $'cam-1  {"kind":"dome"}\ndrone-1 drone '
}

@test "what makes no sense together, or is none, is 2 and needs no server" {
    export SIGD_URL=ws://127.0.0.1:1
    for with in watch detail; do
        run --separate-stderr sigctl list --count "--$with"
        assert_failure 2
        assert_output ''
        assert_equal "$stderr" "sigctl: --count prints a number alone: leave out --$with"
    done
    run --separate-stderr sigctl list --match ''
    assert_failure 2
    assert_equal "$stderr" 'sigctl: --match: want 1 to 128 characters of an id, * for any, ? for one, not 0'
    run --separate-stderr sigctl list --match "$(printf 'x%.0s' {1..129})" --json
    assert_failure 2
    assert_schema failure
    run --separate-stderr sigctl list --role 'a b'
    assert_failure 2
    run --separate-stderr sigctl list everybody
    assert_failure 2
}

@test "more than 1000 come in pages, each once" {
    (($(ulimit -Hn) >= 4096)) || skip "a hard limit of $(ulimit -Hn) descriptors"
    ulimit -Sn 4096
    start_sigd --max-clients 1200 --address-rate 0
    start many python3 - "$BATS_TEST_DIRNAME/../e2e" "$SIGD_PORT" <<'END'
import sys, time
sys.path.insert(0, sys.argv[1])
from peer import Peer
peers = [Peer(int(sys.argv[2])) for _ in range(1050)]
for i, p in enumerate(peers):
    p.send(type="register", id=f"peer-{i:04}")
print("ready", flush=True)
while peers[0].hear():
    pass
END
    run --separate-stderr sigctl wait peers '=1050' -W 30s
    assert_success
    run --separate-stderr sigctl list -W 20s
    assert_success
    assert_equal "${#lines[@]}" 1050
    assert_equal "$(sort -u <<<"$output" | wc -l)" 1050
    assert_line --index 1049 peer-1049
    run --separate-stderr sigctl list --json
    assert_schema clients
    assert_json '.count == 1050 and (.clients | length) == 1050'
    run --separate-stderr sigctl list --detail --json
    assert_json '(.peers | length) == 1050'
    run --separate-stderr sigctl list --count
    assert_output 1050
}

@test "--watch: the list, then who joins and leaves" {
    start_sigd
    hold cam-1
    start watch sigctl list --watch --json
    wait_for 5 grep -q clients watch.out
    sigctl -q register drone-1 --role drone
    wait_for 5 has_event watch.out 'leave drone-1'
    output=$(<watch.out)
    assert_schema clients+presence
    run events watch.out
    assert_output $'join drone-1\nleave drone-1'
    stop "$PID"
    assert_equal "$status" 143
    start people sigctl list --watch --match 'd*'
    wait_for 5 sh -c "sigctl stats --json | jq -e '.connections == 3'"
    sigctl -q register x-1
    sigctl -q register d-1
    wait_for 5 grep -q leave people.out
    run cat people.out
    assert_line --index 0 --regexp '^[0-9:.]+  presence join d-1$'
    assert_equal "${#lines[@]}" 2
    start columns sigctl list --watch --plain
    wait_for 5 sh -c "sigctl stats --json | jq -e '.connections == 4'"
    sigctl -q register x-2
    sigctl -q register x-3 --role drone
    wait_for 5 grep -q 'leave.x-3' columns.out
    run sh -c "cut -f 3- columns.out | grep presence"
    assert_line --index 0 $'presence\tjoin\tx-2\t-\t-'
    assert_line --index 2 $'presence\tjoin\tx-3\tdrone\t-'
}

@test "--watch ends with its time and with its reader" {
    start_sigd
    run --separate-stderr sigctl list --watch -W 50ms
    assert_failure 5
    assert_equal "$stderr" 'sigctl: timed out; without -W list --watch has no end'
    run --separate-stderr bash -c 'sigctl list --watch --json | head -n 1'
    assert_success
    assert_schema clients
}

@test "--watch tells who came and went while the connection was lost" {
    start_sigd --reconnect-window 0
    hold stays
    stays=$PID
    hold goes
    goes=$PID
    start watch sigctl -q list --watch --json
    watch=$PID
    wait_for 5 grep -q clients watch.out
    port=$SIGD_PORT
    # while the server is away one leaves and one comes; the watcher is the last to be back
    kill -STOP "$watch"
    stop "$SIGD_PID"
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    stop "$goes"
    hold comes
    sigctl wait peer stays -W 10s
    kill -CONT "$watch"
    wait_for 20 has_event watch.out 'join comes +'
    sigctl -q register later
    wait_for 5 has_event watch.out 'leave later'
    run events watch.out
    assert_output $'leave goes +\njoin comes +\njoin later\nleave later'
    output=$(<watch.out)
    assert_schema clients+presence+presence_missed
    kill "$stays"
}

@test "a list that a server sends without a count is 9" {
    start fake python3 - <<'END'
import base64, hashlib, re, socket, struct
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], file=open("port.new", "w"), flush=True)
import os
os.rename("port.new", "fake.port")
while True:
    c = s.accept()[0]
    head = c.recv(65536).decode()
    key = re.search(r"(?i)sec-websocket-key: *(\S+)", head)[1]
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    c.sendall(f"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    c.recv(65536)
    text = b'{"type":"clients","clients":["a"]}'
    c.sendall(bytes([0x81, len(text)]) + text)
    c.recv(65536)
    c.close()
END
    wait_for 10 test -s fake.port
    for command in list sessions; do
        run --separate-stderr sigctl -u "ws://127.0.0.1:$(<fake.port)" list --json
        assert_failure 9
        assert_schema failure
        assert_equal "$stderr" "sigctl: the server's list has no count"
    done
}

@test "a role that may not list is refused, and told what is missing" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret"
    run --separate-stderr sigctl list --json
    assert_failure 4
    assert_schema failure
    sigctl token make --secret-file secret --sub cam-1 --role camera >cam.token
    run --separate-stderr sigctl --token-file cam.token kick drone-1 --json
    assert_failure 7
    assert_schema failure
    assert_json '.code == "forbidden"'
}
