# SPDX-License-Identifier: MIT
# Floods of connections that never become a WebSocket, and storms of honest ones.

import json
import os
import time

import peer
from peer import Peer, equal
from swarm import (Pair, Swarm, document, metrics, quantile, report, scaled, trusting, until)

PLAIN, TLS, HEALTH = (int(p) for p in os.environ["E2E_PORTS"].split())
PID = int(os.environ["E2E_PID"])
STALLED = scaled(1000, 300)
SLOW = scaled(1000, 300)
NEW_WITHIN = scaled(1.0, 2.0)
GONE_WITHIN = 10.5  # ten seconds since it was accepted, after waiting to be

# The beginning of a ClientHello: a record of 200 bytes, of which 50 come.
HALF_HELLO = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x00" * 39
SLOW_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


class Flood:
    """In a process of its own: stalled handshakes and slow senders of headers, all at once. Goes on
    until the server has closed all of them; tells how long the longest lasted."""

    def __init__(self, stalled, slow):
        self.out, told = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                result = json.dumps(self.attack(stalled, slow))
            except BaseException as e:
                result = json.dumps({"trouble": repr(e)})
            os.write(told, result.encode())
            os._exit(0)
        os.close(told)

    @staticmethod
    def attack(stalled, slow):
        swarm, ctx = Swarm(), trusting()
        conns = []
        for i in range(max(stalled, slow)):
            if i < stalled:  # TCP only, or the half of a hello
                conns.append(swarm.dial(TLS, hello=HALF_HELLO if i % 2 else b""))
            if i < slow:  # one in four behind a finished TLS handshake
                tls = ctx if i % 4 == 3 else None
                conns.append(swarm.dial(TLS if tls else PLAIN, hello=SLOW_HEAD, tls=tls))
                conns[-1].slow = True
            if i % 50 == 0:
                swarm.turn(0)
        drip = [c for c in conns if hasattr(c, "slow")]
        end = time.monotonic() + 30
        turn = 0
        while swarm.conns and time.monotonic() < end:
            swarm.turn(0.05)
            turn += 1
            for c in drip[turn % 20::20]:
                if c.state == "asking" and not c.out:
                    c.write(b"x")
        left = len(swarm.conns)
        lives = [c.ended - c.began for c in conns if c.ended]
        return {"left": left, "longest": max(lives), "median": quantile(lives, 0.5)}

    def running(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def result(self):
        os.waitpid(self.pid, 0)
        got = json.loads(os.read(self.out, 65536))
        os.close(self.out)
        assert "trouble" not in got, got
        return got


def newcomer(where, ctx, name):
    """How long a fresh client takes to be registered."""
    swarm = Swarm()
    began = time.monotonic()
    c, = swarm.register(where, [name], ctx)
    took = c.registered - began
    c.over()
    return took


def look():
    m = metrics(HEALTH)
    return {"fds": int(m["process_open_fds"]), "rss": m["process_resident_memory_bytes"] / 1e6,
            "handshakes": int(m["sigd_handshakes"])}


def flooded():
    """Newcomers get in while it lasts, those who were there notice nothing, nothing is left."""
    ctx = trusting()
    pair = Pair(PLAIN, "old")
    newcomer(TLS, ctx, "warm")
    calm = pair.latencies(1.5)
    before = look()
    flood = Flood(STALLED, SLOW)
    until(lambda: look()["handshakes"] >= 60, what="flooded")
    entered, busy, most, n = [], [], before, 0
    while flood.running():
        n += 1
        entered.append(newcomer(PLAIN, None, f"plain-{n}"))
        entered.append(newcomer(TLS, ctx, f"tls-{n}"))
        busy += pair.latencies(0.3)
        most = max(most, look(), key=lambda v: v["rss"])
    got = flood.result()
    report(tries=len(entered), new_max=max(entered), new_median=quantile(entered, 0.5),
           calm_p50=quantile(calm, 0.5), calm_p99=quantile(calm, 0.99),
           flood_p50=quantile(busy, 0.5), flood_p99=quantile(busy, 0.99), flood_max=max(busy),
           stalled_longest=got["longest"], stalled_median=got["median"], left=got["left"],
           rss_before=before["rss"], rss_most=most["rss"], most_handshakes=most["handshakes"])
    equal(got["left"], 0, "still connected:")
    assert len(entered) >= 6 and max(entered) <= NEW_WITHIN, entered
    assert got["longest"] <= GONE_WITHIN, got
    assert quantile(busy, 0.99) <= 2 * quantile(calm, 0.99) + scaled(0.01, 0.05)
    until(lambda: look()["fds"] == before["fds"], what="no descriptor left behind")
    equal(look()["handshakes"], 0)
    assert most["rss"] - before["rss"] < scaled(96, 400), (before, most)  # 1,024 times 64 KB
    equal(document(HEALTH)[1]["status"], "healthy")
    pair.cut()


def storm(where, count, ctx):
    """So many honest clients at once all get in."""
    swarm = Swarm()
    began = time.monotonic()
    conns = swarm.register(where, [f"honest-{i}" for i in range(count)], ctx)
    took = [c.registered - began for c in conns]
    equal(int(metrics(HEALTH)["sigd_clients"]), count)
    report(count=count, all_in=max(took), median=quantile(took, 0.5))
    swarm.close()
    until(lambda: metrics(HEALTH)["sigd_connections"] == 0, what="gone")
    return max(took)


def storm_plain():
    storm(PLAIN, scaled(1000, 300), None)


def storm_tls():
    storm(TLS, scaled(500, 150), trusting())


def storm_during_flood():
    """Both at once."""
    flood = Flood(STALLED, SLOW)
    until(lambda: look()["handshakes"] >= 60, what="flooded")
    storm(PLAIN, scaled(90, 90), None)
    storm(TLS, scaled(90, 60), trusting())
    equal(flood.result()["left"], 0)


peer.main({f.__name__: f for f in (flooded, storm_plain, storm_tls, storm_during_flood)})
