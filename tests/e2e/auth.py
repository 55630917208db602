# SPDX-License-Identifier: MIT
# Authentication: tokens through each of the three ways they may come, what they bind, their end.

import asyncio
import json
import os
import re
import time
from urllib.parse import quote

from mint import bearer, enter, metric, rest, token, unauthorized, until
from peer import Gone, Peer, Wire, dial, equal, http, main, request


def query(text):
    return Peer(path="/?token=" + quote(text, safe=""))


def header(text):
    return Peer(headers=bearer(text))


def say_register(p, who, rid="r", **members):
    p.send(type="register", id=who, rid=rid, **members)


def try_query(case):
    p = query(case["token"])
    say_register(p, case["id"])
    return p


def try_header(case):
    p = header(case["token"])
    say_register(p, case["id"])
    return p


def try_register(case):
    p = Peer()
    say_register(p, case["id"], token=case["token"])
    return p


WAYS = {"query": try_query, "header": try_header, "register": try_register}


def fits(way, case):
    """Whether the token can be put there at all."""
    if way == "register":
        return True
    return case["printable"] if way == "header" else len(quote(case["token"], safe="")) < 15000


def taken(p, case):
    """The reply to register, or why not."""
    got = p.get()
    if got["type"] == "registered":
        equal((got["id"], got["rid"]), (case["id"], "r"))
        p.cut()
        return True
    return False


def refused(p, way, case):
    got, end = rest(p)
    assert all(m["type"] == "error" for m in got), ("accepted!", got)
    if len(case["token"]) > 16000:
        assert end is None or end[0] in (1008, 1009), end
        return
    equal(end, (1008, "Unauthorized"))
    empty = way == "header" and not case["token"].strip()  # as good as no header at all
    if way == "register" or empty:
        equal([m["rid"] for m in got], ["r"])
        codes = {"unauthorized", "token_expired"} if "claims: exp" in case["name"] else {
            "unauthorized"}
        assert got[0]["code"] in codes, got
    else:
        equal(got, [])


