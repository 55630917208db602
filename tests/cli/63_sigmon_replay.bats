# SPDX-License-Identifier: MIT
# sigmon replay: what was recorded, done again; and what is told where it goes differently.
setup() {
    load ../lib/common.bash
    load recording.bash
    cd "$BATS_TEST_TMPDIR" || return
    E2E=$BATS_TEST_DIRNAME/../e2e
    ends=0
}
teardown() { stop_all; }

# recorded FILE OPTION...: what happens from now on, until done_again.
recorded()
{
    rm -f ready
    END=end-$((++ends))
    start rec sigmon record "$@" --ready-file ready --until "event=disconnect and id=$END"
    REC=$PID
    wait_for 5 test -e ready
}

# fresh OPTION...: another server; what happens there is recorded in again.jsonl.
fresh()
{
    start_sigd "$@"
    recorded again.jsonl
}

# done_again: the recording is whole; the end is not in it.
done_again()
{
    sigctl -q register "$END"
    finish "$REC"
    assert_equal "$status" 0
    assert_regex "$(<rec.err)" ', none missed$'
}

# pairs FILE: counts and order of each pair.
pairs() { sigmon analyze "$1" --json | jq -c '.pairs[]'; }

# wire FILE: each message, without times and connections, in no order; see pairs.
wire()
{
    jq -c 'select(.event == "relay") | [.kind, .from, .to, .session, .summary, .size]' "$1" | sort
}

# calls: recorded in calls.jsonl, with agents and an id that nobody has.
calls()
{
    start_sigd
    start agent sigctl agent --count 3 --id 'cam-%i' --answer auto --ice 2 --ready-file up
    wait_for 5 test -s up
    for i in 1 2 3; do
        sigctl -q -i "drone-$i" call "cam-$i" --ice 2
    done
    sigctl -q -i drone-1 offer ghost --sdp auto 2>/dev/null || true
    sigctl -q -i drone-9 bye cam-1 2>/dev/null || true
    sigctl -q register last
    sigmon -q record calls.jsonl --since 0 --until 'event=disconnect and id=last' -W 5s
    stop_all
}

@test "a recording done again is the same recording" {
    calls
    fresh
    run --separate-stderr sigmon replay calls.jsonl
    assert_success
    assert_equal "$stderr" ''
    assert_line --index 0 --regexp "^calls.jsonl to $SIGD_URL: [0-9.]+ s in [0-9.]+ s at 1x\$"
    assert_line 'peers           8: 9 registered, 0 could not, 0 lost their connection'
    assert_line 'messages        29: 29 sent, 27 delivered, 2 failed as recorded, 0 went differently'
    assert_line --regexp '^lag +p50 .* of 29$'
    assert_line --regexp '^round trip +p50 .* of 27$'
    done_again
    assert_equal "$(pairs again.jsonl)" "$(pairs calls.jsonl)"
    assert_equal "$(wire again.jsonl)" "$(wire calls.jsonl)"
    for file in calls again; do
        jq -c 'select(.event | IN("register", "session_open", "session_answer", "session_end")) |
            [.event, .id, .from, .to, .session, .reason]' "$file.jsonl" | grep -v '"end-' | sort >"$file.lives"
    done
    cmp calls.lives again.lives
    assert_equal "$(jq -c 'select(.event == "deliver_error") | [.kind, .from, .to, .code]' again.jsonl)" \
        "$(jq -c 'select(.event == "deliver_error") | [.kind, .from, .to, .code]' calls.jsonl)"
}

@test "plain, compressed, from stdin, at any speed; one object" {
    calls
    gzip -k calls.jsonl
    fresh
    for words in 'calls.jsonl --speed max' 'calls.jsonl.gz --speed 10x' '- --speed 10' '-f calls.jsonl --speed 0.5x'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigmon replay $words --json <calls.jsonl
        assert_success
        assert_equal "$stderr" ''
        assert_schema replay sigmon
        assert_json '[.ok, .exit, .complete, .peers, .registered, .messages, .sent, .delivered, .errors,
            .as_recorded, .differently, .skipped, .before, .missed] ==
            [true, 0, true, 8, 9, 29, 29, 27, 2, 29, 0, 0, 0, 0]'
        assert_json '.differences == [] and .first_difference == null and .round_trip.count == 27'
        assert_json 'if .speed == "max" then .lag.max_us == null else .lag.count == 29 end'
    done
    done_again
    assert_equal "$(sigmon analyze again.jsonl --json | jq -c '[.messages, .sessions.ended, .errors]')" '[108,12,8]'
}

