# SPDX-License-Identifier: MIT
# Peers that break the rules, one function a case: what they get, and that nobody else is harmed.

import json
import random
import socket
import struct

from peer import (BINARY, CLOSE, MASK, PING, PONG, TEXT, Bystanders, Gone, Peer, Wire, dial, equal,
                  frame, http, main, request)

BIG = 9007199254740993  # 2^53 + 1
MAX = 64 * 1024


def pair():
    a, b = Peer(), Peer()
    a.register("mal")
    b.register("bob")
    return a, b


def garbled():
    """Each is one error and nothing else; the connection lives on."""
    p = Peer()
    p.register("mal")
    for text in ["", " ", "nonsense", "{", "{}x", '{"type":}', "{'type':'ping'}",
                 '{"type":"ping",}', '{"type":"pi\nng"}', '{"type":"ping","a":01}',
                 '{"type":"ping","a":NaN}', '\ufeff{"type":"ping"}', '{"type":"ping"}\0']:
        p.say(text)
        p.error("invalid_json")
    p.pinged()


def wrong_shape():
    p = Peer()
    p.register("mal")
    for text, code in [("[]", "invalid_message"), ("null", "invalid_message"),
                       ('"ping"', "invalid_message"), (str(BIG), "invalid_message"),
                       ('{"type":"ping","type":"ping"}', "invalid_message"),
                       ('{"type":"ping","t\\u0079pe":"ping"}', "invalid_message"),
                       ("{}", "missing_member"), ('{"type":1}', "invalid_member"),
                       ('{"type":"Ping"}', "unknown_type"),
                       ('{"type":"registered"}', "unknown_type"),
                       ('{"type":"offer","target":"bob"}', "missing_member"),
                       ('{"type":"offer","target":"bob","sdp":1}', "invalid_member"),
                       ('{"type":"offer","target":"../x","sdp":""}', "invalid_id"),
                       ('{"type":"register","id":"a\\u0000b"}', "invalid_id")]:
        p.say(text)
        p.error(code)
    p.pinged()


def big_numbers():
    a, b = pair()
    a.say(str(BIG))
    a.error("invalid_message")
    a.say('{"type":"ping","rid":%d}' % BIG)
    assert "rid" not in a.error("invalid_member")
    a.say('{"type":"ping","rid":%d}' % (BIG - 2))
    equal(a.get("pong")["rid"], BIG - 2)
    a.say('{"type":"list","limit":%d}' % BIG)
    assert "limit" in a.error("invalid_member")["details"]
    a.say('{"type":"ice","target":"bob","candidate":{"n":%d},"mine":%d,"f":1e999}' % (BIG, BIG))
    got = b.hear()
    for part in ('"candidate":{"n":%d}' % BIG, '"mine":%d' % BIG, '"f":1e999'):
        assert part in got, got


