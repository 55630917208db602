# SPDX-License-Identifier: MIT
# The daemon drains in the middle of traffic: who is told what, what arrives, who comes back when.

import json
import os
import random
import signal
import subprocess
import time

import peer
from peer import Gone, Peer, dial, equal
from swarm import (Daemon, Swarm, document, exited, metrics, quantile, ready, report, scaled,
                   trusting, until)

PLAIN, *_, HEALTH = (int(p) for p in os.environ["E2E_PORTS"].split())
PID = int(os.environ["E2E_PID"])
END = os.pidfd_open(PID)
CLIENTS = scaled(2000, 300)
RATE = scaled(5000, 600)  # messages a second
DRAIN_TIMEOUT = 10
WINDOW_MS = 10000
GOODBYE = (1001, "server going away")


class Traffic:
    """Clients of a swarm in a ring: each sends numbered messages to the next, on a schedule."""

    def __init__(self, swarm, conns):
        self.swarm, self.conns = swarm, conns
        self.due = time.monotonic()
        self.sent = self.errors = self.acks = 0
        for i, c in enumerate(conns):
            c.index, c.target = i, f"c{(i + 1) % len(conns)}"
            c.numbers, c.acked, c.arrived, c.advice = 0, [], set(), []
            c.on_text = self.hear
        self.turns = random.sample(range(len(conns)), len(conns))

    def hear(self, c, payload):
        if c.advice:
            c.trouble = f"after goaway: {payload!r:.200}"
        elif payload.startswith(b'{"type":"ack"'):
            c.acked.append(json.loads(payload)["rid"])
            self.acks += 1
        elif payload.startswith(b'{"type":"ice"'):
            got = json.loads(payload)
            c.arrived.add((got["from"], got["candidate"]))
        elif payload.startswith(b'{"type":"goaway"'):
            got = json.loads(payload)
            equal(got["reason"], "drain")
            c.advice.append(got["reconnectAfter"])
        else:  # one of the ring may be gone first
            assert b'"target_not_found"' in payload, payload
            self.errors += 1

    def send(self, c, target=None):
        c.numbers += 1
        c.send(type="ice", target=target or c.target, candidate=str(c.numbers), rid=c.numbers)
        self.sent += 1

    def turn(self):
        """Sends what is due, and looks at the sockets."""
        now = time.monotonic()
        while self.due < now:
            c = self.conns[self.turns[self.sent % len(self.turns)]]
            if c.state == "open" and not c.end:
                self.send(c)
            else:
                self.sent += 1
            self.due += 1 / RATE
        self.swarm.turn(0.002)

    def run(self, seconds):
        """Gives the rate that was really reached."""
        acks, began = self.acks, time.monotonic()
        while time.monotonic() < began + seconds:
            self.turn()
        return (self.acks - acks) / (time.monotonic() - began)

    def run_out(self, wait=2 * DRAIN_TIMEOUT):
        """Goes on until the server has closed every one."""
        end = time.monotonic() + wait
        while any(c.state != "gone" for c in self.conns):
            assert time.monotonic() < end, "still connected"
            self.turn()

    def lost(self):
        """Messages that were acknowledged and did not arrive."""
        return [(c.name, n) for c in self.conns for n in c.acked
                if (c.name, str(n)) not in self.conns[(c.index + 1) % len(self.conns)].arrived]

    def check_ends(self):
        for c in self.conns:
            assert c.trouble is None, (c.name, c.trouble)
            equal(len(c.advice), 1, f"{c.name}: goaways")
            equal(c.end, GOODBYE, c.name)


def check_spread(advice, window):
    """A quarter of the moments in each quarter of the window, within five standard deviations."""
    n = len(advice)
    assert all(0 <= ms < window for ms in advice), (min(advice), max(advice))
    slack = 5 * (n * 0.25 * 0.75) ** 0.5
    quarters = [sum(1 for ms in advice if int(4 * ms / window) == q) for q in range(4)]
    assert all(abs(k - n / 4) <= slack for k in quarters), quarters
    return quarters


def terminate():
    os.kill(PID, signal.SIGTERM)
    return time.monotonic()


