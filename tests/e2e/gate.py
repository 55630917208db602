# SPDX-License-Identifier: MIT
# Who may come in and how often: origins, proxies that speak for others, rates.

import re

from mint import bearer, enter, events, log_lines, metric, monitor, rest, token, until
from peer import Gone, Peer, Wire, dial, equal, http, main, request


def status(headers=(), where=None):
    w = Wire(dial(where))
    w.s.sendall(request(headers))
    try:
        return w.response()[0]
    except Gone:
        return None


def origins(allowed, denied):
    """Space-separated origins; - is none at all."""
    for words, want in ((allowed, 101), (denied, 403)):
        for origin in words.split():
            headers = [] if origin == "-" else [f"Origin: {origin}"]
            equal(status(headers), want, f"{origin}:")


def origin_refusal():
    """The refusal tells nothing and is counted; a long or doubled header does not pass either."""
    before = metric('sigd_http_answers_total{code="403"}')
    got, headers, body = http(None, request(["Origin: https://evil.example"]))
    equal((got, headers["connection"], body), (403, "close", b"this origin may not connect\n"))
    assert "access-control-allow-origin" not in headers, headers
    equal(status(["Origin: https://ok.example" + "x" * 600]), 403)
    equal(status(["Origin: https://ok.example" + "x" * 5000]), 403)
    for pair in (["https://ok.example", "https://evil.example"],
                 ["https://evil.example", "https://ok.example"]):
        assert status([f"Origin: {o}" for o in pair]) in (403, None), pair
    assert metric('sigd_http_answers_total{code="403"}') >= before + 3


def browser_is_not_local():
    """Without authentication a page on this machine may signal, and neither watch nor command."""
    page, other = Peer(headers=["Origin: http://localhost:3000"]), Peer()
    page.register("page")
    other.register("other")
    page.send(type="offer", target="other", sdp="s")
    equal(other.get("offer")["from"], "page")
    for kind in ("monitor", "stats", "sessions", "drain", "reload"):
        page.send(type=kind)
        page.error("forbidden")
    page.send(type="kick", target="other")
    page.error("forbidden")
    other.pinged()


def proxied_is_not_local():
    """Whatever header a proxy tells it with that it speaks for somebody else."""
    for header in ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: ", "X-Real-IP: 192.0.2.1",
                   "Via: 1.1 proxy", "Forwarded: for=192.0.2.1", "X-Forwarded-Host: a.example",
                   "X-Forwarded-Proto: https", "X-Forwarded-Port: 443", "X-Client-IP: 192.0.2.1",
                   "True-Client-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1",
                   "X-Cluster-Client-IP: 192.0.2.1", "x-real-ip: 192.0.2.1"):
        p = Peer(headers=[header])
        p.send(type="stats")
        if header.endswith(": "):
            p.get("stats")  # says nothing
        else:
            p.error("forbidden")
        p.cut()


def address_of(m, headers, where=None):
    """What a monitor sees as the address of a connection with these headers."""
    p = Peer(where, headers=headers)
    got = events(m, 1)[0]
    equal(got["event"], "connect")
    p.cut()
    return got["addr"]


CHAINS = {  # from a trusted proxy on 127.0.0.1; 10.0.0.0/8 and fd00::/8 are proxies too
    "203.0.113.7": "203.0.113.7",
    "  203.0.113.7  ": "203.0.113.7",
    "203.0.113.7:4711": "203.0.113.7",
    "2001:db8::7": "2001:db8::7",
    "[2001:db8::7]": "2001:db8::7",
    "[2001:db8::7]:4711": "2001:db8::7",
    "::ffff:203.0.113.7": "203.0.113.7",
    "1.1.1.1, 203.0.113.7": "203.0.113.7",
    "1.1.1.1,203.0.113.7": "203.0.113.7",
    "1.1.1.1\t,\t 203.0.113.7": "203.0.113.7",
    "garbage, 203.0.113.7": "203.0.113.7",
    "203.0.113.7, 10.1.2.3": "203.0.113.7",
    "203.0.113.7, 10.1.2.3, fd00::1, 10.9.9.9": "203.0.113.7",
    "1.1.1.1, 203.0.113.7, ::ffff:10.1.2.3": "203.0.113.7",
    "127.0.0.1, 203.0.113.7": "203.0.113.7",
    "10.1.2.3": "10.1.2.3",
    "10.1.2.3, 10.4.5.6": "10.1.2.3",
}