@test "the time between messages is that of the recording by the speed" {
    seq=0
    { relay 0 offer a b s 800 video && relay 400 bye a b s 90; } >slow
    start_sigd
    for want in 1x:400000 4x:100000; do
        run --separate-stderr sigmon replay slow --speed "${want%:*}" --json
        assert_success
        assert_json ".took_us >= ${want#*:} and .recorded_us == 400000"
    done
}

@test "a part of a recording" {
    calls
    start_sigd
    run --separate-stderr sigmon replay calls.jsonl peer=drone-2 -x event=deliver_error --json
    assert_success
    assert_json '[.peers, .messages, .differently] == [2, 9, 0]'
    run --separate-stderr sigmon replay calls.jsonl --until 'type=answer' --json
    assert_success
    assert_json '[.peers, .messages] == [4, 2]'
    run --separate-stderr sigmon replay calls.jsonl event=relay type=answer,ice --json
    assert_failure 12
    assert_equal "$stderr" 'sigmon: calls.jsonl: no peer that could be made again'
}

@test "--map renames, as sed does" {
    calls
    fresh
    run --separate-stderr sigmon replay calls.jsonl --map 's/drone/sim/' --map 's|^(cam)-([0-9])$|\2.\1|' --speed max
    assert_success
    done_again
    assert_equal "$(wire again.jsonl)" "$(wire calls.jsonl | sed -E 's/drone/sim/g; s/"(cam)-([0-9])"/"\2.\1"/g' | sort)"
    assert_equal "$(sigmon analyze again.jsonl --json | jq -c '[.pairs[].order] | sort')" \
        "$(sigmon analyze calls.jsonl --json | jq -c '[.pairs[].order] | sort')"
}