def attack(way, path):
    """Every token of jwtcases.py that way: forged ones are refused, valid ones taken."""
    with open(path, encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    good = bad = unheard = 0
    for case in cases:
        if not fits(way, case):
            continue
        try:
            p = WAYS[way](case)
        except (Gone, AssertionError):  # an upgrade refused, or no answer at all
            assert not case["ok"] and re.search(r"[\x00-\x1f]", case["token"]), case
            continue
        try:
            if case["ok"]:
                good += 1
                assert taken(p, case), "not taken"
            else:
                bad += 1
                refused(p, way, case)
                unheard += len(case["token"]) > 16000
        except (AssertionError, Gone) as e:
            raise AssertionError(f"{case['name']}: {e}") from e
    assert good >= 15 and bad >= 250, (good, bad)
    equal(metric("sigd_auth_failures_total"), bad - unheard)
    equal(metric("sigd_clients"), 0)


def one_key(path):
    """Of the tokens of all kinds, those of the one key that is configured are taken."""
    want = os.environ["E2E_ALG"]
    with open(path, encoding="utf-8") as f:
        cases = [json.loads(line) for line in f]
    valid = {f"valid {a}" for a in ("HS256", "RS256", "ES256", "EdDSA")}
    for case in cases:
        for way, attempt in WAYS.items():
            if case["name"] in valid:
                p = attempt(case)
                if case["name"] == "valid " + want:
                    assert taken(p, case), case
                else:
                    refused(p, way, case)


def too_long():
    """Never accepted, and the daemon lives, whatever the length."""
    others = enter("drone-1")
    good = token("drone-2")
    for size in (4097, 5000, 8192, 15000, 16384, 17000, 65536, 300000):
        text = good + "A" * (size - len(good))
        for headers, path in ((bearer(text), "/"), ((), "/?token=" + text)):
            w = Wire(dial())
            try:
                w.s.sendall(request(headers, path=path))
                status = w.response()[0]
            except (Gone, ConnectionError):
                continue
            if status != 101:
                assert 400 <= status < 500, status
                continue
            p = Peer.__new__(Peer)
            p.s, p.buf, p.pongs = w.s, w.buf, True
            say_register(p, "drone-2")
            got, end = rest(p)
            assert all(m["type"] == "error" for m in got), got
            equal(end, (1008, "Unauthorized"))
    p = Peer()
    say_register(p, "drone-2", token=good + "A" * (4097 - len(good)))
    unauthorized(p, in_band=True, rid="r")
    others.pinged()
    enter("drone-2")


def two_tokens():
    """Even two good ones: which of them counted would be a guess."""
    good = token()
    for headers, path in ((bearer(good), "/?token=" + good),
                          ((), f"/?token={good}&token={good}"),
                          ((), f"/?token={good}&x=1&token="),
                          (bearer(good), "/?token=nonsense"),
                          (bearer("nonsense"), "/?token=" + good),
                          (bearer(good) + bearer(good), "/")):
        unauthorized(Peer(headers=headers, path=path))
    p = Peer(path=f"/?a=1&token={good}&b=2")
    p.register("drone-1")
    p = Peer(headers=[f"Authorization: bEARER {good}"])
    p.register("drone-1")
    for other in (["Authorization: Basic dTpw"], ["Authorization: Bearer"]):  # not ours to judge
        p = Peer(headers=other)
        p.register("drone-1", token=good)


def missing():
    """Without a token nothing is to be had."""
    for kind in ({"type": "list"}, {"type": "monitor"}, {"type": "stats"}, {"type": "reload"},
                 {"type": "drain"}, {"type": "kick", "target": "a"}, {"type": "watch"},
                 {"type": "offer", "target": "drone-1", "sdp": "s"}):
        p = Peer()
        p.send(**kind, rid=1)
        got = p.get("error")
        assert got["code"] in ("not_registered", "forbidden") and got["rid"] == 1, got
        p.send(type="ping")
        p.get("pong")
        say_register(p, "drone-1")
        unauthorized(p, in_band=True, rid="r")


def binding():
    """The token says which ids and which role."""
    p = header(token("drone-1", role="drone"))
    say_register(p, "drone-2")
    equal(p.error("forbidden")["details"], "the token is not for the id drone-2")
    say_register(p, "drone-1", role="admin")
    equal(p.error("forbidden")["details"], "the token gives the role drone")
    p.register("drone-1", role="drone")
    q = header(token(drop=["sub"], ids=["cam-*"], role="camera"))
    for name in ("drone-1", "cam", "Cam-1", "xcam-1"):
        say_register(q, name)
        q.error("forbidden")
    q.register("cam-7")
    nobody = enter("idle")
    op = enter("op-1", role="operator")
    op.send(type="list", detail=True)
    equal([(c["id"], c.get("role")) for c in op.get("clients")["peers"]],
          [("cam-7", "camera"), ("drone-1", "drone"), ("idle", None), ("op-1", "operator")])
    for peer, kind in ((p, "monitor"), (p, "stats"), (op, "reload"), (op, "drain"), (q, "list"),
                       (nobody, "list")):
        peer.send(type=kind)
        peer.error("forbidden")
    p.send(type="offer", target="cam-7", sdp="s")
    equal(q.get("offer")["from"], "drone-1")
    nobody.send(type="offer", target="cam-7", sdp="s")
    nobody.error("forbidden")
    other = enter("drone-2", role="drone")
    other.send(type="offer", target="drone-1", sdp="s")  # hidden: drones do not see drones
    hidden = other.error("target_not_found")
    other.send(type="offer", target="ghost", sdp="s")
    equal(other.error("target_not_found")["details"], hidden["details"].replace("drone-1", "ghost"))
    for role in ("local", "anonymous"):  # not for tokens
        r = enter("r", role=role)
        r.send(type="monitor")
        r.error("forbidden")


def expiry(leeway):
    """4503 between the end of the token and a second later; who renewed it in time stays."""
    end = time.time() + 1.5
    peers = [header(token("a", life=1.5)), query(token("b", life=1.5)), Peer()]
    for p, name in zip(peers[:2], "ab"):
        p.register(name)
    peers[2].register("c", token=token("c", life=1.5))
    silent = header(token("d", life=1.5))  # not even registered
    renewed = enter("e", life=1.5)
    renewed.register("e", token=token("e", life=600))
    foreign = enter("f", life=1.5)
    say_register(foreign, "f", token=token("g", life=600))
    foreign.error("forbidden")
    renewed.pinged()
    for p in [*peers, silent, foreign]:
        got, why = rest(p)
        now = time.time()
        equal((why, got), ((4503, "token expired"), []))
        assert -0.05 < now - end - float(leeway) < 1, now - end
    renewed.pinged()
    old = token("a", life=-1 - float(leeway))
    unauthorized(header(old))
    p = Peer()
    say_register(p, "a", token=old)
    unauthorized(p, in_band=True, rid="r", code="token_expired")


def bad_renewal():
    """A registered client that shows a forged token is not believed any more."""
    p = enter("drone-1")
    say_register(p, "drone-1", token=token("drone-1", secret="x" * 40))
    unauthorized(p, in_band=True, rid="r")


def forwarded(n):
    return [f"X-Forwarded-For: 203.0.113.{n}"]


def fail(n, count):
    for _ in range(count):
        p = Peer(headers=bearer(token(secret="y" * 40)) + forwarded(n))
        unauthorized(p)


def throttle():
    """--auth-failures 60, --trusted-proxy 127.0.0.1/32: an address that guesses must wait."""
    early = Peer(headers=forwarded(1))
    stays = enter("stays", headers=forwarded(1))
    fail(1, 60)
    for bad in ([], bearer(token(secret="y" * 40))):
        status, headers, body = http(None, request(bad + forwarded(1)))
        equal((status, headers["retry-after"], body),
              (429, "1", b"too many failed authentications\n"))
    # who shares the address with the one who guesses, and has a good token, need not wait
    say_register(early, "drone-1", token=token())
    early.get("registered")
    early.bye()
    stays.pinged()
    enter("drone-1", headers=forwarded(1)).bye()
    enter("drone-1", headers=forwarded(2)).bye()
    equal(metric("sigd_auth_failures_total"), 60)
    until(lambda: http_status(forwarded(1)) == 101, "still locked out")
    enter("drone-2", headers=forwarded(1))
    enter("drone-1", headers=forwarded(2))


def http_status(headers):
    w = Wire(dial())
    w.s.sendall(request(headers))
    return w.response()[0]


def strangers():
    """--max-clients 20: those who have not said who they are take no place of those who have."""
    crowd = [Wire(dial()) for _ in range(1100)]
    for w in crowd:
        w.s.sendall(request())
    for w in crowd[-1000:]:
        equal(w.response()[0], 101)
    peers = [enter(f"c{i}") for i in range(20)]
    for p in peers:
        p.pinged()
    equal(http_status(bearer(token())), 503)
    peers.pop().bye()
    until(lambda: http_status(bearer(token())) == 101, "no place again")
    late = Peer()  # with the token in band too, the oldest of the strangers gives way
    say_register(late, "late", token=token("late"))
    late.get("registered")


def throttle_in_band():
    """--auth-failures 3: guesses in register count as well."""
    for _ in range(3):
        p = Peer(headers=forwarded(9))
        say_register(p, "drone-1", token="nonsense")
        unauthorized(p, in_band=True, rid="r")
    status, headers, _ = http(None, request(forwarded(9)))
    equal(status, 429)
    assert 1 <= int(headers["retry-after"]) <= 20, headers
    enter("drone-1", headers=forwarded(10))


def library():
    """The websockets library, with the header and with the query."""
    import websockets

    async def once(path, headers):
        url = f"ws://127.0.0.1:{os.environ['E2E_PORT']}{path}"
        async with websockets.connect(url, extra_headers=headers) as ws:
            await ws.send(json.dumps({"type": "register", "id": "drone-1"}))
            return json.loads(await asyncio.wait_for(ws.recv(), 20))

    async def forged():
        try:
            await once("/", {"Authorization": "Bearer " + token(secret="z" * 40)})
        except websockets.ConnectionClosed as e:
            return e.rcvd.code, e.rcvd.reason
        raise AssertionError("not closed")

    good = token()
    for path, headers in (("/?token=" + good, {}), ("/", {"Authorization": "Bearer " + good})):
        equal(asyncio.run(once(path, headers))["type"], "registered")
    equal(asyncio.run(forged()), (1008, "Unauthorized"))


def make(who, *claims):
    """Prints a token; claims are JSON members."""
    print(token(who, **json.loads(claims[0] if claims else "{}")))


if __name__ == "__main__":
    main({f.__name__: f for f in (attack, one_key, too_long, two_tokens, missing, binding, expiry,
                                  bad_renewal, throttle, strangers, throttle_in_band, library, make)})
