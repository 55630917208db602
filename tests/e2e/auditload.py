# SPDX-License-Identifier: MIT
# The audit log on a full disk, on a pipe that nobody reads, over rotations and over a crash.

import glob
import json
import os
import random
import resource
import signal
import subprocess
import threading
import time

import peer
from peer import TEXT, Peer, equal, frame, http, request
from swarm import (Daemon, Pair, Swarm, document, metrics, quantile, ready, report, scaled, until)

SIGMON = os.environ["E2E_SIGMON"]
FULL = 300_000  # bytes of a disk
QUEUE = 256
ROTATIONS = scaled(100, 20)
RATE = scaled(2000, 300)  # events a second


def verify(*paths):
    """Exit status and output of sigmon's check of the chain."""
    got = subprocess.run([SIGMON, "audit", "verify", *paths], capture_output=True, text=True,
                         check=False, timeout=60)
    return got.returncode, got.stdout + got.stderr


def records(*paths):
    """The whole lines of these files; a torn one is left out."""
    got = []
    for path in paths:
        with open(path, "rb") as f:
            for line in f.read().splitlines():
                try:
                    got.append(json.loads(line))
                except ValueError:
                    pass
    return got


def count_of(got, event):
    return sum(r["event"] == event for r in got)


# ---------------------------------------------------------------- places that get stuck

