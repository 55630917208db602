# SPDX-License-Identifier: MIT
# No descriptors, no places: idle and quiet while it lasts, served again at once when there is room.

import fcntl
import os
import re
import resource
import time

import peer
from peer import Peer, dial, equal, http, request
from swarm import (Daemon, Pair, Swarm, busy, document, metrics, quantile, report, scaled, until)

PORT, HEALTH = (int(p) for p in os.environ["E2E_PORTS"].split())
PID = int(os.environ["E2E_PID"])
CPU_MOST = scaled(0.05, 0.15)
LINES_MOST = 10  # a second
AGAIN_WITHIN = scaled(1.0, 2.0)
WINDOW = 2.5


def log_lines():
    with open(os.environ["E2E_ERR"], encoding="utf-8") as f:
        return f.read().splitlines()


def lower_limit(spare):
    """Leaves so many descriptors; gives the limits from before."""
    now = int(metrics(HEALTH)["process_open_fds"]) - 1  # but for this question's own
    before = resource.prlimit(PID, resource.RLIMIT_NOFILE)
    resource.prlimit(PID, resource.RLIMIT_NOFILE, (now + spare, before[1]))
    return before


def crowd(swarm, names):
    return [swarm.dial(PORT, name) for name in names]


def registered(conns):
    return sum(1 for c in conns if c.registered)


def all_in(swarm, waiting):
    """When the last of them got in; a few are closed while it was still full."""
    swarm.until(lambda: all(c.registered or c.state == "gone" for c in waiting), what="all in")
    assert registered(waiting) >= 0.8 * len(waiting), (registered(waiting), len(waiting))
    return max(c.registered for c in waiting if c.registered)


class Quiet:
    """What the daemon did in a window: CPU, log lines, and how its clients fared."""

    def __init__(self, pair, swarm, meanwhile=None):
        self.relays = []
        lines = len(log_lines())
        began = time.monotonic()

        def look():
            swarm.turn(0)
            if len(self.relays) < 200:
                self.relays.append(pair.latency())
            if meanwhile:
                meanwhile()
        self.cpu = busy(PID, WINDOW, look)
        self.lines = (len(log_lines()) - lines) / (time.monotonic() - began)

    def check(self, **more):
        report(cpu=self.cpu, lines_per_second=self.lines, relays=len(self.relays),
               relay_p99=quantile(self.relays, 0.99), relay_max=max(self.relays), **more)
        assert self.cpu <= CPU_MOST, self.cpu
        assert self.lines <= LINES_MOST, self.lines
        assert max(self.relays) < scaled(0.2, 1)


def full(swarm):
    """A pair, and 60 peers of which those get in that 20 descriptors are enough for."""
    pair = Pair(PORT, "old")
    guests = swarm.register(PORT, [f"guest-{i}" for i in range(100)])
    before = lower_limit(20)
    late = crowd(swarm, [f"late-{i}" for i in range(60)])
    swarm.until(lambda: any("out of file descriptors" in line for line in log_lines()), what="full")
    swarm.run(0.2)
    assert 0 < registered(late) <= 25, registered(late)
    return pair, guests, late, before


def crowding(swarm):
    """Ten more connections a second, besides those that wait already."""
    state = {"next": time.monotonic(), "conns": []}

    def more():
        if time.monotonic() >= state["next"]:
            state["next"] += 0.1
            state["conns"].append(swarm.dial(PORT, f"more-{len(state['conns'])}"))
    return more, state["conns"]


def raised():
    """The limit is raised again: those who wait get in within a second."""
    swarm = Swarm()
    pair, _, late, before = full(swarm)
    more, others = crowding(swarm)
    quiet = Quiet(pair, swarm, more)
    was_in = registered(late)
    raised_at = time.monotonic()
    resource.prlimit(PID, resource.RLIMIT_NOFILE, before)
    waiting = [c for c in late + others if c.state != "gone"]
    took = all_in(swarm, waiting) - raised_at
    quiet.check(in_while_full=was_in, all_in=took, waited=len(waiting) - was_in)
    assert took <= AGAIN_WITHIN + 0.1, took  # it looks once a second
    assert Peer(PORT).register("fresh")
    equal(document(HEALTH)[1]["degraded"], [])
    swarm.close()
    pair.cut()


