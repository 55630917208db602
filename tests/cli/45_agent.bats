# SPDX-License-Identifier: MIT
# Simulated peers: who they are, what they answer, commands that answer for them, how they end.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    E2E=$BATS_TEST_DIRNAME/../e2e
}
teardown() { stop_all; }

# agents OPTION...: in the background, all registered; sets AGENTS.
agents()
{
    rm -f ready
    start agent sigctl agent --ready-file ready "$@"
    AGENTS=$PID
    wait_for 20 test -s ready
}

# summary WANT MEMBER...: ends the agents (of --json); these members of their summary are WANT.
summary()
{
    stop "$AGENTS"
    assert_equal "$status" 143
    assert_equal "$(jq -sc --args 'map(select(.type == "summary"))[0] | [.[$ARGS.positional[]]]' \
        "${@:2}" <agent.out)" "$1"
}

# load OPTION...: offers at a rate, each answered once.
load_agents() { PYTHONPATH=$E2E PYTHONDONTWRITEBYTECODE=1 python3 "$E2E/agent_load.py" "$SIGD_URL" "$@"; }

@test "twenty peers register, answer and take their leave" {
    start_sigd
    agents --count 20 --id 'drone-%02i' --ice 2
    assert_equal "$(<ready)" 20
    assert_regex "$(<agent.out)" '^20 agents registered as drone-01 … drone-20 in [0-9.]+ s$'
    run --separate-stderr sigctl list --match 'drone-*' --count
    assert_output 20
    run --separate-stderr sigctl -i cam call drone-07 --ice 3 --json
    assert_success
    assert_json '.to == "drone-07" and .ice_sent == 3 and .ice_received == 2'
    run --separate-stderr sigctl -i cam offer drone-20 --media audio,data --wait answer --json
    assert_json '[.sdp | scan("m=[a-z]+")] == ["m=audio", "m=application"]'
    assert_json '.sdp | contains("a=setup:active")'
    stop "$AGENTS"
    assert_equal "$status" 143
    assert_equal "$(tail -n 1 agent.out)" '2 offers: 2 answered, 0 rejected, 0 dropped; candidates: 4 sent, 3 received; 0 disconnects, 0 reconnects, 0 errors'
    assert_equal "$(<agent.err)" ''
    run --separate-stderr sigmon --json -n 500 -C 20 event=disconnect and 'id=drone-*'
    run jq -s 'map(.reason) | unique' <<<"$output"
    assert_output --partial '"1000 closed by peer"'
    refute_output --partial 'lost'
}

@test "ids are numbered as asked" {
    start_sigd
    agents --count 3 --id cam
    run --separate-stderr sigctl list --plain
    assert_output $'cam-1\ncam-2\ncam-3'
    stop "$AGENTS"
    agents --count 2 --id '%03i.x' --first 9
    run --separate-stderr sigctl list --plain
    assert_output $'009.x\n010.x'
    stop "$AGENTS"
    agents --id alone --role camera -m site=roof
    assert_regex "$(<agent.out)" '^1 agent registered as alone in '
    run --separate-stderr sigctl list --detail --json
    assert_json '.peers[0] | .id == "alone" and .role == "camera" and .meta == {"site": "roof"}'
}

# wrong TEXT OPTION...: a mistake that is told before anything is connected.
wrong()
{
    local text=$1
    shift
    run --separate-stderr sigctl agent "$@"
    assert_failure 2
    assert_output ''
    [[ $stderr == "sigctl: "*"$text"* ]] || fail "not '$text': $stderr"
}

@test "mistakes are told before anything is connected" {
    export SIGD_URL=ws://127.0.0.1:1
    wrong 'one %i or %04i' --id 'a%d'
    wrong 'one %i or %04i' --id 'a%i-%i' --count 2
    wrong 'number 1 gives no id' --id '-%i'
    wrong 'number 1 gives no id' --id 'two words' --count 2
    wrong 'such as 1% or 0.5%' --drop 0.01
    wrong 'such as 1% or 0.5%' --reject 101%
    wrong 'more than all offers' --reject 51% --drop 50%
    wrong 'such as 20ms..80ms' --delay 80ms..20ms
    wrong 'such as 20ms..80ms' --disconnect-after soon
    wrong 'auto, none, reject' --answer maybe
    wrong 'must be a count' --count 0
    wrong 'need more descriptors than the limit' --count 100M
    wrong 'no more than 1000' --ice 1001
    wrong 'no more than 256' --hooks 257
    wrong 'is not a role' --role 'a b'
    wrong 'want KEY=VALUE' --meta x
    wrong 'no message of that type arrives' --on register true
    wrong 'given twice' --on offer true --on offer false
    wrong '--on needs two values (TYPE CMD)' --on offer
    run --separate-stderr sigctl agent --answer @missing
    assert_failure 9
    run --separate-stderr sigctl agent
    assert_failure 3
    assert_equal "$stderr" \
        'sigctl: 1 of 1 agents could not register: cannot connect to ws://127.0.0.1:1: Connection refused'
}

