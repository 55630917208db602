#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Real calls: RTCPeerConnections of Chromium and of aiortc find each other through sigd, their data
# channels open and carry messages, and sigmon explains what was seen of it.

load lib

SIGCTL="$SIGKIT_BUILD/cli/sigctl/sigctl"
EXAMPLES="$E2E/../../examples"
SIGMON="$SIGKIT_BUILD/cli/sigmon/sigmon"

setup() {
    e2e_setup
    web_pid=
    job_pid=
}

teardown() {
    local pid
    for pid in $job_pid $web_pid; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    e2e_teardown
}

# serve DIR [OPTION…]: the pages in it, by the server that examples/README.md names, and sigd for them alone.
serve() {
    "$PYTHON" -u -m http.server 0 --bind 127.0.0.1 --directory "$1" >web 2>&1 3>&- &
    web_pid=$!
    wait_for grep -q '^Serving HTTP' web
    E2E_WEB=http://127.0.0.1:$(sed -nE 's/^Serving HTTP .* port ([0-9]+) .*/\1/p' web)
    export E2E_WEB
    start_sigd --allow-origin "$E2E_WEB" "${@:2}"
    export SIGD_URL=ws://127.0.0.1:$E2E_PORT
}

# browser CASE [ARG…]: of call.mjs; sessions has the ids that it prints.
browser() {
    command -v "${CHROMIUM:-chromium}" >/dev/null || {
        echo "chromium is not installed; scripts/test installs it" >&2
        return 1
    }
    run --separate-stderr "$NODE" "$E2E/call.mjs" "$@"
    [[ $status -eq 0 ]] || echo "$stderr" >&2
    assert_success
    sessions=("${lines[@]}")
}

# background COMMAND…: ends with ended, its output is in the file named after job.
background() {
    "$@" >job.out 2>job.err 3>&- &
    job_pid=$!
}

# ended [SESSION]: the job has ended well; the last line that it printed is in session.
ended() {
    local status=0
    wait "$job_pid" || status=$?
    job_pid=
    session=$(tail -n 1 job.out)
    if [[ $status -ne 0 || $session != "${1:-$session}" ]]; then
        echo "the job ended with $status and said '$session':" >&2
        cat job.err >&2
        return 1
    fi
}

peer() {
    "$PYTHON" "$E2E/call.py" "$@"
}

example_peer() {
    "$PYTHON" -u "$EXAMPLES/aiortc_peer.py" --url "$SIGD_URL" "$@"
}

# explained SESSION CALLER CALLEE FILTER: as a call that was set up and hung up, in words and as an
# object for which the filter of jq is true.
explained() {
    run "$SIGMON" explain "$1"
    assert_success
    assert_line "$1"
    assert_line --regexp "^$2 called $3 at .*, answered after .*, ended after .*: hangup$"
    refute_line --regexp '^!'
    run "$SIGMON" explain --json "$1"
    assert_success
    run jq -e --arg a "$2" --arg b "$3" '.verdict == "ended" and .reason == "hangup"
        and .caller.id == $a and .callee.id == $b and .caller.offers > 0 and .callee.answers > 0
        and .caller.errors + .callee.errors == 0
        and all(.findings[]; .weight != "failed") and '"($4)" <<<"$output"
    assert_success
}

# Of Chromium, whose candidates trickle; of aiortc, whose candidates are all in its description.
trickled='.host > 0 and .mdns == 0 and .candidates == .host and .end_of_candidates and .media == "data"'
described='.candidates == 0 and .end_of_candidates and .media == "data"'
no_candidates='any(.findings[]; .code == "no_candidates")'

@test "two pages of the original's client code, unchanged" {
    serve "$E2E/fixtures"
    browser pages
    explained "${sessions[0]}" drone-alpha-001 camera-2 \
        "(.caller | $trickled) and (.callee | $trickled)"
}

@test "the original's client code calls aiortc" {
    serve "$E2E/fixtures"
    background peer python-1 answer bye
    "$SIGCTL" wait peer python-1
    browser calls python-1
    ended "${sessions[0]}"
    explained "${sessions[0]}" page python-1 \
        "(.caller | $trickled) and (.callee | $described) and $no_candidates"
}

@test "aiortc calls the original's client code" {
    serve "$E2E/fixtures"
    when_page_is_there() { "$SIGCTL" wait peer page && peer python-1 page; }
    background when_page_is_there
    browser called python-1
    ended "${sessions[0]}"
    explained "${sessions[0]}" python-1 page \
        "(.caller | $described) and (.callee | $trickled) and $no_candidates"
}

@test "aiortc calls aiortc" {
    start_sigd
    export SIGD_URL=ws://127.0.0.1:$E2E_PORT
    background peer python-2 answer
    "$SIGCTL" wait peer python-2
    run --separate-stderr peer python-1 python-2 bye
    assert_success
    ended "${lines[-1]}"
    explained "$session" python-1 python-2 "([.caller, .callee] | all($described)) and $no_candidates"
}

@test "two tabs of the example find each other, chat, show their cameras and hang up" {
    serve "$EXAMPLES"
    browser tabs
    explained "${sessions[0]}" alice bob ".caller.media == \"audio,video,data\" and .caller.host > 0"
}

@test "a tab of the example calls the Python example, which echoes" {
    serve "$EXAMPLES"
    background example_peer
    "$SIGCTL" wait peer python-1
    browser echo python-1
    explained "${sessions[0]}" alice python-1 "(.caller | $trickled) and (.callee | $described)"
    stop_sigd # and with it the peer
    ended
    [ ! -s job.err ]
}

is_answered() {
    grep -q '^alice: read$' caller.out
}

@test "the Python example calls a tab of the example: a line is a message, their end hangs up" {
    serve "$EXAMPLES"
    background "$NODE" "$E2E/call.mjs" answer
    "$SIGCTL" wait peer alice
    { echo typed && wait_for is_answered; } |
        example_peer --call alice >caller.out 2>caller.err
    ended
    explained "$session" python-1 alice "(.caller | $described) and (.callee | $trickled)"
    run ! example_peer --call ghost 2>&1
    assert_output --partial "ghost is not registered"
}

@test "the server restarts during a call: it goes on, and the tabs come back" {
    serve "$EXAMPLES" --reconnect-window 200ms
    background "$NODE" "$E2E/call.mjs" restart
    wait_for restart_or_end
    stop_sigd
    start_sigd --allow-origin "$E2E_WEB" -l "127.0.0.1:$E2E_PORT"
    ended
    explained "$session" bob alice "(.caller | $trickled) and (.callee | $trickled)"
}

restart_or_end() {
    [[ -e restart ]] || ! kill -0 "$job_pid" 2>/dev/null
}

@test "two tabs of the example call each other at once" {
    serve "$EXAMPLES"
    browser glare
    [ ${#sessions[@]} -eq 5 ]
}