LIES = ("garbage", "203.0.113.7, garbage", "203.0.113.7,", ",", "unknown", "localhost", "300.1.1.1",
        "203.0.113", "0x7f000001", "203.0.113.7/24", "203.0.113.7 1.1.1.1", "[::1", "::1]",
        "[203.0.113.7", "1.1.1.1, [", "_hidden", "%00", "203.0.113.7;x=1", "\x80\xff",
        "a" * 15000, "1" * 15000, "," * 15000, "1.1.1.1," * 1800)


def forwarded():
    """--trusted-proxy 127.0.0.1/32, 10.0.0.0/8, fd00::/8"""
    m = monitor(filter="event=connect")
    for header, want in CHAINS.items():
        got = address_of(m, [f"X-Forwarded-For: {header}"])
        assert re.fullmatch(re.escape(want) + r"|\[" + re.escape(want) + r"\]", got), (header, got)
    # some proxies add a header instead of an element
    got = address_of(m, ["X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 203.0.113.7"])
    equal(got, "203.0.113.7")
    got = address_of(m, ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 10.0.0.1, 10.0.0.2"])
    equal(got, "203.0.113.7")
    got = address_of(m, ["x-forwarded-FOR: 203.0.113.8"])
    equal(got, "203.0.113.8")


def garbled():
    """What cannot be read leaves the proxy's own address, and what is not local."""
    m = monitor(filter="event=connect")
    for text in LIES:
        w = Wire(dial())
        try:
            w.s.sendall(request() [:-2] + b"X-Forwarded-For: " + text.encode("latin-1") +
                        b"\r\n\r\n")
            got = w.response()[0]
        except (Gone, ConnectionError):
            continue  # longer than headers may be
        equal(got, 101, repr(text[:30]))
        addr = events(m, 1)[0]["addr"]
        assert addr.startswith("127.0.0.1:"), (text[:30], addr)
        p = Peer.__new__(Peer)
        p.s, p.buf, p.pongs = w.s, w.buf, True
        p.send(type="monitor")
        p.error("forbidden")
        p.cut()
    for line in log_lines(""):
        assert len(line) < 500, line[:100]


def not_believed():
    """Without --trusted-proxy: the address is the peer's, whatever it says."""
    m = monitor(filter="event=connect")
    for header in ("203.0.113.7", "127.0.0.1", "::1"):
        got = address_of(m, [f"X-Forwarded-For: {header}"])
        assert got.startswith("127.0.0.1:"), got
    assert not log_lines("203.0.113.7")
    p = Peer(headers=["X-Forwarded-For: 127.0.0.1"])  # whoever relays for others is not local
    p.send(type="monitor")
    p.error("forbidden")


def unix_proxy(path):
    """--trusted-proxy unix: believed over the socket, and nowhere else."""
    m = monitor(filter="event=connect")
    equal(address_of(m, ["X-Forwarded-For: 203.0.113.7"], path), "203.0.113.7")
    got = address_of(m, ["X-Forwarded-For: 203.0.113.7"])
    assert got.startswith("127.0.0.1:"), got


def too_often(text):
    got, headers, body = http(None, request([f"X-Forwarded-For: {text}"]))
    equal((got, body), (429, b"too many connections\n"))
    assert 1 <= int(headers["retry-after"]) <= 5, headers


def came(text, want=101):
    equal(status([f"X-Forwarded-For: {text}"]), want, text)


def address_rate():
    """--address-rate 1 --address-burst 5: each address for itself, IPv6 by its /64."""
    for _ in range(5):
        came("203.0.113.1")
    too_often("203.0.113.1")
    too_often("::ffff:203.0.113.1")
    too_often("9.9.9.9, 203.0.113.1:77")
    for i in range(5):
        came(f"2001:db8:0:1::{i:x}")
    too_often("2001:db8:0:1:ffff:ffff:ffff:ffff")
    too_often("[2001:db8:0:1::99]:80")
    came("2001:db8:0:2::1")
    came("203.0.113.2")
    equal(metric('sigd_http_answers_total{code="429"}'), 5)
    for _ in range(20):
        equal(status(), 101)  # the proxy itself and this machine are not meant
    until(lambda: status(["X-Forwarded-For: 203.0.113.1"]) == 101, "never again")


def many_addresses():
    """More addresses than the table holds: nobody is locked out, nothing grows without bound."""
    used = []
    for net in ("198.18", "198.19"):
        for i in range(5000):
            Peer(headers=[f"X-Forwarded-For: {net}.{i // 256}.{i % 256}"]).cut()
        used.append(metric("process_resident_memory_bytes"))
    assert used[1] - used[0] <= 2 << 20, used
    came("203.0.113.2")


def early_bytes():
    """--unregistered-bytes 2K: strangers get no more, those with a token the whole."""
    p = Peer()
    p.say('{"type":"ping","pad":"' + "x" * 1900 + '"}')
    p.get("pong")
    p.say('{"type":"ping","pad":"' + "x" * 200 + '"}')
    equal(p.closed(1008)[1], "too much before register")
    p = Peer()
    p.say('{"type":"ping","pad":"' + "x" * 3000 + '"}')
    got, end = rest(p)
    assert end[0] in (1008, 1009), end
    assert all(m["type"] == "error" for m in got), got
    p = Peer(headers=bearer(token()))
    for _ in range(3):
        p.say('{"type":"ping","pad":"' + "x" * 3000 + '"}')
        p.get("pong")
    p.register("drone-1")
    p.say('{"type":"ping","pad":"' + "x" * 3000 + '"}')
    p.get("pong")


def drained(p):
    """Reads on to the close: the pongs, the refusals, the close."""
    got, end = rest(p)
    errors = [m for m in got if m["type"] == "error"]
    assert all(m["code"] == "rate_limited" and m["retryable"] for m in errors), errors
    assert all(0 < m["retryAfter"] < 60000 for m in errors), errors
    return sum(m["type"] == "pong" for m in got), len(errors), end


def message_rate():
    """--message-rate 5 --message-burst 10: told how long to wait; who goes on is closed."""
    other = enter("other", role="operator")
    p = enter("p", role="drone")  # the register was one
    for _ in range(9):
        p.send(type="ping")
        p.get("pong")
    p.send(type="ping", rid="over")
    got = p.error("rate_limited")
    equal((got["rid"], got["retryable"]), ("over", True))
    assert 0 < got["retryAfter"] <= 200, got
    # each is answered once the time it was told has passed
    done = False
    while not done:
        p.s.settimeout(got["retryAfter"] / 1000)
        try:
            p.more()
        except TimeoutError:
            pass
        p.s.settimeout(20)
        p.send(type="ping")
        got = p.get()
        done = got["type"] == "pong"
    for _ in range(40):
        p.send(type="ping")
    pongs, errors, end = drained(p)
    equal(end, (4429, "rate limit"))
    assert pongs <= 3 and 9 <= errors <= 14, (pongs, errors)
    for _ in range(8):
        other.send(type="ping")
        other.get("pong")
    fast = enter("fast", role="camera")  # --role-limit camera message-rate=0
    for _ in range(100):
        fast.send(type="ping")
        fast.get("pong")
    assert metric('sigd_errors_total{code="rate_limited"}') >= errors


def byte_rate():
    """--byte-rate 10K --byte-burst 64K"""
    p = enter("p", role="drone")
    for _ in range(2):
        p.say('{"type":"ping","pad":"' + "x" * 30000 + '"}')
        p.get("pong")
    p.say('{"type":"ping","pad":"' + "x" * 30000 + '"}')
    got = p.error("rate_limited")
    assert 1000 < got["retryAfter"] < 4000, got
    p.send(type="ping")  # a small one still fits
    p.get("pong")
    for _ in range(10):
        p.say('{"type":"ping","pad":"' + "x" * 30000 + '"}')
    equal(drained(p)[2], (4429, "rate limit"))


def role_limit():
    """--role-limit: sessions and queue of a role"""
    cam = enter("cam", role="camera")
    drone = enter("d", role="drone")  # max-sessions=2
    op = enter("op", role="operator")
    for i in range(3):
        drone.send(type="offer", target="cam", sdp="s", sessionId=f"s{i}", rid=i)
        got = drone.get()
        equal((got["type"], got["rid"]), ("ack" if i < 2 else "error", i))
    equal(got["code"], "session_limit")
    for i in range(5):
        op.send(type="offer", target="cam", sdp="s", sessionId=f"o{i}", rid=i)
        equal(op.get("ack")["rid"], i)
    cam.pinged()


if __name__ == "__main__":
    main({f.__name__: f for f in (origins, origin_refusal, browser_is_not_local, proxied_is_not_local, forwarded, garbled,
                                  not_believed, unix_proxy, address_rate, many_addresses,
                                  early_bytes, message_rate, byte_rate, role_limit)})