@test "an option of two words stands before and behind the command" {
    start_sigd
    sigctl --on offer true agent --count 2 --duration 20ms --json >before
    sigctl agent --duration 20ms --json --on offer true --count 2 >behind
    for out in before behind; do
        assert_equal "$(jq -c '[.type, .count]' "$out")" $'["ready",2]\n["summary",2]'
    done
    run --separate-stderr sigctl --on offer true
    assert_failure 2
}

@test "answers: none, reject, a file, a text" {
    start_sigd
    printf 'v=0\r\ns=from a file "quoted"\r\n' >sdp
    start none sigctl agent --id none --answer none
    start reject sigctl agent --id reject --answer reject
    start file sigctl agent --id file --answer @sdp
    start text sigctl agent --id text --answer 'v=0 text' --ice 1
    sigctl wait peers 4
    run --separate-stderr sigctl -i cam offer none --wait answer -W 100ms
    assert_failure 5
    run --separate-stderr sigctl -i cam offer reject --wait answer
    assert_failure 7
    assert_equal "$stderr" 'sigctl: reject ended the session: rejected'
    run --separate-stderr sigctl -i cam offer file --wait answer --json
    assert_json '.sdp == "v=0\r\ns=from a file \"quoted\"\r\n"'
    run --separate-stderr sigctl -i cam call text --ice 1 --json
    assert_json '.ice_received == 1'
}

@test "an answer waits for its time, a bye takes it back, renegotiation is answered again" {
    start_sigd
    agents --id d --delay 150ms..200ms --json
    run --separate-stderr sigctl -i cam <<'END'
offer d
bye d
offer d
offer d
wait message --type answer
wait message --type answer
END
    assert_success
    run --separate-stderr sigctl -i cam offer d --wait answer --json
    assert_json '.rtt_us >= 150000'
    summary '[4,3,3]' offers answered byes
}

@test "machines get ready, messages and summary, a line each" {
    start_sigd
    agents --id d --json -v
    sigctl -q -i cam call d --ice 1
    wait_for 5 grep -q '"type":"bye"' agent.out
    stop "$AGENTS"
    assert_equal "$status" 143
    run jq -c '[.type, .agent, .from]' agent.out
    assert_output '["ready",null,null]
["offer","d","cam"]
["ice","d","cam"]
["ice","d","cam"]
["bye","d","cam"]
["summary",null,null]'
    run jq -sc '.[0] | [.ok, .count, .first, .last, (.ready_us > 0)]' agent.out
    assert_output '[true,1,"d","d",true]'
    run jq -sc '.[-1] | [.ok, .duration_us > 0, .seed > 0, .errors]' agent.out
    assert_output '[true,true,true,0]'
}

@test "peers of a script serve beside it" {
    start_sigd
    run --separate-stderr sigctl --json <<'END'
register op
agent --count 2 --duration 100ms
list --count
ping -C 1
END
    assert_success
    run jq -sc 'map(.type)' <<<"$output"
    assert_output '["registered","ready","summary","clients","pong","statistics"]'
}

@test "who cannot register is counted, with the first reason and its status" {
    start_sigd --duplicate-policy reject
    start taken sigctl register drone-2 --hold
    taken=$PID
    sigctl wait peer drone-2
    run --separate-stderr sigctl agent --count 3 --id drone-%i
    assert_failure 7
    assert_output ''
    assert_equal "$stderr" 'sigctl: 1 of 3 agents could not register: the server refused drone-2: id_taken (Client id already in use: drone-2 is registered by another connection)'
    run --separate-stderr sigctl agent --count 3 --id drone-%i --json --ready-file ready
    assert_failure 7
    assert_json '.ok == false and .code == "id_taken"'
    assert [ ! -e ready ]
    start agent sigctl agent --count 3 --id drone-%i --reconnect --ready-file ready
    sigctl wait peers 3
    assert [ ! -e ready ]
    stop "$taken"
    wait_for 10 test -s ready
}