class SlowReader:
    """Does not read until it is told to; what is for it waits in the daemon."""

    def __init__(self, swarm):
        swarm.receive_buffer = 4096
        self.c, = swarm.register(PLAIN, ["slow"])
        swarm.receive_buffer = 0
        self.got, self.advice = [], []
        self.c.on_text = self.hear
        self.c.pause()

    def hear(self, _, payload):
        got = json.loads(payload)
        if got["type"] == "ice":
            self.got.append((got["from"], got["candidate"]["n"]))
        else:
            equal(got["type"], "goaway")
            self.advice.append(got["reconnectAfter"])

    def feed(self, swarm):
        """Gives what was acknowledged, once the daemon holds a queue of half a megabyte."""
        feeders = swarm.register(PLAIN, [f"feeder-{i}" for i in range(20)])
        acked = []

        def hear(c, payload):
            got = json.loads(payload)
            if got["type"] == "ack":
                acked.append((c.name, got["rid"]))
            elif got["type"] == "goaway":
                c.advice = got["reconnectAfter"]
            else:
                raise AssertionError(payload)

        for c in feeders:
            c.on_text, c.advice = hear, None
        n = 0
        while metrics(HEALTH)["sigd_queue_bytes"] < 500_000:
            n += 1
            assert n < 500, "nothing is queued"
            for c in feeders:
                c.send(type="ice", target="slow", candidate={"n": n, "pad": "x" * 8000}, rid=n)
            swarm.until(lambda: len(acked) == 20 * n, what="acks")
        return feeders, acked


def storm():
    """TERM in the middle of everything; nothing that was acknowledged is lost."""
    swarm = Swarm()
    conns = swarm.register(PLAIN, [f"c{i}" for i in range(CLIENTS)])
    slow = SlowReader(swarm)
    feeders, for_slow = slow.feed(swarm)
    traffic = Traffic(swarm, conns)
    traffic.run(0.5)
    rate = traffic.run(1.5)
    told = terminate()
    traffic.run_out()
    all_gone = time.monotonic()
    equal(slow.c.state, "open", "the slow reader:")
    slow.c.pause(reading=True)
    swarm.until(lambda: slow.c.state == "gone", what="the slow reader's end")
    end = exited(END, DRAIN_TIMEOUT)
    traffic.check_ends()
    lost = traffic.lost()
    quarters = check_spread([c.advice[0] for c in conns], WINDOW_MS)
    report(clients=len(conns), rate=rate, acked=traffic.acks, lost=len(lost),
           acked_for_slow=len(for_slow), lost_for_slow=len(set(for_slow) - set(slow.got)),
           all_gone=all_gone - told, exited=end - told, quarters=quarters)
    equal(lost, [])
    equal((slow.c.end, len(slow.advice)), (GOODBYE, 1))
    equal(set(for_slow) - set(slow.got), set(), "lost for the slow reader:")
    for c in feeders:
        equal(c.end, GOODBYE)
        assert c.advice is not None
    assert end - told <= DRAIN_TIMEOUT
    assert rate >= 0.8 * RATE, f"the load was only {rate}"


def storm_tls():
    """The same over TLS, with fewer clients."""
    tls = int(os.environ["E2E_TLS"])
    swarm = Swarm()
    conns = swarm.register(tls, [f"c{i}" for i in range(scaled(300, 100))], trusting())
    traffic = Traffic(swarm, conns)
    traffic.run(1.0)
    told = terminate()
    traffic.run_out()
    end = exited(END, DRAIN_TIMEOUT)
    traffic.check_ends()
    equal(traffic.lost(), [])
    report(clients=len(conns), acked=traffic.acks, exited=end - told)


def by_request():
    """An administrator's drain does the same, and is acknowledged before it is told."""
    swarm = Swarm()
    conns = swarm.register(PLAIN, [f"c{i}" for i in range(scaled(500, 100))])
    traffic = Traffic(swarm, conns)
    admin = Peer(PLAIN)
    admin.register("admin")
    traffic.run(1.0)
    admin.send(type="drain", rid="d")
    traffic.run_out()
    equal(admin.get("ack")["rid"], "d")
    admin.get("goaway")
    admin.closed(1001)
    exited(END, DRAIN_TIMEOUT)
    traffic.check_ends()
    equal(traffic.lost(), [])