@test "what --map cannot do is told before anything is sent" {
    seq=0
    { relay 0 offer cam-1 cam-2 s 800 video && failed 1 offer cam-1 ghost s target_not_found; } >two
    export SIGD_URL=ws://127.0.0.1:1
    while IFS=' ' read -r rule text; do
        run --separate-stderr sigmon replay two --map "$rule"
        assert_failure 2
        assert_output ''
        assert_equal "$stderr" "sigmon: --map $text"
    done <<'END'
s/-.// makes cam of both cam-1 and cam-2
s/.*/cam-2/ makes cam-2 of both cam-1 and cam-2
s/cam-1/ghost/ makes ghost of both cam-1 and ghost
s/cam// makes '-1' of cam-1, which is no id
s/1/&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&/ makes 'cam-1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111' of cam-1, which is no id
s/a/b 's/a/b': want s/RE/TEXT/, with g or i behind it if need be
s/(/b/ 's/(/b/': Unmatched ( or \(
s/a/\1/ 's/a/\1/': there is no group \1
END
}

@test "sizes are kept, whatever they are" {
    seq=0
    {
        for size in 900 400 180 130; do
            relay $((seq * 2)) offer a b "s$size" "$size" audio,video,data
            relay $((seq * 2)) answer b a "s$size" "$((size - 7))" audio
            for kind in host srflx/tcp mdns relay prflx end; do
                relay $((seq * 2)) ice a b "s$size" "$((size / 2 + seq))" "$kind"
            done
            relay $((seq * 2)) bye a b "s$size" "$((size / 10 + 25))"
        done
        relay 500 ice b a '' 60 host
    } >sizes.jsonl
    fresh
    run --separate-stderr sigmon replay sizes.jsonl --speed max
    assert_success
    assert_equal "$stderr" ''
    done_again
    assert_equal "$(wire again.jsonl)" "$(wire sizes.jsonl | sed 's/,""\(,[0-9]*\]\)/,null\1/')"
}

@test "a size that longer ids leave no room for is told" {
    seq=0
    { relay 0 offer a b s 800 video && relay 1 bye a b s 30; } >short
    start_sigd
    run --separate-stderr sigmon replay short
    assert_success
    run --separate-stderr sigmon replay short --map 's/b/a-much-longer-name/' --json
    assert_success
    assert_schema replay sigmon
    assert_json '[.resized, .delivered, .differently] == [1, 2, 0]'
    run --separate-stderr sigmon replay short --map 's/b/a-much-longer-name/'
    assert_success
    assert_line 'resized         1 could not be as short as recorded'
}

@test "made-up descriptions are valid" {
    seq=0
    {
        for media in audio video data audio,video audio,video,data; do
            relay "$seq" offer a b "$media" 1500 "$media"
            relay "$seq" answer b a "$media" 1400 "$media"
        done
    } | sed 's/"session":"\([a-z]*\),\([a-z]*\),*/"session":"\1-\2/' >media.jsonl
    start_sigd --log-sdp full
    recorded content.jsonl --content
    run --separate-stderr sigmon replay media.jsonl --speed max
    assert_success
    done_again
    for kind in offer answer; do
        jq -r "select(.kind == \"$kind\").sdp" content.jsonl >"$kind.sdps"
        assert_equal "$(grep -c ^v=0 "$kind.sdps")" 5
        for i in 1 2 3 4 5; do
            jq -jr "select(.kind == \"$kind\").sdp" <<<"$(jq -c "select(.kind == \"$kind\")" content.jsonl | sed -n "${i}p")" >one.sdp
            run --separate-stderr sigctl sdp check "--$kind" @one.sdp
            [[ $status == 0 ]] || fail "$kind $i: $output $stderr $(<one.sdp)"
        done
    done
}

@test "contents that were recorded are sent byte for byte" {
    start_sigd --log-sdp full
    recorded content.jsonl --content
    start agent sigctl agent --count 2 --id 'cam-%i' --answer auto --ice 2 --ready-file up
    wait_for 5 test -s up
    sigctl -q -i drone-1 call cam-1 --ice 2
    {
        echo register drone-2
        printf "send cam-2 --type %s '%s'\n" offer '{"sdp":"v=0\r\nm=video \u0041\u2028","x-more":[1, 2]}' \
            ice '{"candidate":{ "candidate" :"candidate:1 1 udp 1 x.local 9 typ host"}}'
        echo bye cam-2
    } | sigctl -q
    done_again
    stop_all
    mv content.jsonl first.jsonl
    start_sigd --log-sdp full
    recorded content.jsonl --content
    run --separate-stderr sigmon replay first.jsonl --map s/drone/dr/ --json
    assert_success
    assert_json '.resized == 2'
    done_again
    for file in first content; do
        sed -nE 's/.*"kind":"([a-z]+)".*,("sdp"|"candidate"):(.*),"ts_us".*/\1 \3/p' "$file.jsonl" | sort >"$file.values"
    done
    (($(wc -l <first.values) >= 9)) || fail "$(<first.values)"
    cmp first.values content.values
    grep -qF '\u0041\u2028' content.values
    # an offer that opens a session had no room for the session's id
    sizeless() { jq -c '.[:5]' | sort; }
    assert_equal "$(wire content.jsonl | sizeless)" "$(wire first.jsonl | sed 's/drone/dr/g' | sizeless)"
}

@test "failures are expected as they were, and told when they are others" {
    seq=0
    {
        failed 0 offer a ghost '' target_not_found
        relay 1 offer a b s 500 video
        failed 2 ice a b none session_not_found
        failed 3 answer b ghost '' target_not_found
        relay 4 bye b a s 90
    } >errors
    start_sigd
    run --separate-stderr sigmon replay errors --json
    assert_success
    assert_schema replay sigmon
    assert_json '[.peers, .messages, .delivered, .errors, .as_recorded] == [2, 5, 2, 3, 5]'
    start ghost sigctl -i ghost listen
    sigctl wait peer ghost
    run --separate-stderr sigmon replay errors -v --json
    assert_failure 1
    assert_schema replay sigmon
    assert_json '[.differently, .errors, .differences] == [2, 1, [
        {recorded: "target_not_found", got: "other_peer", count: 1},
        {recorded: "target_not_found", got: "session_not_found", count: 1}]]'
    [[ $stderr == *'answer from b to ghost: session_not_found, recorded: target_not_found'* ]] || fail "$stderr"
    [[ $stderr == *'sigmon: not as recorded; first: '* ]] || fail "$stderr"
}

@test "who leaves is gone for those who write to him, until he comes back" {
    seq=0
    {
        life 0 register a 1 && life 0 register b 2
        for i in 1 2 3 4 5; do
            relay 1 offer a b "s$i" 500 video
            life 1 disconnect b $((i + 1)) '1000 closed by peer'
            failed 1 ice a b "s$i" target_not_found
            life 1 register b $((i + 2))
        done
    } >leaves
    start_sigd
    for speed in 1x max; do
        run --separate-stderr sigmon replay leaves --speed "$speed"
        assert_success
        assert_line 'messages        10: 10 sent, 5 delivered, 5 failed as recorded, 0 went differently'
        assert_line 'peers           2: 7 registered, 0 could not, 0 lost their connection'
    done
}

@test "an id taken over is taken over again, with its sessions or without" {
    start_sigd
    recorded taken.jsonl
    timeout 20 "${SIGKIT_PYTHON:-/usr/bin/python3}" - "$SIGD_URL" <<'END'
import asyncio, json, sys, websockets

async def peer(id, resume=None):
    ws = await websockets.connect(sys.argv[1])
    claim = {"type": "register", "id": id}
    await ws.send(json.dumps(claim | ({"resume": resume} if resume else {})))
    return ws, json.loads(await ws.recv())["resume"]

async def say(ws, other, **message):
    await ws.send(json.dumps(message))
    while json.loads(await other.recv())["type"] != message["type"]:
        pass

async def main():
    a, word = await peer("a")
    b, _ = await peer("b")
    await say(a, b, type="offer", target="b", sessionId="s1", sdp="v=0")
    a2, word = await peer("a", word)
    await say(b, a2, type="answer", target="a", sessionId="s1", sdp="v=0")
    a3, word = await peer("a")
    while json.loads(await b.recv())["type"] != "bye":
        pass
    await b.send('{"type":"ice","target":"a","sessionId":"s1","candidate":null}')
    assert json.loads(await b.recv())["code"] == "session_not_found"
    for ws in (a3, b):
        await ws.close()

asyncio.run(main())
END
    done_again
    fresh
    run --separate-stderr sigmon replay taken.jsonl --json
    assert_success
    assert_json '[.registered, .delivered, .errors, .lost_connections] == [5, 2, 1, 0]'
    done_again
    for file in taken again; do
        jq -c 'select(.id == "a" and (.event | IN("replace", "register", "session_end"))) |
            [.event, .session, .reason]' "$file.jsonl" >"$file.lives"
    done
    assert_equal "$(wc -l <taken.lives)" 6
    cmp taken.lives again.lives
}

@test "sessions from before the recording, rates and gaps are left out and told" {
    seq=0
    {
        relay 0 answer b a old 300 video
        relay 1 offer a b new 500 video
        relay 2 ice b a old 200 host
        event 3 '"event":"rate_limit","id":"a","code":"rate_limited"'
        echo '{"type":"gap","missed":7,"from":5,"to":11}'
    } >partly
    start_sigd
    run --separate-stderr sigmon replay partly
    assert_success
    assert_line 'messages        1: 1 sent, 1 delivered, 0 failed as recorded, 0 went differently'
    assert_line 'left out        1 over a rate, broken or of another kind'
    assert_line '                2 of sessions that began before the recording'
    assert_line '                7 events missed by the recording'
    run --separate-stderr sigmon replay partly --json
    assert_json '[.skipped, .before, .missed] == [1, 2, 7]'
}

@test "a recording over a restart of the server goes on" {
    seq=0
    { relay 0 offer a b s 500 video && relay 5 bye a b s 90; } >part
    { cat part && echo '{"type":"restart"}' && cat part; } >twice
    start_sigd
    run --separate-stderr sigmon replay twice --json
    assert_success
    assert_json '[.registered, .delivered] == [4, 4]'
}

@test "what is no recording, holds nothing, or is not asked for right" {
    export SIGD_URL=ws://127.0.0.1:1
    seq=0
    life 0 connect '' 1 >nobody
    while IFS='|' read -r want words text; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigmon replay $words
        assert_equal "$words: $status" "$words: $want"
        assert_output ''
        assert_equal "$stderr" "sigmon: $text"
    done <<'END'
2||replay needs a recording: sigmon replay FILE [EXPR...]
9|missing|missing: No such file or directory
12|nobody|nobody: no peer that could be made again
2|nobody --speed fast|--speed 'fast': want a factor such as 10x or 0.5x, or max
2|nobody --speed 0|--speed '0': want a factor such as 10x or 0.5x, or max
2|nobody --speed -1x|--speed '-1x': want a factor such as 10x or 0.5x, or max
2|nobody --speed 1y|--speed '1y': want a factor such as 10x or 0.5x, or max
2|nobody --content|--content is for a server, not for a recording
END
}

@test "no server is 3, one that is awaited is found" {
    seq=0
    relay 0 offer a b s 500 video >one
    start_sigd
    stop "$SIGD_PID"
    run --separate-stderr sigmon replay one --json
    assert_failure 3
    assert_json '.ok == false and .exit == 3'
    start replay sigmon replay one --wait-server 10s
    REPLAY=$PID
    start sigd "$SIGKIT_BUILD/daemon/sigd" -l "127.0.0.1:$SIGD_PORT" --health none
    finish "$REPLAY"
    assert_equal "$status" 0
    assert_regex "$(<replay.out)" '1 sent, 1 delivered'
}

@test "tokens: none is 4, one for the ids does" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$PWD/secret" --message-rate 0 --auth-failures 0
    seq=0
    { event 0 '"event":"register","id":"drone-1","role":"drone","conn":1' && relay 0 offer drone-1 drone-2 s 500 video; } >one
    run --separate-stderr sigmon replay one --json
    assert_failure 4
    assert_schema replay sigmon
    assert_json '[.registered, .not_registered] == [0, 2]'
    assert_regex "$stderr" '^sigmon: drone-[12] could not register: '
    sigctl token make --secret-file secret --ids 'drone-*' --role admin >ids.jwt
    run --separate-stderr sigmon replay one --token-file ids.jwt
    assert_success
    run --separate-stderr sigmon replay one --token-file ids.jwt --map s/drone-2/cam/
    assert_failure 1
    assert_equal "$stderr" 'sigmon: not as recorded; first: cam could not register: cam is not an id of this token' ||
        assert_regex "$stderr" '^sigmon: not as recorded; first: cam could not register: '
}

