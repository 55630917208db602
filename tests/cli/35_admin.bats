# SPDX-License-Identifier: MIT
# Administration: sessions, stats, kick, drain, reload. Local clients may do all of it.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    echo 'log-level = info' >sigd.conf
    start_sigd -c "$BATS_TEST_TMPDIR/sigd.conf"
}
teardown() { stop_all; }

# hold ID...: each is registered when it returns.
hold()
{
    for id; do
        start "$id" sigctl register "$id" --hold
    done
    sigctl wait peers "$#"
}

# sessions_of FROM TO COUNT: sessions that stay while the caller does, which ends with the test.
sessions_of()
{
    local i
    mkfifo script
    exec 7<>script
    start caller sigctl -q <script
    echo "register $1" >&7
    for ((i = 0; i < $3; i++)); do
        echo "offer $2 --session s-$i" >&7
    done
    wait_for 10 has_sessions "$3"
}

has_sessions() { [[ $(sigctl sessions --count) == "$1" ]]; }

@test "sessions are rows for people and objects for machines" {
    hold cam-1
    sessions_of drone-1 cam-1 2
    run --separate-stderr sigctl sessions
    assert_success
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --regexp '^s-0 +drone-1 +cam-1 +offered +1 +0 +0 +20.*Z +idle [0-9.]+ s$'
    run --separate-stderr sigctl sessions --json
    assert_success
    output=$(jq -sc . <<<"$output")
    assert_json 'length == 2 and .[1].session == "s-1" and .[1].from == "drone-1" and
        .[1].to == "cam-1" and .[1].state == "offered" and .[1].offers == 1 and .[1].answers == 0'
    assert_json 'all(.[]; .idle_us >= 0 and (.since | endswith("Z")) and .ts_us > 0 and .candidates == 0)'
    run --separate-stderr sigctl sessions --plain
    assert_line --index 0 --regexp $'^s-0\tdrone-1\tcam-1\toffered\t1\t0\t0\t'
    run --separate-stderr sigctl sessions -F '%{session} %{state}'
    assert_output $'s-0 offered\ns-1 offered'
}

@test "sessions: --match takes either side, --count counts" {
    hold cam-1
    sessions_of drone-1 cam-1 3
    run --separate-stderr sigctl sessions --match 'cam-*' --count
    assert_output 3
    run --separate-stderr sigctl sessions --match 'drone-*' -F '%{to}'
    assert_output $'cam-1\ncam-1\ncam-1'
    run --separate-stderr sigctl sessions --match 'x*'
    assert_success
    assert_output ''
    run --separate-stderr sigctl sessions --count --json
    assert_json '.ok and .type == "sessions" and .count == 3'
}

@test "sessions come in pages until there are no more" {
    stop "$SIGD_PID"
    start_sigd --max-sessions 1500
    hold cam-1
    sessions_of drone-1 cam-1 1100
    run --separate-stderr sigctl sessions -F '%{session}' -W 30s
    assert_success
    assert_equal "$(sort -u <<<"$output" | wc -l)" 1100
    assert_line --index 1099 s-1099
}

@test "stats are counters" {
    hold cam-1
    sigctl -q offer cam-1
    run --separate-stderr sigctl stats
    assert_success
    assert_line --regexp '^server +sigd/'
    assert_line --regexp '^clients +1$'
    assert_line --regexp '^relayed +offer 1$'
    run --separate-stderr sigctl stats --json
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_json '.ok and .type == "stats" and .clients == 1 and .relayed.offer == 1 and .uptime_us >= 0
        and .relayed_bytes > 0 and .errors.internal == 0 and .events.register == 2 and .queued_bytes == 0'
    run --separate-stderr sigctl stats -F '%{clients} %{monitors}'
    assert_output '1 0'
}

@test "kick closes a client, who does not come back" {
    hold drone-1
    held=$PID
    run --separate-stderr sigctl kick drone-1 --reason 'wrong firmware'
    assert_success
    assert_output 'kicked drone-1'
    assert_equal "$stderr" ''
    finish "$held"
    assert_equal "$status" 8
    assert_equal "$(<drone-1.err)" 'sigctl: connection closed by the server: 4502 kicked'
    run --separate-stderr sigmon -n 1 -C 1 --time none event=admin type=kick
    assert_output --regexp '^admin +kick .*→ drone-1 +done wrong firmware'
    run --separate-stderr sigctl kick drone-1 --json
    assert_failure 6
    assert_json '.exit == 6 and .code == "target_not_found" and .message == "drone-1 is not registered. Try: sigctl list"'
    assert_equal "$stderr" 'sigctl: drone-1 is not registered. Try: sigctl list'
    hold drone-1
    run --separate-stderr sigctl kick drone-1 --json
    assert_json '.ok and .type == "kick" and .id == "drone-1"'
    run --separate-stderr sigctl kick
    assert_failure 2
    assert_equal "$stderr" 'sigctl: usage: kick ID'
}

@test "reload says what is wrong with the configuration" {
    run --separate-stderr sigctl reload
    assert_success
    assert_output reloaded
    run --separate-stderr sigctl reload --json
    assert_json '.ok and .type == "reload"'
    echo 'log-levle = debug' >>sigd.conf
    run --separate-stderr sigctl reload
    assert_failure 7
    assert_output ''
    [[ $stderr == "sigctl: nothing was changed: "*"sigd.conf:2"*"log-levle"* ]]
    run --separate-stderr sigctl reload --json
    assert_failure 7
    assert_json '.exit == 7 and .code == "internal"'
    run --separate-stderr sigmon -n 2 -C 2 --time none event=reload or event=admin
    assert_output --regexp 'reload +failed: internal .*log-levle'
}

@test "drain ends when the server is gone" {
    hold cam-1
    run --separate-stderr sigctl drain
    assert_success
    assert_output drained
    assert_equal "$stderr" ''
    run --separate-stderr sigctl list
    assert_failure 3
    finish "$SIGD_PID"
    assert_equal "$status" 0
    start_sigd
    run --separate-stderr sigctl drain --json
    assert_json '.ok and .type == "drain" and .wait_us >= 0'
}
