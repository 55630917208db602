# SPDX-License-Identifier: MIT
# The event feed over the raw protocol.

import json

from peer import STAMP, Bystanders, Peer, equal, main


def events(p, count):
    """The next count events, out of however many batches."""
    got = []
    while len(got) < count:
        m = p.get("events")
        equal(list(m), ["type", "events", "seq"])
        got += m["events"]
    equal(len(got), count, f"events of {got}:")
    return got


def watch(**members):
    p = Peer()
    p.send(type="monitor", rid="m", **members)
    equal(p.get("ack")["rid"], "m")
    return p


def call(a, b):
    """One call with a candidate and an end: nine events."""
    a.send(type="offer", target="b", sdp="v=0\r\nm=audio 9 x\r\nm=video 9 x\r\nsecret")
    session = b.get("offer")["sessionId"]
    b.send(type="answer", target="a", sdp="secret")
    a.get("answer")
    candidate = "candidate:1 1 udp 1 192.0.2.99 9 typ host"
    a.send(type="ice", target="b", candidate={"candidate": candidate})
    b.get("ice")
    a.send(type="bye", target="b", rid=1)
    b.get("bye")
    a.get("ack")
    return session


def live():
    m = watch()
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    session = call(a, b)
    got = events(m, 11)
    names = [e["event"] + ("/" + e["kind"] if "kind" in e else "") for e in got]
    equal(sorted(names[:4]), ["connect", "connect", "register", "register"])
    equal(names[4:], ["session_open", "relay/offer", "relay/answer", "session_answer", "relay/ice",
                      "relay/bye", "session_end"])
    first = got[0]["seq"]
    equal([e["seq"] for e in got], list(range(first, first + 11)))
    for e in got:
        equal(list(e)[:3], ["seq", "ts", "event"])
        assert STAMP.match(e["ts"]), e
        text = json.dumps(e)
        assert "secret" not in text and "192.0.2.99" not in text, text
    offer = got[5]
    equal((offer["from"], offer["to"], offer["session"]), ("a", "b", session))
    assert offer["size"] > 50 and offer["us"] >= 0, offer
    equal(got[8]["summary"], "host")


def backlog():
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    session = call(a, b)
    m = Peer()
    m.register("m")  # connect, register
    m.send(type="monitor", backlog=4, rid=1)
    m.get("ack")
    got = events(m, 4)
    equal([e["event"] for e in got], ["relay", "session_end", "connect", "register"])
    equal(got[1]["session"], session)
    last = got[-1]["seq"]
    m.send(type="monitor", backlog=0, rid=2)
    equal(m.get("ack")["rid"], 2)
    b.send(type="ice", target="a", candidate=None, rid=3)
    b.get("ack")
    equal([(e["seq"], e["kind"]) for e in events(m, 1)], [(last + 1, "ice")])
    m.send(type="monitor", backlog=2, filter="event=relay", rid=4)  # counted behind the filter
    m.get("ack")
    equal([e["kind"] for e in events(m, 2)], ["bye", "ice"])
    m.send(type="monitor", backlog=1000000, filter="event=session_open", rid=5)
    m.get("ack")
    equal([e["session"] for e in events(m, 1)], [session])


def since():
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    call(a, b)
    m = Peer()
    m.register("m")
    m.send(type="monitor", since=0, rid=1)
    m.get("ack")
    got = events(m, 13)
    equal([e["seq"] for e in got], list(range(1, 14)))
    m.send(type="monitor", since=11, rid=2)
    m.get("ack")
    equal([e["seq"] for e in events(m, 2)], [12, 13])
    m.send(type="monitor", since=13, rid=3)
    m.get("ack")
    a.send(type="ice", target="b", candidate=None)
    b.get("ice")
    equal([e["seq"] for e in events(m, 1)], [14])
    m.send(type="monitor", since=5000, rid=4)  # of another life of the daemon: all is new
    m.get("ack")
    equal([e["seq"] for e in events(m, 14)], list(range(1, 15)))


def gap():
    """--event-ring 16: what is no longer there is announced."""
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    for i in range(50):
        a.send(type="ice", target="b", candidate=None, rid=i)
        a.get("ack")
    m = Peer()
    m.register("m")
    m.send(type="monitor", since=0, rid=1)
    m.get("ack")
    got = m.get("gap")
    equal(got, {"type": "gap", "missed": 40, "from": 1, "to": 40})
    equal([e["seq"] for e in events(m, 16)], list(range(41, 57)))


def slow():
    """A monitor that does not read is told how much it missed; nobody waits for it."""
    others = Bystanders()
    m = watch(since=0)
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    last = 0
    for _ in range(60):
        for i in range(1000):
            a.send(type="ice", target="ghost", candidate=None)
        for i in range(1000):
            a.error("target_not_found")
        others.served()
    a.send(type="offer", target="b", sdp="end")
    b.get("offer")
    seen = missed = 0
    while True:
        got = m.get()
        if got["type"] == "gap":
            equal(got["from"], last + 1)
            equal(got["missed"], got["to"] - got["from"] + 1)
            last = got["to"]
            missed += got["missed"]
            continue
        for e in got["events"]:
            equal(e["seq"], last + 1)
            last = e["seq"]
            seen += 1
        if any(e["event"] == "relay" and e.get("from") == "a" for e in got["events"]):
            break
    equal(seen + missed, last)
    others.served()


def filters():
    m = watch(filter='type=offer,answer from=a* to=b')
    n = watch(filter='(kind=ice or event=session_end) and not to=a')
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    call(a, b)
    call(a, b)
    equal([e["kind"] for e in events(m, 2)], ["offer", "offer"])
    equal([e["event"] for e in events(n, 4)], ["relay", "session_end"] * 2)
    for bad in ("from=", "(from=a", "nonsense", "size>x", "from=a and", "event=nothing",
                "x" * 2000):
        p = Peer()
        p.send(type="monitor", filter=bad, rid=1)
        p.error("invalid_member")
        p.cut()
    m.send(type="monitor", filter="nonsense", rid=1)  # the old subscription stays
    m.error("invalid_member")
    call(a, b)
    equal([e["kind"] for e in events(m, 1)], ["offer"])


def forbidden():
    """Whoever comes through a proxy or from a page is not local, whatever the address says."""
    for header in ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 127.0.0.1", "x-forwarded-for: x",
                   "Origin: http://localhost", "Origin: null"):
        p = Peer(headers=[header])
        p.send(type="monitor", rid=1)
        equal(p.error("forbidden")["rid"], 1)
        p.register("p")
        p.send(type="monitor", rid=2, backlog=1)
        p.error("forbidden")
        p.send(type="ice", target="p", candidate="may signal")
        equal(p.get("ice")["candidate"], "may signal")
        p.bye()
    watch()


def unregistered():
    """--register-timeout 200ms: a monitor need not register."""
    m, p = watch(), Peer()
    p.closed(4408)
    while True:
        got = m.get("events")["events"]
        if any(e["event"] == "disconnect" and e["reason"].startswith("4408") for e in got):
            break
    m.send(type="ping")
    m.get("pong")


main({f.__name__: f for f in (live, backlog, since, gap, slow, filters, forbidden,
                              unregistered)})
