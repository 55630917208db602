# SPDX-License-Identifier: MIT
# The daemon is told to stop while clients are at it.

import json
import os
import signal
import threading

from peer import CLOSE, STAMP, TEXT, Gone, Peer, dial, equal, frame, main

CLIENTS = 200


def terminate():
    os.kill(int(os.environ["E2E_PID"]), signal.SIGTERM)


def advice(payload):
    """The milliseconds of a goaway after which to come back."""
    got = json.loads(payload)
    equal(list(got), ["type", "reason", "reconnectAfter", "timestamp"])
    equal((got["type"], got["reason"]), ("goaway", "drain"))
    assert STAMP.match(got["timestamp"]), got
    assert 0 <= got["reconnectAfter"] < 10000, got
    return got["reconnectAfter"]


def told(p):
    """The goaway and the close frame behind it, which is not answered."""
    op, payload = p.frame()
    equal(op, TEXT)
    advice(payload)
    op, payload = p.frame()
    equal((op, payload), (CLOSE, b"\x03\xe9server going away"))


class Talker(threading.Thread):
    """Sends candidates to the next client of the ring until the server has closed."""

    def __init__(self, name, target):
        super().__init__(daemon=True)
        self.peer = Peer()
        self.peer.register(name)
        self.target = target
        self.acked = self.heard = 0
        self.end = self.trouble = self.advice = None
        self.flowing = threading.Event()

    def talk(self):
        """A window of 20 unanswered messages, so that none of the two buffers fills."""
        one = frame(TEXT, json.dumps({"type": "ice", "target": self.target, "candidate": "c",
                                      "rid": 1}))
        self.peer.raw(one * 20)
        while True:
            op, payload = self.peer.frame()
            if op == CLOSE:
                self.peer.raw(frame(CLOSE, payload[:2]))
                self.peer.ended()
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()
            if op != TEXT:
                continue
            if payload.startswith(b'{"type":"ack"'):
                self.acked += 1
                self.peer.raw(one)
            elif payload.startswith(b'{"type":"ice"'):
                self.heard += 1
                if self.heard == 50:
                    self.flowing.set()
            elif payload.startswith(b'{"type":"goaway"'):
                assert self.advice is None, "told twice"
                self.advice = advice(payload)
            else:  # a neighbour may go first
                assert b'"target_not_found"' in payload, payload

    def run(self):
        try:
            self.end = self.talk()
        except BaseException as e:  # told to the main thread
            self.trouble = e
            self.flowing.set()


def storm():
    ring = [Talker(f"c{i}", f"c{(i + 1) % CLIENTS}") for i in range(CLIENTS)]
    for t in ring:
        t.start()
    for t in ring:
        assert t.flowing.wait(60), "no traffic"
        if t.trouble:
            raise t.trouble
    terminate()
    for i, t in enumerate(ring):
        t.join(60)
        if t.trouble:
            raise t.trouble
        equal(t.end, (1001, "server going away"), f"client {i}")
        assert t.advice is not None, f"client {i} was not told"
    for i, t in enumerate(ring):  # now that all have read to the end
        assert t.acked <= ring[(i + 1) % CLIENTS].heard, (i, t.acked, ring[(i + 1) % CLIENTS].heard)


def stubborn():
    """A client that never answers the close frame; a second signal does not wait for it."""
    p = Peer()
    p.register("stubborn")
    terminate()
    told(p)
    terminate()
    p.ended()


def deaf():
    """Clients that do not answer the close frame, or never finished their request."""
    half = [dial() for _ in range(5)]
    for s in half:
        s.sendall(b"GET / HT")
    p, q = Peer(), Peer()
    p.register("deaf")
    q.register("other")
    terminate()
    told(p)
    q.closed(1001)
    for s in half:
        equal(s.recv(1), b"")
    try:
        p.ended()
    except Gone:
        pass


def refused_while_stopping():
    """Nobody is let in any more, and who tries is told at once."""
    p = Peer()
    p.register("last")
    terminate()
    told(p)
    try:
        dial()
    except ConnectionRefusedError:
        pass
    else:
        raise AssertionError("a newcomer was let in")
    p.cut()


def flushed():
    """Everything acknowledged before the signal arrives before the close, though it is not read
    until then."""
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    for i in range(40):
        a.send(type="ice", target="b", candidate=str(i) * 20000, rid=i)
    for i in range(40):
        equal(a.get("ack")["rid"], i)
    terminate()
    a.closed(1001)
    for i in range(40):
        equal(b.get("ice")["candidate"], str(i) * 20000)
    advice(b.hear())
    b.closed(1001)


main({f.__name__: f for f in (storm, stubborn, deaf, refused_while_stopping, flushed)})
