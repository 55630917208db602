# SPDX-License-Identifier: MIT
# Too many clients, too few descriptors, peers that do not read or answer, ids taken over.

import json
import os
import re
import resource
import time

from peer import (CLOSE, PING, PONG, TEXT, WAIT, Bystanders, Gone, Peer, Wire, dial, equal, frame,
                  health_port, http, main, request)


def pid():
    return int(os.environ["E2E_PID"])


def log_count(text):
    with open(os.environ["E2E_ERR"], encoding="utf-8") as f:
        return sum(text in line for line in f)


def until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def busy_us():
    with open(f"/proc/{pid()}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) // 1000


def call(a, b, name):
    """a calls b."""
    a.send(type="ice", target=name, candidate="c", rid=1)
    equal(a.get("ack")["rid"], 1)
    equal(b.get("ice")["candidate"], "c")


def full():
    """--max-clients 4"""
    peers = [Peer() for _ in range(4)]
    for i, p in enumerate(peers):
        p.register(f"p{i}")
    for _ in range(100):
        status, headers, body = http(None, request())
        equal((status, headers["retry-after"], headers["connection"]), (503, "5", "close"))
        equal(body, b"too many clients\n")
    call(peers[0], peers[3], "p3")
    equal(http(health_port(), request(path="/health", upgrade=False))[0], 200)
    for i in range(20):  # a place freed is usable at once, whichever way it was freed
        gone = peers.pop(0)
        if i % 2:
            gone.bye()
        else:
            gone.cut()
            until(lambda n=i: log_count("client disconnected") > n, "no disconnect")
        fresh = Peer()
        fresh.register(f"n{i}")
        peers.append(fresh)
        equal(http(None, request())[0], 503)
    call(peers[0], peers[3], "n19")


def metric(name):
    body = http(health_port(), request(path="/metrics", upgrade=False))[2].decode()
    return float(re.search(rf"^{name} (.*)$", body, re.M)[1])


def make_way(most_open):
    """All places of handshakes are taken by connections that say nothing."""
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    others = [Peer() for _ in range(most_open)]
    silent = [dial() for _ in range(64)]
    late = [dial() for _ in range(3)]
    for s in late:
        s.sendall(request())
    until(lambda: log_count("no room for another connection"), "the limit was not noticed")
    for _ in range(200):
        call(a, b, "b")
    start = time.monotonic()
    for s in late:
        equal(Wire(s).response()[0], 503 if others else 101)
    equal(http(health_port(), request(path="/health", upgrade=False))[0], 200)
    assert time.monotonic() - start < 5, "the silent ones were waited for"
    assert Wire(silent[0]).ended()  # the oldest goes first
    call(a, b, "b")
    assert log_count("no room for another connection") <= 20
    for s in silent:
        s.close()


def handshakes():
    """--max-clients 8, with places left for those who make way: they are served"""
    make_way(0)


def hard_cap():
    """--max-clients 4, all of them taken: even the refusal is not long in coming"""
    make_way(2)


def descriptors():
    """Out of file descriptors: served clients stay, the log is quiet, it recovers."""
    others = Bystanders()
    others.served()
    soft, hard = resource.prlimit(pid(), resource.RLIMIT_NOFILE)
    resource.prlimit(pid(), resource.RLIMIT_NOFILE, (int(metric("process_open_fds")) + 5, hard))
    try:
        waiting = [dial() for _ in range(50)]
        until(lambda: log_count("out of file descriptors") >= 1, "not noticed")
        start, before = time.monotonic(), busy_us()
        until(lambda: log_count("out of file descriptors") >= 4 or time.monotonic() > start + 3,
              "no later try")
        share = (busy_us() - before) / ((time.monotonic() - start) * 1e6)
        assert share < 0.2, f"{share:.0%} of a processor"
        assert log_count("out of file descriptors") < 40
        for i in range(20):
            call(others.a, others.b, "bystander-b")
    finally:
        resource.prlimit(pid(), resource.RLIMIT_NOFILE, (soft, hard))
    for s in waiting:
        s.close()
    others.served()
    with open(os.environ["E2E_ERR"], encoding="utf-8") as f:
        lines = f.readlines()
    assert len(lines) < 400, len(lines)


def deaf_peer(name):
    """Registered, and does not read."""
    p = Peer()
    p.register(name)
    return p


def push(a, name, size, count):
    """Sends until an error comes back; gives its code, or None."""
    for i in range(count):
        a.send(type="ice", target=name, candidate="x" * size, rid=i)
        got = a.get()
        while got["type"] == "bye":
            got = a.get()
        if got["type"] == "error":
            equal(got["rid"], i)
            return got["code"]
    return None


def slow_queue():
    """The queue of a slow receiver is full: it is cut, the sender is told, others are served."""
    others = Bystanders()
    a, slow = Peer(), deaf_peer("slow")
    a.register("a")
    equal(push(a, "slow", 60000, 1000), "target_overloaded")
    equal(push(a, "slow", 60000, 1), "target_not_found")
    others.served()
    got = 0
    while True:
        try:
            slow.get("ice")
            got += 1
        except Gone:
            break
    assert got > 0
    equal(slow.closed(4409)[1], "slow receiver")
    a.bye()
    others.alone()


def slow_dead():
    """The same, but it never reads again: it is dropped."""
    others = Bystanders()
    a, slow = Peer(), deaf_peer("slow")
    a.register("a")
    equal(push(a, "slow", 60000, 1000), "target_overloaded")
    until(lambda: json.loads(http(health_port(), request(path="/health", upgrade=False))[2])
          ["connections"] == 3, "still connected")
    others.served()
    slow.cut()


def slow_timeout():
    """--send-timeout 300ms, a queue that never fills: one that stands still is closed as well."""
    others = Bystanders()
    a, slow = Peer(), deaf_peer("slow")
    a.register("a")
    assert push(a, "slow", 60000, 400) in (None, "target_not_found")
    until(lambda: log_count("4409 slow receiver"), "still there")
    equal(push(a, "slow", 1, 1), "target_not_found")
    others.served()
    slow.cut()


def slow_pauses():
    """A receiver that reads late, but before its queue is full, gets everything in order."""
    others = Bystanders()
    a, slow = Peer(), deaf_peer("slow")
    a.register("a")
    equal(push(a, "slow", 60000, 400), None)
    for _ in range(400):
        equal(len(slow.get("ice")["candidate"]), 60000)
    slow.pinged()
    others.served()


def heartbeat_lost():
    """Two pings unanswered, then 4400; whoever answers stays, and so does whoever talks."""
    good, mute, talker = Peer(pongs=False), Peer(pongs=False), Peer(pongs=False)
    for p, name in ((good, "good"), (mute, "mute"), (talker, "talker")):
        p.register(name)

    def beat():
        """Waits for a ping each; one answers it, the other just says something."""
        for p in (good, talker):
            op, payload = p.frame()
            while op != PING:
                equal(op, TEXT)
                op, payload = p.frame()
            p.raw(frame(PONG, payload) if p is good else frame(TEXT, '{"type":"ping"}'))

    for _ in range(2):
        op, payload = mute.frame()
        equal((op, payload.isdigit()), (PING, True))
        beat()
    equal(mute.frame(), (CLOSE, b"\x11\x30heartbeat lost"))
    for _ in range(4):
        beat()
    good.send(type="ice", target="talker", candidate="still here", rid=1)
    equal(good.get("ack")["rid"], 1)


def rtt():
    p = Peer()
    p.register("p")
    op, payload = p.frame()
    equal(op, PING)
    p.raw(frame(PONG, payload))
    p.send(type="list", detail=True)
    got = p.get("clients")["peers"][0]
    assert 0 <= got["rtt"] < 20000, got


def takeover():
    """The newest wins; the old one is told not to come back, its sessions end."""
    old, peer = Peer(), Peer()
    first = old.register("cam")
    peer.register("peer")
    peer.send(type="offer", target="cam", sdp="1")
    session = old.get("offer")["sessionId"]
    new = Peer()
    second = new.register("cam")
    assert second["epoch"] > first["epoch"], (first, second)
    equal(old.closed(4501)[1], "replaced by a newer connection")
    got = peer.get("bye")
    equal((got["from"], got["sessionId"], got["reason"]), ("cam", session, "replaced"))
    call(peer, new, "cam")
    peer.send(type="list")
    equal(peer.get("clients")["clients"], ["cam", "peer"])


def resumed():
    """With the resume token the sessions move along."""
    old, peer = Peer(), Peer()
    token = old.register("cam")["resume"]
    peer.register("peer")
    peer.send(type="offer", target="cam", sdp="1")
    session = old.get("offer")["sessionId"]
    new = Peer()
    new.register("cam", resume=token)
    old.closed(4501)
    new.send(type="answer", target="peer", sdp="2", sessionId=session)
    got = peer.get("answer")
    equal((got["from"], got["sessionId"]), ("cam", session))
    thief = Peer()
    thief.register("cam", resume=token)  # spent: a fresh one was given
    equal(peer.get("bye")["reason"], "replaced")
    new.closed(4501)


def takeover_storm():
    """Hundreds of connections fight for an id: one owner at the end."""
    peer = Peer()
    peer.register("peer")
    storm = [Peer() for _ in range(300)]
    for p in storm:
        p.send(type="register", id="cam")
    epochs = {p.get("registered")["epoch"]: p for p in storm}
    equal(len(epochs), 300)
    owner = epochs.pop(max(epochs))
    peer.send(type="ice", target="cam", candidate="who", rid=1)
    peer.get("ack")
    for p in epochs.values():
        p.closed(4501)
    equal(owner.get("ice")["candidate"], "who")
    owner.pinged()


def reject():
    """--duplicate-policy reject"""
    old, new, peer = Peer(), Peer(), Peer()
    old.register("cam")
    peer.register("peer")
    for _ in range(3):
        new.send(type="register", id="cam", rid="r")
        got = new.error("id_taken")
        equal((got["retryable"], got["rid"]), (True, "r"))
    call(peer, old, "cam")
    new.register("cam-2")
    old.bye()
    third = Peer()
    third.register("cam")
    call(peer, third, "cam")


main({f.__name__: f for f in (full, handshakes, hard_cap, descriptors, slow_queue, slow_dead,
                              slow_timeout, slow_pauses, heartbeat_lost, rtt, takeover, resumed,
                              takeover_storm, reject)})