@test "an end before the end: -d, -W and signals, each with the summary" {
    seq=0
    { relay 0 offer a b s 500 video && relay 50000 bye a b s 90; } >long
    start_sigd
    run --separate-stderr sigmon replay long -d 200ms --json
    assert_success
    assert_json '[.complete, .sent, .delivered] == [false, 1, 1]'
    run --separate-stderr sigmon replay long -W 200ms
    assert_failure 5
    assert_output --partial 'at 1x, not to the end'
    assert_equal "$stderr" 'sigmon: timed out'
    for signal in INT:130 TERM:143; do
        # a shell's background job ignores SIGINT, unless told otherwise
        start replay env --default-signal=INT sigmon replay long --json
        REPLAY=$PID
        sigctl wait peers '>=2'
        stop "$REPLAY" "${signal%:*}"
        assert_equal "$status" "${signal#*:}"
        output=$(<replay.out)
        assert_json "[.complete, .exit] == [false, ${signal#*:}]"
        sigctl wait peers 0
    done
}

@test "a server that goes is 8, and the rest is not waited for" {
    seq=0
    { relay 0 offer a b s 500 video && relay 50000 bye a b s 90; } >long
    start_sigd
    start replay sigmon replay long --json
    REPLAY=$PID
    sigctl wait peers '>=2'
    kill -KILL "$SIGD_PID"
    finish "$REPLAY"
    assert_equal "$status" 8
    output=$(<replay.out)
    assert_schema replay sigmon
    assert_json '.lost_connections == 2'
}