@test "a token is for one id, the others are told; no token is exit 4" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret"
    sigctl token make --secret-file secret --role drone --sub drone-1 >drone.token
    run --separate-stderr sigctl agent --duration 50ms --token-file - <drone.token
    assert_success
    assert_line --index 0 --partial '1 agent registered as drone-1 in'
    run --separate-stderr sigctl agent --count 2 --id drone --token-file drone.token
    assert_failure 7
    [[ $stderr == 'sigctl: 1 of 2 agents could not register: the server refused drone-2: forbidden '* ]] || fail "$stderr"
    run --separate-stderr sigctl agent --count 2
    assert_failure 4
    [[ $stderr == 'sigctl: 2 of 2 agents could not register: '* ]] || fail "$stderr"
    run --separate-stderr env SIGD_TOKEN=none sigctl agent --reconnect
    assert_failure 4
}

@test "a new token is handed over before the old one ends; without one it is over" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret"
    make=(sigctl token make --secret-file secret)
    "${make[@]}" --role admin --sub op-1 >admin.token
    "${make[@]}" --role drone --sub drone-1 --for 3s >drone.token
    agents --token-file drone.token --json
    "${make[@]}" --role drone --sub drone-1 >new.token
    mv new.token drone.token
    run --separate-stderr sigctl --token-file admin.token wait peer drone-1 --gone -W 4500ms
    assert_failure 5
    summary '[0,0]' disconnects errors
    "${make[@]}" --role drone --sub drone-1 --for 2s >drone.token
    agents --token-file - --reconnect --json <drone.token
    finish "$AGENTS"
    assert_equal "$status" 4
    assert_equal "$(<agent.err)" 'sigctl: 1 of 1 agents lost their connection: connection closed by the server: 4503 token expired'
}

@test "TLS and its options" {
    openssl req -x509 -newkey ed25519 -nodes -keyout key -out cert -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -days 2 2>openssl.err
    start_sigd -l tls:127.0.0.1:0 --tls-cert "$PWD/cert" --tls-key "$PWD/key"
    SIGD_URL=wss://localhost:$(tail -n 1 port)
    for words in '--cacert cert' -k; do
        # shellcheck disable=SC2086  # words
        agents --count 20 --json $words
        summary '[20,0]' count errors
    done
    run --separate-stderr sigctl agent --count 2 --reconnect
    assert_failure 4
    [[ $stderr == 'sigctl: 2 of 2 agents could not register: TLS with wss://localhost:'* ]] || fail "$stderr"
}

@test "a full server; patience for one that is not there yet; a reader that leaves" {
    start_sigd --max-clients 2
    run --separate-stderr sigctl agent --count 3
    assert_failure 3
    [[ $stderr == 'sigctl: 1 of 3 agents could not register: the server answered HTTP status 503 '* ]] || fail "$stderr"
    run --separate-stderr sigctl agent --count 3 --reconnect --duration 300ms
    assert_failure 5
    assert_regex "$stderr" '^sigctl: only 2 of 3 agents are registered'
    run timeout 20 bash -c 'sigctl agent --count 2 | head -n 1; exit ${PIPESTATUS[0]}'
    assert_success
    assert_output --partial '2 agents registered'
    stop "$SIGD_PID"
    start agent sigctl agent --wait-server 20s --ready-file ready
    assert [ ! -e ready ]
    start_sigd -l "127.0.0.1:$SIGD_PORT"
    wait_for 10 test -s ready
    run --separate-stderr sigctl agent --ready-file no/where
    assert_failure 9
    assert_equal "$stderr" 'sigctl: cannot make no/where: No such file or directory'
}

@test "a command answers an offer: description, candidates, environment" {
    start_sigd
    cat >answer <<'END'
cat >offer.json
env | grep ^SIG | sort >environment
ls /proc/self/fd >descriptors
printf 'v=0\r\ns=hook\r\n'
END
    agents --id d --ice 1 --json --on offer 'sh ./answer'
    run --separate-stderr sigctl -i cam call d --ice 1 --json
    assert_success
    session=$(jq -r .session <<<"$output")
    assert_json '.ice_received == 1'
    assert_equal "$(jq -r '[.type, .from, .sessionId] | join(" ")' offer.json)" "offer cam $session"
    run cat environment
    assert_output "SIGD_URL=$SIGD_URL
SIGKIT_BUILD=$SIGKIT_BUILD
SIGKIT_FROM=cam
SIGKIT_ID=d
SIGKIT_SESSION=$session
SIGKIT_TYPE=offer"
    run --separate-stderr sigctl -i cam offer d --wait answer --json
    assert_json '.sdp == "v=0\r\ns=hook\r\n"'
    # what this shell has open by itself, and the directory that ls reads
    (ls /proc/self/fd >inherited) 3>&- </dev/null
    assert_equal "$(<descriptors)" "$(<inherited)"
    summary '[2,2,2,0]' offers answered hooks_run hooks_failed
}