def left():
    """Clients leave: as many of those who wait get in at once."""
    swarm = Swarm()
    pair, guests, late, before = full(swarm)
    quiet = Quiet(pair, swarm)
    was_in = registered(late)
    left_at = time.monotonic()
    for c in guests:
        c.over()
    waiting = [c for c in late if c.state != "gone"]
    took = all_in(swarm, waiting) - left_at
    quiet.check(in_while_full=was_in, all_in=took, waited=len(waiting) - was_in)
    assert took <= AGAIN_WITHIN, took
    resource.prlimit(PID, resource.RLIMIT_NOFILE, before)
    swarm.close()
    pair.cut()


def health_while_full():
    """Out of descriptors it still says so: the health has one of its own."""
    swarm = Swarm()
    pair, _, _, before = full(swarm)
    for _ in range(20):
        status, got = document(HEALTH)
        equal((status, got["status"], got["degraded"]), (200, "degraded", ["descriptors"]))
        equal(metrics(HEALTH)['sigd_degraded{what="descriptors"}'], 1)
        pair.latency()
    silent = dial(HEALTH)  # has the reserve, and says nothing
    quiet = Quiet(pair, swarm)
    silent.close()
    equal(document(HEALTH)[0], 200)
    quiet.check()
    resource.prlimit(PID, resource.RLIMIT_NOFILE, before)
    until(lambda: document(HEALTH)[1]["degraded"] == [], what="healthy")
    swarm.close()
    pair.cut()


def clients():
    """--max-clients 100, all of them taken: a refusal with Retry-After, a free place at once."""
    swarm = Swarm()
    pair = Pair(PORT, "old")
    guests = swarm.register(PORT, [f"guest-{i}" for i in range(98)])
    refusals = 0

    def knock():
        nonlocal refusals
        status, headers, _ = http(PORT, request())
        equal(status, 503)
        assert int(headers["retry-after"]) > 0
        refusals += 1
    quiet = Quiet(pair, swarm, lambda: None if refusals >= 25 else knock())
    equal(document(HEALTH)[1]["degraded"], ["max-clients"])
    for c in guests[:10]:
        c.over()
    began = time.monotonic()
    until(lambda: metrics(HEALTH)["sigd_connections"] <= 90, what="places")
    new, = swarm.register(PORT, ["new"])
    took = new.registered - began
    quiet.check(refusals=refusals, in_again=took)
    assert took <= AGAIN_WITHIN, took
    swarm.close()
    pair.cut()


def handshakes():
    """More silent connections than there are places for handshakes."""
    swarm = Swarm()
    pair = Pair(PORT, "old")
    silent = [swarm.dial(PORT, hello=b"") for _ in range(scaled(1600, 1200))]
    until(lambda: any("no room for another" in line for line in log_lines()), what="full")
    quiet = Quiet(pair, swarm)
    began = time.monotonic()
    new, = swarm.register(PORT, ["new"])
    took = new.registered - began
    given_up = sum(1 for c in silent if c.state == "gone")
    quiet.check(in_again=took, given_up=given_up)
    assert took <= AGAIN_WITHIN, took
    swarm.close()
    pair.cut()


def log_reader():
    """Who reads the log stands still: nobody waits for it, and it is told how much it missed. Then
    it is gone."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    d = Daemon("mute", "--log-level", "debug", stderr=writer)
    os.close(writer)
    pair = Pair(d.port, "p")
    took = []
    end = time.monotonic() + 1.5  # more than one second's worth of lines
    while time.monotonic() < end:
        took.append(pair.latency())
    began = time.monotonic()
    Peer(d.port).register("fresh")
    equal(document(d.health)[1]["status"], "healthy")
    assert time.monotonic() - began < scaled(0.5, 2)
    os.set_blocking(reader, False)
    text = os.read(reader, 65536).decode()

    def told():
        nonlocal text
        pair.latency()
        try:
            text += os.read(reader, 65536).decode()
        except BlockingIOError:
            return False
        return "log lines lost" in text
    until(told, what="told")
    lost = sum(int(n) for n in re.findall(r"log lines lost count=(\d+)", text))
    report(messages=len(took), p99=quantile(took, 0.99), longest=max(took), lost=lost)
    assert lost > 100, text[-2000:]
    assert quantile(took, 0.99) < scaled(0.05, 0.2)
    assert all(re.match(r"\d{4}-", line) for line in text.splitlines()), "half a line"
    os.close(reader)
    for _ in range(50):
        pair.latency()
    Peer(d.port).register("later")
    d.end()


peer.main({f.__name__: f for f in (raised, left, health_while_full, clients,
                                   handshakes, log_reader)})
