# SPDX-License-Identifier: MIT
# Faults of simulated peers at the rates that were asked for, as a monitor of the server sees them.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    E2E=$BATS_TEST_DIRNAME/../e2e
}
teardown() { stop_all; }

# monitor EXPR...: writes events that match to events.
monitor()
{
    rm -f attached events.out
    start events sigmon --json --ready-file attached "$@"
    MONITOR=$PID
    wait_for 10 test -e attached
}

# agents OPTION...: in the background, all registered; sets AGENTS.
agents()
{
    rm -f ready
    start agent sigctl agent --ready-file ready "$@"
    AGENTS=$PID
    wait_for 20 test -s ready
}

# offers N OPTION...: to peers that may leave them unanswered, until each has been looked at. Sets
# CALLERS, who stay: the sessions of those who leave end.
offers()
{
    rm -f load.out
    PYTHONPATH=$E2E PYTHONDONTWRITEBYTECODE=1 start load python3 "$E2E/agent_load.py" "$SIGD_URL" \
        --count "$1" --faults --stay "${@:2}"
    CALLERS=$PID
    wait_for 20 test -s load.out
    assert_equal "$(jq .acks load.out)" "$1"
    wait_for 20 looked_at "$1"
}

looked_at() { (($(grep -c '"type":"offer"' agent.out) == $1)); }
seen() { (($(grep -c "$2" events.out) >= $1)); }

# within N P COUNT: five sigma of a binomial distribution, one failure in two million runs.
within()
{
    python3 - "$@" <<'END'
import math
import sys
n, p, count = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
bound = 5 * math.sqrt(n * p * (1 - p))
sys.exit(abs(count - n * p) > bound and f"{count} of {n} is not {p} within {bound:.0f}")
END
}

@test "drop and reject come at their rates" {
    start_sigd --message-rate 0 --byte-rate 0
    monitor 'event=relay kind=answer,bye from=drone-*'
    agents --count 20 --id 'drone-%02i' --drop 5% --reject 10% --seed 1 --json -v
    offers 3000 --agent drone-% --digits 2 --agents 20 --callers 60 --rate 1000
    stop "$AGENTS"
    assert_equal "$status" 143
    read -r answered rejected dropped < <(jq -r 'select(.type == "summary") |
        "\(.answered) \(.rejected) \(.dropped)"' agent.out)
    assert_equal $((answered + rejected + dropped)) 3000
    wait_for 10 seen "$answered" '"kind":"answer"'
    wait_for 10 seen "$rejected" '"kind":"bye"'
    stop "$CALLERS"
    stop "$MONITOR"
    answers=$(grep -c '"kind":"answer"' events.out)
    byes=$(grep -c '"kind":"bye"' events.out)
    assert_equal "$answers $byes" "$answered $rejected"
    within 3000 0.85 "$answers"
    within 3000 0.10 "$byes"
    within 3000 0.05 "$((3000 - answers - byes))"
}

# rejected SEED FILE: which of two hundred offers are rejected; those of a peer come in order, from one
# caller.
rejected()
{
    monitor 'event=relay kind=answer,bye from=agent-*'
    agents --count 4 --reject 20% --delay 0ms..2ms --seed "$1" --json -v
    offers 200 --agents 4 --callers 4 --rate 2000
    wait_for 10 seen 200 '"event":"relay"'
    stop "$AGENTS"
    assert_equal "$(jq -r 'select(.type == "summary").seed' agent.out)" "$1"
    stop "$CALLERS"
    stop "$MONITOR"
    jq -r 'select(.kind == "bye").session' events.out | sort >"$2"
}

@test "the same seed, the same faults; another, others" {
    start_sigd --message-rate 0 --byte-rate 0
    rejected 7 first
    rejected 7 again
    rejected 8 other
    assert [ -s first ]
    cmp first again
    run cmp -s first other
    assert_failure 1
}

@test "peers drop their connections and come back" {
    start_sigd --message-rate 0
    monitor 'event=register,disconnect id=drone-*'
    agents --count 5 --id drone-%i --disconnect-after 100ms..300ms --reconnect --json
    wait_for 20 seen 20 '"event":"disconnect"'
    wait_for 20 seen 20 '"event":"register"'
    stop "$AGENTS"
    run jq -sc 'map(select(.event == "disconnect").reason) | unique' events.out
    assert_output --partial '"connection lost"'
    # each of them, and none twice without a registration between
    run jq -sc 'group_by(.id) | map([.[0].id, length >= 4, ([.[].event] | to_entries |
        all(.value == ["register", "disconnect"][.key % 2]))])' events.out
    assert_output '[["drone-1",true,true],["drone-2",true,true],["drone-3",true,true],["drone-4",true,true],["drone-5",true,true]]'
    run jq -sc 'map(select(.type == "summary"))[0] | [.disconnects >= 15, .reconnects >= 15, .errors]' agent.out
    assert_output '[true,true,0]'
}

@test "without reconnect who has dropped its connection stays away, and none left is an end" {
    start_sigd
    run --separate-stderr sigctl agent --count 5 --disconnect-after 10ms..200ms
    assert_success
    assert_line --index 1 --partial '; 5 disconnects, 0 reconnects, 0 errors'
    assert_equal "$stderr" ''
    run --separate-stderr sigctl list --count
    assert_output 0
}

@test "a server that goes: lost is 8, with reconnect they are back when it said so" {
    start_sigd --reconnect-window 300ms
    start lost sigctl agent --count 3 --id lost-%i
    lost=$PID
    agents --count 3 --id back-%i --reconnect --json
    sigctl wait peers 6
    port=$SIGD_PORT
    sigctl -q drain
    finish "$SIGD_PID"
    finish "$lost"
    assert_equal "$status" 8
    assert_equal "$(<lost.err)" 'sigctl: 3 of 3 agents lost their connection: the server is draining: connection closed by the server: 1001 server going away'
    start_sigd -l "127.0.0.1:$port"
    export SIGD_URL=ws://127.0.0.1:$port
    run --separate-stderr sigctl wait peers 3 --match 'back-*' -W 10s
    assert_success
    sigctl -q -i cam call back-2
    stop "$AGENTS"
    run jq -sc 'map(select(.type == "summary"))[0] | [.disconnects, .reconnects, .answered]' agent.out
    assert_output '[3,3,1]'
}

@test "who was kicked or replaced does not come back" {
    start_sigd
    agents --count 2 --id drone-%i --reconnect
    sigctl -q kick drone-1
    start other sigctl register drone-2 --hold
    finish "$AGENTS"
    assert_equal "$status" 8
    assert_equal "$(<agent.err)" \
        'sigctl: 2 of 2 agents lost their connection: connection closed by the server: 4502 kicked'
}

@test "connections are started at the asked rate" {
    start_sigd
    monitor 'event=register'
    agents --count 11 --connect-rate 20
    run jq -sc '.[-1].ts_us - .[0].ts_us >= 400000' events.out
    assert_output true
}