@test "a server that says strange things, or nothing any more" {
    start fake timeout 30 "${SIGKIT_PYTHON:-/usr/bin/python3}" - <<'END'
import asyncio, json, websockets

peers, strange = {}, ["{", "[]", "5", '{"type":"ack"}', '{"type":"ack","rid":-1}', '{"type":"ack","rid":"0"}',
    '{"type":"ack","rid":99999999999}', '{"type":"error"}' , '{"type":"bye","from":"a","sessionId":"other"}',
    '{"type":"offer","from":"nobody","sdp":""}', '{"type":"registered","id":"x"}', '{"type":"events"}',
    '{"type":"ice","from":"\\u001b[31m"}', '{"from":5,"type":"answer"}', '{"type":"goaway","reconnectAfter":"x"}']

async def serve(ws, path=None):
    async for text in ws:
        m = json.loads(text)
        if m["type"] == "register":
            peers[m["id"]] = ws
            await ws.send('{"type":"registered","id":"a","resume":7}')
        for one in strange if m["type"] in ("register", "offer") else []:
            if "error" not in one or m["type"] == "register":
                await ws.send(one)
        if m["type"] == "offer":
            await ws.send(json.dumps({"type": "ack", "rid": m["rid"]}))
            m |= {"from": "a"}
            await peers["b"].send(json.dumps(m))

async def main():
    async with websockets.serve(serve, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()

asyncio.run(main())
END
    wait_for 10 test -s fake.out
    seq=0
    relay 0 offer a b s 500 video >one
    { cat one && relay 1 bye a b s 90; } >two
    SIGD_URL=ws://127.0.0.1:$(<fake.out)
    export SIGD_URL
    run --separate-stderr sigmon replay one --json
    assert_success
    assert_equal "$stderr" ''
    assert_json '[.registered, .delivered] == [2, 1]'
    run --separate-stderr sigmon replay two -W 500ms --json
    assert_failure 5
    assert_schema replay sigmon
    assert_json '[.complete, .delivered] == [false, 1]'
}

@test "too few descriptors are told before anything is sent" {
    export SIGD_URL=ws://127.0.0.1:1
    seq=0
    for i in {1..50}; do
        relay 0 offer "a$i" "b$i" s 500 video
    done >many
    run --separate-stderr bash -c 'ulimit -n 128 && sigmon replay many'
    assert_failure 2
    assert_equal "$stderr" \
        'sigmon: 100 peers at a time need more descriptors than the limit of 128 (try: ulimit -n 164)'
}

@test "ten thousand messages at ten times the speed: equal counts and order for each pair" {
    start_sigd --event-ring 65536
    start agent sigctl agent --count 7 --id 'agent-%i' --answer auto --ice 3 --ready-file up
    wait_for 5 test -s up
    recorded load.jsonl.gz
    PYTHONPATH=$E2E PYTHONDONTWRITEBYTECODE=1 python3 "$E2E/agent_load.py" "$SIGD_URL" --agents 7 \
        --callers 20 --count 1430 --rate 400 --ice 3
    done_again
    stop_all
    fresh --event-ring 65536
    run --separate-stderr sigmon replay load.jsonl.gz --speed 10x --json
    assert_success
    assert_schema replay sigmon
    assert_json '.messages >= 10000 and .delivered == .messages and .differently == 0 and .resized == 0'
    done_again
    pairs load.jsonl.gz >first.pairs
    pairs again.jsonl >second.pairs
    assert_equal "$(wc -l <first.pairs)" 140
    cmp first.pairs second.pairs
}