def held():
    """While somebody's queue is flushed: not ready, nobody new, everybody else gone; a second
    signal ends it."""
    swarm = Swarm()
    slow = SlowReader(swarm)
    feeders, _ = slow.feed(swarm)
    silent = dial(PLAIN)  # accepted, and says nothing
    equal((ready(HEALTH), document(HEALTH)[1]["status"]), (200, "healthy"))
    told = terminate()
    until(lambda: ready(HEALTH) == 503, what="not ready")
    unready = time.monotonic() - told
    assert unready < scaled(0.2, 1), unready
    equal(silent.recv(1), b"")
    swarm.until(lambda: all(c.state == "gone" for c in feeders), what="the others gone")
    for _ in range(5):
        try:
            dial(PLAIN)
        except ConnectionRefusedError:
            continue
        raise AssertionError("a newcomer was let in")
    status, got = document(HEALTH)
    equal((status, got["status"], got["connections"]), (200, "draining", 1))
    equal(metrics(HEALTH)["sigd_draining"], 1)
    again = terminate()
    end = exited(END, DRAIN_TIMEOUT)
    assert end - again < scaled(1, 3), end - again
    report(unready=unready, at_once=end - again)
    slow.c.over()


def given_up():
    """Who does not read until the end holds it for the drain-timeout and no longer."""
    swarm = Swarm()
    slow = SlowReader(swarm)
    slow.feed(swarm)
    told = terminate()
    end = exited(END, DRAIN_TIMEOUT)
    assert 1.0 <= end - told <= 2.5, end - told
    slow.c.over()


def told_while_full():
    """Told to stop while it does not accept: who asks for its health is still answered."""
    swarm = Swarm()
    slow = SlowReader(swarm)
    slow.feed(swarm)
    open_fds = int(metrics(HEALTH)["process_open_fds"])
    subprocess.run(["prlimit", "--pid", str(PID), f"--nofile={open_fds + 3}:"], check=True)
    crowd = [dial(PLAIN) for _ in range(20)]
    with open(os.environ["E2E_ERR"], encoding="utf-8") as err:
        text = ""

        def full():
            nonlocal text
            text += err.read()
            return "out of file descriptors" in text
        until(full, what="full")
    terminate()

    def unready():
        try:
            return ready(HEALTH) == 503
        except Gone:  # nobody's connection has been closed yet
            return False
    until(unready, what="not ready")
    slow.c.pause(reading=True)
    swarm.until(lambda: slow.c.state == "gone", what="the slow reader's end")
    equal(slow.c.end, GOODBYE)
    exited(END, DRAIN_TIMEOUT)
    for s in crowd:
        s.close()


class Returner:
    """A client that honours what goaway says."""

    def __init__(self, c):
        self.name, self.advice, self.at, self.new = c.name, None, None, None
        self.c = c
        c.on_text = self.hear

    def hear(self, _, payload):
        got = json.loads(payload)
        equal(got["type"], "goaway")
        self.advice = got["reconnectAfter"]
        self.at = time.monotonic() + self.advice / 1000


def return_spread():
    """Clients that honour it are back over the window, on another daemon at the same port."""
    count, window = 200, 2000
    swarm = Swarm()
    clients = [Returner(c) for c in swarm.register(PLAIN, [f"c{i}" for i in range(count)])]
    told = terminate()
    swarm.until(lambda: all(r.c.state == "gone" for r in clients), what="told")
    exited(END, DRAIN_TIMEOUT)
    second = Daemon("second", listen=[f"127.0.0.1:{PLAIN}"])
    pause = time.monotonic() - told
    try:
        while any(r.new is None for r in clients):
            now = time.monotonic()
            for r in clients:
                if r.new is None and r.at <= now:
                    r.new = swarm.dial(PLAIN, r.name)
            swarm.turn(0.005)
        swarm.until(lambda: all(r.new.registered for r in clients), what="back")
        back = sorted((r.new.registered - told) * 1000 for r in clients)
        quarters = check_spread([r.advice for r in clients], window)
        report(quarters=quarters, down_ms=pause * 1000, first=back[0], last=back[-1],
               q1=quantile(back, 0.25), q2=quantile(back, 0.5), q3=quantile(back, 0.75))
        for q in (0.25, 0.5, 0.75):
            assert abs(quantile(back, q) - q * window) < 0.15 * window + scaled(0, 200), (q, back)
        equal(metrics(second.health)["sigd_clients"], count)
    finally:
        swarm.close()
        second.end()


peer.main({f.__name__: f for f in (storm, storm_tls, by_request, held, given_up, told_while_full,
                                   return_spread)})