class Limit:
    """A file that must not grow beyond a limit of the process: EFBIG."""

    def __init__(self, name):
        self.path = f"{name}.jsonl"

    def prepare(self):
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, hard))

    def relieve(self, daemon):
        hard = resource.prlimit(daemon.p.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(daemon.p.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def done(self):
        return self.path


class Disk(Limit):
    """A small file system that is full: ENOSPC. Only root can have one."""

    def __init__(self, name):
        super().__init__(name)
        self.where = os.path.abspath(f"{name}.disk")
        os.mkdir(self.where)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", self.where], check=True)
        self.path = f"{self.where}/audit.jsonl"
        with open(f"{self.where}/filler", "wb") as f:
            f.write(b"x" * ((4 << 20) - FULL))

    def prepare(self):
        pass

    def relieve(self, daemon):
        os.unlink(f"{self.where}/filler")

    def done(self):
        with open(self.path, "rb") as f, open("rescued.jsonl", "wb") as to:
            to.write(f.read())
        subprocess.run(["umount", self.where], check=True)
        return "rescued.jsonl"


class Pipe(Limit):
    """A pipe whose reader stands still until it is relieved, and then reads to the end."""

    def __init__(self, name):
        super().__init__(name)
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.reader = None

    def prepare(self):
        pass

    def read(self):
        os.set_blocking(self.fd, True)
        with open("read.jsonl", "wb") as to:
            while got := os.read(self.fd, 65536):
                to.write(got)

    def relieve(self, daemon):
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def done(self):
        self.reader.join()
        return "read.jsonl"


PLACES = {"limit": Limit, "disk": Disk, "pipe": Pipe}


def daemon_at(place, queue, *options):
    return Daemon("stuck", "--audit", place.path, "--audit-queue", str(queue), *options,
                  prepare=place.prepare)


def relay_until(pair, condition, what):
    """Relays without a pause until the condition holds, which is looked at every 200 messages."""
    end = time.monotonic() + 3 * peer.WAIT
    while not condition():
        assert time.monotonic() < end, f"never became true: {what}"
        for _ in range(200):
            pair.latency()


# ---------------------------------------------------------------- cases

def stuck(kind):
    """Drops are counted and told, the daemon is degraded, it goes on by itself, the chain holds."""
    place = PLACES[kind](kind)
    d = daemon_at(place, QUEUE)
    pair = Pair(d.port, "p")
    equal(document(d.health)[1]["status"], "healthy")
    relay_until(pair, lambda: metrics(d.health)["sigd_audit_drops_total"] > 500, "drops")
    until(lambda: metrics(d.health)["sigd_audit_failing"] == 1, what="failing")
    status, got = document(d.health)
    equal((status, got["status"], got["degraded"]), (200, "degraded", ["audit"]))
    equal(metrics(d.health)['sigd_degraded{what="audit"}'], 1)
    equal(ready(d.health), 200)
    until(lambda: "audit log cannot be written" in d.log(), what="logged")
    while_stuck = [pair.latency() for _ in range(500)]
    place.relieve(d)
    until(lambda: metrics(d.health)["sigd_audit_failing"] == 0, what="written again")
    until(lambda: metrics(d.health)["sigd_audit_queue"] == 0, what="the queue is empty")
    until(lambda: "audit log is written again" in d.log(), what="logged")
    for _ in range(100):
        pair.latency()
    until(lambda: metrics(d.health)["sigd_audit_queue"] == 0, what="the queue is empty")
    m = metrics(d.health)
    events = sum(v for k, v in m.items() if k.startswith("sigd_events_total"))
    equal(m["sigd_audit_records_total"] + m["sigd_audit_drops_total"], events)
    d.end()
    path = place.done()
    got = records(path)
    told = sum(r["count"] for r in got if r["event"] == "dropped")
    code, text = verify(path)
    report(kind=kind, dropped=told, records=len(got), p99_while_stuck=quantile(while_stuck, 0.99),
           verify=text.strip())
    equal(code, 0, text)
    equal(told, m["sigd_audit_drops_total"], "told as dropped")
    equal(got[-1]["event"], "closed")
    assert count_of(got, "relay") > 100


def unharmed():
    """Relay latency: without audit, with one that works, and with two that are stuck; in turn."""
    places = {"limit": Limit("limit"), "pipe": Pipe("pipe")}
    daemons = {"none": Daemon("none"), "healthy": Daemon("healthy", "--audit", "healthy.jsonl")}
    rss = {k: metrics(d.health)["process_resident_memory_bytes"] / 1e6 for k, d in daemons.items()}
    for kind, place in places.items():
        daemons[kind] = Daemon(kind, "--audit", place.path, "--audit-queue", str(QUEUE),
                               prepare=place.prepare)
    pairs = {k: Pair(d.port, "p") for k, d in daemons.items()}
    for kind in places:
        relay_until(pairs[kind],
                    lambda k=kind: metrics(daemons[k].health)["sigd_audit_drops_total"] > 0, "drops")
    took = {k: [] for k in daemons}
    for _ in range(4):
        for k, pair in pairs.items():
            took[k] += pair.latencies(0.7, pause=0.0005)
    p50, p99 = ({k: 1000 * quantile(v, q) for k, v in took.items()} for q in (0.5, 0.99))
    report(**{f"{k}_p50_ms": v for k, v in p50.items()}, **{f"{k}_p99_ms": v for k, v in p99.items()},
           messages=len(took["none"]), rss_mb_none=rss["none"], rss_mb_audit=rss["healthy"])
    for kind in places:
        places[kind].relieve(daemons[kind])
    for k, d in daemons.items():
        pairs[k].cut()
        d.end()
        assert p99[k] <= 2 * p99["none"] + scaled(2, 20), (k, p99)
    assert rss["healthy"] - rss["none"] < scaled(24, 100), rss
    for path in ("healthy.jsonl", *(place.done() for place in places.values())):
        equal(verify(path)[0], 0, path)


def required(kind):
    """--audit-required: nothing happens that cannot be written down, and then it goes on."""
    place = PLACES[kind](kind)
    d = daemon_at(place, 4096, "--audit-required")
    pair = Pair(d.port, "p")
    waiting = Peer(d.port)  # connected before, not registered
    refused = None
    end = time.monotonic() + 60
    while refused is None:
        assert time.monotonic() < end, "never withheld"
        pair.a.send(type="ice", target=pair.name, candidate="c", rid=1)
        got = pair.a.get()
        if got["type"] == "error":
            refused = got
        else:
            equal(got["type"], "ack")
            pair.b.get("ice")
    equal((refused["code"], refused["rid"]), ("overloaded", 1))
    waiting.send(type="register", id="late")
    waiting.error("overloaded")
    status, headers, _ = http(d.port, request())
    equal(status, 503)
    assert int(headers["retry-after"]) > 0
    equal(ready(d.health), 503)
    status, got = document(d.health)
    equal((status, got["status"]), (503, "unhealthy"))
    equal(metrics(d.health)["sigd_withholding"], 1)
    pair.a.pinged()
    place.relieve(d)
    began = time.monotonic()
    until(lambda: ready(d.health) == 200, what="ready again")
    back = time.monotonic() - began
    equal(document(d.health)[1]["status"], "healthy")
    pair.latency()
    waiting.register("late")
    Peer(d.port).register("fresh")
    m = metrics(d.health)
    equal(m["sigd_audit_drops_total"], 0)
    d.end()
    path = place.done()
    relayed = count_of(records(path), "relay")
    report(kind=kind, back=back, relayed=relayed)
    equal(relayed, sum(v for k, v in m.items() if k.startswith("sigd_relays_total")))
    equal(verify(path)[0], 0)


def bursts():
    """More at once than half of the queue is no reason to refuse anything."""
    d = Daemon("bursts", "--audit", "audit.jsonl", "--audit-queue", "512", "--audit-required")
    pair = Pair(d.port, "p")
    one = frame(TEXT, json.dumps({"type": "ice", "target": pair.name, "candidate": "c"}))
    for _ in range(20):
        pair.a.raw(300 * one)
        for _ in range(300):
            pair.b.get("ice")
        until(lambda: metrics(d.health)["sigd_audit_queue"] == 0, what="written")
    equal(metrics(d.health)["sigd_audit_drops_total"], 0)
    d.end()


class Load:
    """Pairs of a swarm that relay at a rate; every message is to be acknowledged."""

    def __init__(self, port):
        self.swarm = Swarm()
        self.a = self.swarm.register(port, [f"a{i}" for i in range(20)])
        self.b = self.swarm.register(port, [f"b{i}" for i in range(20)])
        self.sent = self.acked = 0
        self.due = time.monotonic()
        for c in self.a:
            c.on_text = self.on_ack

    def on_ack(self, _, payload):
        assert payload.startswith(b'{"type":"ack"'), payload
        self.acked += 1

    def turn(self):
        while self.due < time.monotonic():
            i = self.sent % len(self.a)
            self.a[i].send(type="ice", target=f"b{i}", candidate="c", rid=1)
            self.sent += 1
            self.due += 1 / RATE
        self.swarm.turn(0.002)

    def until(self, condition, what):
        end = time.monotonic() + peer.WAIT
        while not condition():
            assert time.monotonic() < end, f"never became true: {what}"
            self.turn()

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()


def rotations():
    """Renamed and reopened many times under load: one chain with exactly what happened."""
    path = "audit.jsonl"
    d = Daemon("rotated", "--audit", path)
    load = Load(d.port)
    began = time.monotonic()
    load.run(0.2)
    for i in range(ROTATIONS):
        os.rename(path, f"{path}.{i:03}")
        d.signal(signal.SIGUSR1)
        load.until(lambda: os.path.exists(path), "a new file")
        load.run(random.uniform(0, 0.08))
    load.swarm.until(lambda: load.acked == load.sent, what="acks")
    rate = load.sent / (time.monotonic() - began)
    until(lambda: metrics(d.health)["sigd_audit_queue"] == 0, what="the queue is empty")
    equal(metrics(d.health)["sigd_audit_drops_total"], 0)
    load.swarm.close()
    d.end()
    paths = sorted(glob.glob(f"{path}.*")) + [path]
    equal(len(paths), ROTATIONS + 1)
    code, text = verify(*paths)
    equal(code, 0, text)
    got = records(*paths)
    report(files=len(paths), relays=count_of(got, "relay"), records=len(got), rate=rate,
           verify=text.splitlines()[-1])
    equal(count_of(got, "relay"), load.sent)
    equal((count_of(got, "register"), count_of(got, "opened")), (40, ROTATIONS + 1))
    equal([r["seq"] for r in got], list(range(1, len(got) + 1)))
    assert rate >= 0.8 * RATE, f"the load was only {rate}"
    flips(paths)


def flips(paths):
    """One bit of one byte anywhere is found; only a file's last line could be another."""
    random.seed(7)
    for _ in range(20):
        victim = random.choice(paths[:-1])
        with open(victim, "r+b") as f:
            size = f.seek(0, os.SEEK_END)
            at, bit = random.randrange(size), 1 << random.randrange(8)
            f.seek(at)
            was = f.read(1)
            f.seek(at)
            f.write(bytes([was[0] ^ bit]))
            f.flush()
            code, text = verify(*paths)
            assert code != 0, (victim, at, was, bit, text)
            f.seek(at)
            f.write(was)
    equal(verify(*paths)[0], 0)


def killed():
    """kill -9 under load, three times; the last record may be torn, the chain goes on."""
    path = "audit.jsonl"
    missing = []
    for i in range(3):
        before = count_of(records(path), "relay") if i else 0
        d = Daemon(f"killed-{i}", "--audit", path)
        load = Load(d.port)
        load.run(0.5)
        d.kill()
        load.swarm.close()
        missing.append(load.acked - (count_of(records(path), "relay") - before))
        if i:
            with open(path, "r+b") as f:
                f.truncate(f.seek(0, os.SEEK_END) - 10 * i)
        assert verify(path)[0] == 0 or i, "killed"
    d = Daemon("after", "--audit", path)
    Peer(d.port).register("after")
    d.end()
    code, text = verify(path)
    equal(code, 0, text)
    got = records(path)
    report(records=len(got), acked_and_missing=missing, recovered=count_of(got, "recovered"),
           verify=text.strip())
    equal(count_of(got, "recovered"), 2)
    assert max(missing) <= RATE * 0.1, missing


peer.main({f.__name__: f for f in (stuck, unharmed, required, bursts, rotations, killed)})