@test "a command says messages, nothing, or nonsense" {
    start_sigd
    agents --count 4 --id d --on offer 'case $SIGKIT_ID in
        d-1) echo "{\"type\":\"answer\",\"sdp\":\"v=0 lines\"}"; echo
             echo " {\"candidate\":null, \"type\":\"ice\"}" ;;
        d-2) ;;
        d-3) echo "{\"type\":\"answer\",\"sdp\"" ;;
        d-4) echo "{\"type\":\"bye\",\"reason\":\"busy\",\"target\":\"$SIGKIT_FROM\"}" ;;
        esac' --on bye 'cat >>byes'  --json
    run --separate-stderr sigctl -i cam call d-1 --ice 1 --json
    assert_success
    assert_json '.ice_us > 0 and .ice_received == 0'
    wait_for 5 grep -q '"type":"bye"' byes
    run --separate-stderr sigctl -i cam offer d-2 --wait answer -W 200ms
    assert_failure 5
    run --separate-stderr sigctl -i cam offer d-3 --wait answer -W 200ms
    assert_failure 5
    wait_for 5 test -s agent.err
    assert_equal "$(<agent.err)" 'sigctl: d-3: --on offer: what it said is not an answer'
    run --separate-stderr sigctl -i cam offer d-4 --wait answer
    assert_failure 7
    assert_equal "$stderr" 'sigctl: d-4 ended the session: busy'
    summary '[4,1,1,1,0]' offers answered rejected hooks_failed errors
}

@test "a command that fails, hangs or talks too much rejects the offer and is told" {
    start_sigd
    agents --count 4 --id d --json -W 1s --on offer 'case $SIGKIT_ID in
        d-1) exit 3 ;;
        d-2) sleep 1000 & echo $! >sleeper; wait ;;
        d-3) yes ;;
        d-4) kill -9 $$ ;;
        esac'
    for n in 1 2 3 4; do
        run --separate-stderr sigctl -i cam offer d-$n --wait answer -W 10s
        assert_failure 7
        assert_equal "$stderr" "sigctl: d-$n ended the session: rejected"
    done
    assert_equal "$(<agent.err)" 'sigctl: d-1: --on offer: exit status 3
sigctl: d-2: --on offer: killed, it took too long
sigctl: d-3: --on offer: it said more than a message can hold
sigctl: d-4: --on offer: killed by signal 9'
    # what it started has gone with it, and nothing is left to collect
    wait_for 5 gone "$(<sleeper)"
    run pgrep -P "$AGENTS"
    assert_failure 1
    summary '[4,4,4]' rejected hooks_run hooks_failed
}

# gone PID: no such process, or one that has ended.
gone() { ! [[ -e /proc/$1 ]] || grep -q '^State:.*Z' "/proc/$1/status"; }

@test "a command that is still running ends with its peers" {
    start_sigd
    agents --id d --on offer 'echo $$ >shell; sleep 1000'
    sigctl -q -i cam offer d
    wait_for 5 test -s shell
    stop "$AGENTS"
    assert_equal "$status" 143
    run gone "$(<shell)"
    assert_success
}

@test "more messages than commands can take are counted, and one remark is made" {
    start_sigd --message-rate 0 --byte-rate 0
    mkfifo gate
    agents --id agent-1 --json --hooks 2 -W none --on offer 'read -r line <gate'
    load_agents --agents 1 --rate 1000 --count 1100 --faults >load.out
    summary '[1100,74]' offers hooks_lost
    assert_equal "$(<agent.err)" 'sigctl: agent-1: --on offer: too many messages wait for their command, some are left out (try: --hooks)'
}

@test "two hundred peers answer each offer once, with all candidates" {
    start_sigd --message-rate 0 --byte-rate 0
    agents --count 200 --ice 4 --delay 0ms..80ms --json
    run load_agents --agents 200 --rate 200 --seconds 3 --ice 4
    assert_success
    assert_json '.answers == 600 and .missing == 0 and .double == 0 and .wrong_candidates == 0'
    summary '[600,600,2400,0]' offers answered ice_sent errors
}