def deep(depth, code):
    """Arrays so deep, closed and left open, and objects as deep as the same bytes allow."""
    a, b = pair()
    n = int(depth)
    for nest in ("[" * n, "[" * (n // 2) + "]" * (n // 2), '{"a":' * (n // 5),
                 '{"a":' * (n // 6) + "0" + "}" * (n // 6)):
        a.say('{"type":"ice","target":"bob","candidate":{"x":' + nest + "}}")
        a.error(code)
    a.send(type="ice", target="bob", candidate="after")
    equal(b.get("ice")["candidate"], "after")


def sized(n):
    text = '{"type":"ice","target":"bob","candidate":"%s"}'
    return text % ("x" * (n - len(text) + 2))


def largest():
    a, b = pair()
    want = sized(MAX)
    equal(len(want), MAX)
    a.say(want)
    equal(b.get("ice")["candidate"], json.loads(want)["candidate"])
    for cut in (1, 125, 126, 4096, 65535):  # and in two fragments
        a.raw(frame(TEXT, want[:cut], fin=False) + frame(0, want[cut:]))
        equal(b.get("ice")["candidate"], json.loads(want)["candidate"])


def too_large():
    for how in ("whole", "announced", "fragments"):
        p = Peer()
        p.register("mal")
        text = sized(MAX + 1)
        if how == "whole":
            p.say(text)
        elif how == "announced":  # refused by the header already
            p.raw(bytes([0x81, 0xFF]) + struct.pack(">Q", 1 << 40) + b"\1\2\3\4abcd")
        else:
            p.raw(frame(TEXT, text[:40000], fin=False) + frame(0, text[40000:]))
        p.error("too_large")
        p.closed(1009)


def many_fragments():
    p = Peer()
    p.register("mal")
    one = frame(0, "x", fin=False)
    p.raw(frame(TEXT, "x", fin=False) + one * 130999)
    p.error("too_large")
    p.closed(1009)


def empty_fragments():
    p = Peer()
    p.register("mal")
    p.raw(frame(TEXT, "", fin=False) + frame(0, "", fin=False) * 20000
          + frame(0, '{"type":"ping","rid":7}'))
    equal(p.get("pong")["rid"], 7)


def binary():
    for data in (frame(BINARY, '{"type":"ping"}'), frame(BINARY, "x", fin=False),
                 frame(BINARY, b"\0" * 70000)):
        p = Peer()
        p.register("mal")
        p.raw(data)
        p.closed(1003)


def bad_utf8():
    for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        p = Peer()
        p.register("mal")
        p.raw(frame(TEXT, b'{"type":"ping","x":"' + bad + b'"}'))
        p.closed(1007)


def split_utf8():
    """A character cut by a fragment is whole again."""
    a, b = pair()
    text = '{"type":"ice","target":"bob","candidate":"\u20ac\U0001f600"}'.encode()
    for cut in range(len(text)):
        a.raw(frame(TEXT, text[:cut], fin=False) + frame(0, text[cut:]))
        equal(b.get("ice")["candidate"], "\u20ac\U0001f600")


def unmasked(form, when):
    """form: bits of the length. when: the connection's first frame, or a later one."""
    want = '{"type":"register","id":"mal"}'
    form = int(form)
    pad = {7: len(want), 16: 300, 64: 66000 if form == 64 else 0}[form]
    p = Peer()
    if when == "later":
        p.register("early")
        p.pinged()
    p.raw(frame(TEXT, want.ljust(min(pad, MAX)), mask=None, form=form))
    equal(p.closed(1002)[1], "client frames must be masked")


def unmasked_behind():
    """An unmasked frame behind a masked one, and as a continuation."""
    good = frame(TEXT, '{"type":"ping"}')
    bad = frame(TEXT, '{"type":"register","id":"mal"}', mask=None)
    p = Peer()
    p.raw(good + bad)
    p.get("pong")
    p.closed(1002)
    p = Peer()
    p.raw(frame(TEXT, '{"type":', fin=False) + frame(0, '"ping"}', mask=None))
    p.closed(1002)


def split_header():
    """A masked frame whose header comes first and whose key looks like a header is served."""
    p = Peer()
    p.pinged()
    data = frame(TEXT, '{"type":"ping"}', mask=b"\x07\x09\x01\x0f")
    turn = Peer()
    p.raw(data[:2])
    turn.pinged()
    p.raw(data[2:])
    p.get("pong")


def unmasked_control():
    for op, payload in ((PING, b"hi"), (PONG, b"12345"), (CLOSE, b"\x03\xe8")):
        p = Peer()
        p.register("mal")
        p.raw(frame(op, payload, mask=None))
        p.closed(1002)


def dribbled():
    """Byte by byte, with masks that look like headers, is slow and nothing worse."""
    a, b = pair()
    turn = Peer()  # whose answer shows that the server has turned meanwhile
    for mask in (MASK, b"\x00\x00\x00\x00", b"\x81\x1e\x81\x1e", b"\x01\x81\x01\x9e"):
        for byte in frame(TEXT, '{"type":"ice","target":"bob","candidate":"d"}', mask=mask):
            a.raw(bytes([byte]))
            if byte & 1:
                turn.pinged()
        equal(b.get("ice")["candidate"], "d")
    for n in (126, 300, MAX):
        want = sized(n)
        data = frame(TEXT, want, mask=b"\x81\xfe\x01\x2c")
        for at in range(12):
            a.raw(data[at:at + 1])
            turn.pinged()
        a.raw(data[12:])
        equal(b.get("ice")["candidate"], json.loads(want)["candidate"])


def masks_like_headers():
    """Masked frames whose key ends like an unmasked header, of every short length."""
    a, b = pair()
    for n in range(50, 200):
        want = sized(n)
        tail = bytes([0x81, n]) if n < 126 else bytes([n >> 8, n & 255])
        a.raw(frame(TEXT, want, mask=(b"\x81\x7e" if n > 125 else b"\x00\x00") + tail))
        equal(b.get("ice")["candidate"], json.loads(want)["candidate"])


def silent():
    """--register-timeout is short: whoever has not registered goes, whatever else it says."""
    quiet, busy = Peer(), Peer()
    busy.send(type="list")
    busy.get("clients")
    equal(quiet.closed(4408)[1], "not registered in time")
    busy.closed(4408)


def upgrade_foo():
    foo = request(["Upgrade: foo", "Connection: Upgrade"], upgrade=False)
    plain = request(upgrade=False)
    for data in (plain + foo, plain + foo * 5, plain * 3):
        w = Wire(dial())
        w.s.sendall(data)
        equal(w.response()[0], 426)
        w.ended()
    w = Wire(dial())  # the second one only after the first was answered
    w.s.sendall(plain)
    equal(w.response()[0], 426)
    try:
        w.s.sendall(foo)
    except OSError:
        pass
    w.ended()


def refused_upgrade(data):
    """A refusal or a bare close, never a switch of protocols. Gives the status or None."""
    w = Wire(dial())
    w.s.sendall(data)
    try:
        status, headers, _ = w.response()
    except Gone:
        return None
    w.ended()
    assert 400 <= status <= 503, (status, headers)
    return status


def upgrade(*lines):
    return request(lines, upgrade=False)


def upgrades():
    key = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
    version = "Sec-WebSocket-Version: 13"
    conn = "Connection: Upgrade"
    refused_upgrade(upgrade("Upgrade: foo", conn))
    refused_upgrade(upgrade("Upgrade: foo", conn, key, version))
    refused_upgrade(upgrade("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
                            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
    refused_upgrade(upgrade("Upgrade: h2c", conn, key, version))
    refused_upgrade(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    refused_upgrade(upgrade("Upgrade:", conn, key, version))
    for v in ("12", "14", "8", "0", "", "13, 8", "x" * 5000):
        line = f"Sec-WebSocket-Version: {v}"
        equal(refused_upgrade(upgrade("Upgrade: websocket", conn, key, line)), 426, line[:40])
    equal(refused_upgrade(upgrade("Upgrade: websocket", conn, key)), 426, "no version")
    equal(refused_upgrade(upgrade("Upgrade: websocket", conn, version)), 400, "no key")
    for k in ("", "short", "x" * 25, "x" * 9000):
        line = f"Sec-WebSocket-Key: {k}"
        equal(refused_upgrade(upgrade("Upgrade: websocket", conn, line, version)), 400, line[:40])
    got = http(None, request(["Upgrade: websocket", conn, key, "Sec-WebSocket-Version: 12"],
                             upgrade=False))
    equal(got[1]["sec-websocket-version"], "13")


def hidden_headers():
    """libwebsockets takes the line behind a name that is the beginning of a known one for part of
    that name, so a client could hide the header with which a proxy tells that it is not local."""
    base = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]
    for name in ("X", "X-Forwarded", "Accept-L", "Sec", "Con", "Auth", "Orig"):
        for value in ("", "a", "a\t", "a\x01", "a\r", "x" * 300, "x" * 3330):
            for end in ("\r\n", "\n")[:1 if value[-1:] < " " else 2]:
                hide = f"{name}: {value}{end}X-Forwarded-For: 192.0.2.1"
                equal(refused_upgrade(upgrade(hide, *base)), 400, hide[:40])
                equal(refused_upgrade(upgrade(*base, hide, "Cookie: a")), 400, hide[:40])
    # of any length but 3338 and at any place, what only looks like it is let in
    for n in (*range(3200, 3338), *range(3339, 3400), *range(8150, 8250)):
        w = Wire(dial())
        w.s.sendall(upgrade(*base, "X-Custom: " + "x" * n, "X-Other-Name: b", "Cookie: c"))
        equal(w.response()[0], 101, f"{n} bytes")
        w.s.close()


def only_get():
    """RFC 6455 4.1: the method of an upgrade is GET."""
    for method in ("POST", "PUT", "PATCH", "OPTIONS", "DELETE", "HEAD"):
        refused_upgrade(request(method=method))


def subprotocol():
    """A subprotocol that nobody knows is an answer of HTTP, not a connection lost."""
    assert refused_upgrade(request(["Sec-WebSocket-Protocol: foo"])) is not None


def no_connection_header():
    key, version = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Version: 13"
    refused_upgrade(upgrade("Upgrade: websocket", key, version))
    refused_upgrade(upgrade("Upgrade: websocket", key, version, "Connection: close"))


def request_lines():
    for method in ("BREW", "\xff"):
        refused_upgrade(request(method=method))
    for line in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\0\0\0\0\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"):
        w = Wire(dial())
        w.s.sendall(line)
        w.s.shutdown(socket.SHUT_WR)
        try:
            while True:
                w.more()
        except Gone:
            pass
        assert b" 101 " not in w.buf and b" 200 " not in w.buf, w.buf


def flood(sock, data):
    """Sends all that the server takes; gives what it answered."""
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    got = b""
    try:
        while True:
            part = sock.recv(65536)
            if not part:
                break
            got += part
    except OSError:
        pass
    return got


def garbage():
    noise = random.Random(1).randbytes(10 << 20)
    assert b" 101 " not in flood(dial(), noise)
    assert b" 101 " not in flood(dial(), b"A" * (10 << 20))
    assert b" 101 " not in flood(dial(), b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1700000)
    for start in range(0, 64, 4):
        p = Peer()
        p.register("mal")
        flood(p.s, noise[start * 1000:(start + 4) * 1000])
    p = Peer()
    p.register("mal")
    flood(p.s, noise)


def bad_frames():
    """The link fails with 1002. All at once: where the close is not answered, it takes some
    seconds."""
    failed = []
    for data in ([frame(TEXT, "x", rsv=r) for r in range(1, 8)]
                 + [frame(op, "x") for op in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)]
                 + [frame(op, "x", fin=False) for op in (CLOSE, PING, PONG)]
                 + [frame(op, "x" * 126) for op in (CLOSE, PING, PONG)]
                 + [frame(0, "x"), frame(TEXT, "x", fin=False) + frame(TEXT, "y")]):
        p = Peer()
        p.register(f"mal-{len(failed)}")
        p.raw(data)
        failed.append((p, data))
    for p, data in failed:
        equal(p.closed()[0], 1002, data[:4])


def close_codes():
    """Legal codes are echoed, others are answered by 1002."""
    for code in (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999):
        for reason in (b"", b"x" * 123):
            p = Peer()
            p.register("mal")
            p.raw(frame(CLOSE, struct.pack(">H", code) + reason))
            op, payload = p.frame()
            equal((op, payload[:2]), (CLOSE, struct.pack(">H", code)), "echo")
            p.ended()
    for payload in (b"\3", *(struct.pack(">H", code) for code in (
            0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535))):
        p = Peer()
        p.register("mal")
        p.raw(frame(CLOSE, payload))
        p.closed(1002)
    p = Peer()
    p.register("mal")
    p.raw(frame(CLOSE, b""))
    equal(p.frame(), (CLOSE, b""))
    p.ended()
    p = Peer()
    p.register("mal")
    p.raw(frame(CLOSE, b"\x03\xe8\xff\xfe"))
    p.closed(1007)


def refused_early():
    """A message that is too long is refused before it is there, and so is one in fragments; what is
    left of it is read, so that the goodbye is heard and answered."""
    for first in (b"", frame(TEXT, "x" * 40000, fin=False)):
        a, b = pair()
        op = 0 if first else TEXT
        whole = frame(op, "y" * 3000000)
        a.raw(first + whole[:20000])
        a.error("too_large")
        a.raw(whole[20000:] + frame(PING, b"late") + frame(TEXT, "z" * 100))
        equal(a.closed(1009)[1], "message too big")
        b.pinged()


def after_close():
    """What is sent behind a close frame is not obeyed."""
    a, b = pair()
    a.raw(frame(CLOSE, struct.pack(">H", 1000))
          + frame(TEXT, '{"type":"ice","target":"bob","candidate":"late"}'))
    a.closed(1000)
    b.send(type="list")
    equal(b.get("clients")["clients"], ["bob", "bystander-a", "bystander-b"])


def half_open():
    """A peer that shuts its sending side, or vanishes with a reset, is gone for the others."""
    a, b = pair()
    a.s.shutdown(socket.SHUT_WR)
    a.closed()
    while True:
        b.send(type="ice", target="mal", candidate="x", rid=1)
        if b.get()["type"] == "error":
            break
    c = Peer()
    c.register("mal")
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.cut()
    while True:
        b.send(type="ice", target="mal", candidate="x", rid=1)
        if b.get()["type"] == "error":
            break


def cut_early():
    """Connections that end at every byte of the handshake and of the first frame."""
    head = request()
    whole = head + frame(TEXT, '{"type":"register","id":"mal"}')
    for n in range(0, len(whole)):
        s = dial()
        s.sendall(whole[:n])
        if n & 1:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


def pings():
    p = Peer()
    p.register("mal")
    for payload in (b"", b"x", b"\0\xff\xfe", b"y" * 125):
        p.raw(frame(PING, payload))
        equal(p.frame(), (PONG, payload))
    p.raw(frame(PONG, b"12345") + frame(PONG, b"") + frame(PONG, b"9" * 125))
    p.pinged()
    p.raw(frame(TEXT, '{"type":', fin=False) + frame(PING, b"mid") + frame(0, '"ping"}'))
    equal(p.frame(), (PONG, b"mid"))
    p.get("pong")
    p.raw(b"".join(frame(PING, b"%d" % i) for i in range(100)))
    for i in range(100):
        equal(p.frame(), (PONG, b"%d" % i))


def ping_flood():
    """Answers are not read: they must not pile up in the server."""
    p = Peer()
    p.register("mal")
    data = frame(PING, b"z" * 125) * 8000
    p.s.settimeout(0.5)
    try:
        for _ in range(30):
            p.s.sendall(data)
    except OSError:
        pass
    p.cut()


def errors_end():
    p = Peer()
    p.register("mal")
    for _ in range(20):
        p.say("{")
        p.error("invalid_json")
    p.pinged()
    p.say("{")
    p.error("invalid_json")
    equal(p.closed(1008)[1], "too many protocol errors")


def errors_burst():
    p = Peer()
    p.raw(frame(TEXT, "{") * 1000)
    for _ in range(21):
        p.error("invalid_json")
    p.closed(1008)


def pipelined():
    """RFC 6455 4.1 tells clients to wait for the answer: frames of any kind right behind the request,
    in one segment, are not obeyed, and end it."""
    for n in (60, 300, 1000, 9000, MAX):
        p = Peer(behind=frame(TEXT, '{"type":"register","id":"mal"}')
                 + frame(TEXT, sized(n).replace('"bob"', '"bystander-a"')))
        equal(p.closed(1002)[1], "wait for the handshake's end")
    for data in (frame(PING, b"x"), frame(CLOSE, struct.pack(">H", 1000)),
                 frame(TEXT, '{"type":"register","id":"mal"}', mask=None), frame(PONG, b"x"),
                 frame(PING, b"x") * 100):
        p = Peer(behind=data)
        p.closed()


def header_sizes():
    """A long request is served up to a bound and refused beyond it."""
    Peer(headers=["Cookie: " + "c" * 8000]).register("mal")
    Peer(headers=["X-Long: " + "c" * 8000]).register("mal")
    for header in ("Cookie: " + "c" * 20000, "X-Long: " + "c" * 20000):
        got = flood(dial(), request([header]))
        assert b" 101 " not in got or header.startswith("X-"), (header[:8], got[:200])
    for path in ("/" + "p" * 3000, "/?token=" + "t" * 3000, "/?a=b&c=d", "/%2e%2e/x", "/../x"):
        Peer(path=path).register("mal")
    for path in ("/" + "p" * 20000, "/?" + "a=b&" * 3000):
        got = flood(dial(), request(path=path))
        assert b" 101 " not in got, got[:200]


def slow_header():
    """Whoever never finishes the request is dropped, in time, and others are served meanwhile."""
    slow = [dial() for _ in range(30)]
    for s in slow:
        s.sendall(b"GET / HTTP/1.1\r\nX")
    idle = [dial() for _ in range(20)]
    Bystanders().served()
    for s in slow + idle:
        got = b"?"
        while got:
            try:
                s.sendall(b"x")
                got = s.recv(4096)
            except OSError:
                break
            assert b" 101 " not in got


def attack(case, *args):
    """A case with bystanders, who are served before and after."""
    others = Bystanders()
    CASES[case](*args)
    others.served()


CASES = {name: fn for name, fn in list(globals().items()) if callable(fn)}

main({"attack": attack, "slow_header": slow_header})
