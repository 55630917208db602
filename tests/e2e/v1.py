# SPDX-License-Identifier: MIT
# The original protocol from Python: websockets as a library client, and raw bytes where the exact
# text matters.

import asyncio
import json
import os
import re

from peer import STAMP, TEXT, Bystanders, Peer, equal, frame, main

SESSION = re.compile(r"^session-[0-9A-Za-z]{22}$")


def library():
    """A call between two clients of the websockets library."""
    import websockets

    async def take(ws, kind):
        got = json.loads(await asyncio.wait_for(ws.recv(), 20))
        equal(got["type"], kind, str(got))
        return got

    async def put(ws, **members):
        await ws.send(json.dumps(members))

    async def call():
        url = os.environ.get("E2E_URL", f"ws://127.0.0.1:{os.environ['E2E_PORT']}")
        async with websockets.connect(url) as a, websockets.connect(url) as b:
            for ws, name in ((a, "py-1"), (b, "py-2")):
                await put(ws, type="register", id=name)
                got = await take(ws, "registered")
                equal(got["id"], name)
                assert STAMP.match(got["timestamp"])
            await put(a, type="list")
            got = await take(a, "clients")
            equal((got["clients"], got["count"]), (["py-1", "py-2"], 2))
            await put(a, type="offer", target="py-2", sdp="v=0\r\n\u20ac")
            offer = await take(b, "offer")
            equal((offer["from"], offer["sdp"]), ("py-1", "v=0\r\n\u20ac"))
            assert SESSION.match(offer["sessionId"])
            await put(b, type="answer", target="py-1", sdp="s", sessionId=offer["sessionId"])
            answer = await take(a, "answer")
            equal((answer["from"], answer["sessionId"]), ("py-2", offer["sessionId"]))
            for one, other, name in ((a, b, "py-2"), (b, a, "py-1")):
                await put(one, type="ice", target=name, candidate={"candidate": "c", "sdpMid": "0"})
                got = await take(other, "ice")
                equal(got["candidate"], {"candidate": "c", "sdpMid": "0"})
                equal(got["sessionId"], offer["sessionId"])
            await put(a, type="ping")
            assert STAMP.match((await take(a, "pong"))["timestamp"])
            await put(a, type="ice", target="ghost", candidate=None)
            got = await take(a, "error")
            equal(got["message"], "Target client not found")
            assert got["details"]
            big = "x" * 60000  # in frames of the library's choice
            await put(a, type="offer", target="py-2", sdp=big)
            equal((await take(b, "offer"))["sdp"], big)
            pong = await a.ping()
            await asyncio.wait_for(pong, 20)

    asyncio.run(call())


VALUES = [
    r'"v=0\r\no=- 0 0 IN IP4 0\r\n"', r'"\u0076=0\u000d\u000A"', r'"\/\"\\\b\f\n\r\t"',
    r'"\ud83d\ude00 \uD83D"', '"\U0001f600 \u20ac \u007f \u2028"', '""', r'"\u0000"',
]
CANDIDATES = VALUES + [
    "null", "{}",
    '{ "candidate" :\t"candidate:1 1 udp 1 1.2.3.4 5 typ host" , "sdpMLineIndex": 0 }',
    '{"n":9007199254740993,"f":1.0,"e":1E+2,"z":-0,"l":0.1000000000000000055511151231257827}',
    '{"a":{"b":{"c":[1,[2,[3,{"d":null}]]]}},"a":1,"":"","\\u0061":true}', '{"x":\n[\r\n]\t}',
]


def value_of(text, name, after):
    """The raw value of a member of the forwarded text, known to stand before the mark."""
    start = text.index(f'"{name}":') + len(name) + 3
    end = text.index(after, start)
    return text[start:end]


def byte_identical():
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    for sdp in VALUES:
        for space in ("", " ", " \t\r\n"):
            member = f'"sdp"{space}:{space}{sdp}'
            a.say('{"type":"offer",%s"target":"b",%s%s%s,"end":1}' % (space, space, member, space))
            got = b.hear()
            assert member in got, (member, got)
            equal(json.loads(got)["sdp"], json.loads(sdp))
            assert got.endswith('"end":1}'), got
    for candidate in CANDIDATES:
        a.say('{"type":"ice","target":"b","candidate":%s,"end":1}' % candidate)
        equal(value_of(b.hear(), "candidate", ',"end":1}'), candidate)


def unknown_members():
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    extra = ('"x-mine": {"deep":[1, 2 ,3], "big":9007199254740993},"\\u0065sc":"\\u0041"'
             ',"label" : null,"id":"i","role":7,"meta":[],"limit":"no","token":"t","resume":[1]')
    for kind, body in (("offer", '"sdp":"s"'), ("answer", '"sdp":"s"'), ("ice", '"candidate":null'),
                       ("bye", '"reason":"r"')):
        a.say('{"type":"%s","target":"b",%s,%s}' % (kind, body, extra))
        got = b.hear()
        equal(json.loads(got)["type"], kind)
        assert got.endswith(f"{body},{extra}}}"), got


def forged():
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    for key in ("from", "timestamp", "polite", "hold", "rid", "sessionId"):
        escaped = "\\u%04x%s" % (ord(key[0]), key[1:])
        for name in (key, escaped):
            value = {"hold": "1", "polite": "true"}.get(key, '"forged"')
            a.say('{"%s":%s,"type":"offer","target":"b","sdp":"s"}' % (name, value))
            if key == "rid":
                equal(a.get("ack")["rid"], "forged")
            text = b.hear()
            got = json.loads(text)
            equal(got["from"], "a")
            assert STAMP.match(got["timestamp"]), got
            assert name == key and key in ("from", "timestamp", "polite", "sessionId") \
                or f'"{name}"' not in text, text
            if key == "sessionId":
                equal(got["sessionId"], "forged")
            else:
                assert "forged" not in text, text
            equal(got["polite"], True)
            equal(sorted(got), ["from", "polite", "sdp", "sessionId", "timestamp", "type"])
    a.say('{"type":"ice","target":"b","candidate":"c","polite":true,"from":{"a":[1]},'
          '"timestamp":7}')
    got = b.get("ice")
    equal(sorted(got), ["candidate", "from", "sessionId", "timestamp", "type"])
    equal(got["from"], "a")


def order():
    """Members that the server makes come in a fixed order; type first."""
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    a.send(type="offer", target="b", sdp="s", rid=1)
    equal(list(b.get("offer")), ["type", "from", "sessionId", "polite", "timestamp", "sdp"])
    equal(list(a.get("ack")), ["type", "rid", "sessionId", "timestamp"])
    b.send(type="answer", target="a", sdp="s")
    equal(list(a.get("answer")), ["type", "from", "sessionId", "timestamp", "sdp"])
    a.send(type="offer", target="ghost", sdp="s", rid="r")
    got = a.get("error")
    equal(list(got), ["type", "code", "message", "details", "retryable", "rid", "target",
                      "timestamp"])
    equal((got["code"], got["retryable"], got["rid"], got["target"]),
          ("target_not_found", True, "r", "ghost"))
    # 1,000 messages arrive in the order they were sent
    a.raw(b"".join(frame(TEXT, json.dumps(
        {"type": "ice", "target": "b", "candidate": str(i)})) for i in range(1000)))
    for i in range(1000):
        equal(b.get("ice")["candidate"], str(i))


def lonely():
    Bystanders().alone()


main({f.__name__: f for f in (library, byte_identical, unknown_members, forged, order, lonely)})
