# SPDX-License-Identifier: MIT
# Lossy links: 1,000 cuts at random moments under load, by clients that check every message.
"""Drones lose their links and come back; each counts what each of its senders has sent."""

import os
import random
import socket
import struct
import threading
import time

import peer
from peer import Gone, Peer, equal

SMALL = os.environ.get("E2E_SCALE") == "small"
DRONES, SENDERS = 20, 4
CUTS = 15 if SMALL else 50  # of each drone
RELAYED = ("offer", "answer", "ice", "bye")


class Drone(threading.Thread):
    """Reads for a random while, loses its link with whatever is on it, comes back; CUTS times."""

    def __init__(self, name, seed):
        super().__init__(daemon=True)
        self.drone, self.rng = name, random.Random(seed)
        self.next = [0] * SENDERS
        self.failure, self.old = None, []
        self.unnoticed = self.dropped = 0
        self.enough = threading.Event()
        self.peer, self.received = Peer(), 0
        self.token = self.peer.register(name, received=0)["resume"]

    def take(self, got):
        if got["type"] not in RELAYED:
            raise AssertionError(f"{self.drone}: {got}")
        sender, number = (int(word) for word in got["candidate"].split())
        equal(number, self.next[sender], f"{self.drone}, number from sender {sender}:")
        self.next[sender] += 1
        self.received += 1

    def read_until(self, moment):
        while time.monotonic() < moment:
            self.peer.s.settimeout(max(0.001, moment - time.monotonic()))
            try:
                self.take(self.peer.get())
            except TimeoutError:
                pass
        self.peer.s.settimeout(peer.WAIT)

    def lose(self):
        """What was read of the socket and not taken is lost with it."""
        self.dropped += len(self.peer.buf) > 0
        how = self.rng.randrange(3)
        if how == 0:
            self.unnoticed += 1
            self.old.append(self.peer)
            return
        if how == 1:  # reset: the kernel forgets what waits on both sides
            self.peer.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.s.close()

    def come_back(self):
        self.peer = Peer()
        got = self.peer.register(self.drone, resume=self.token, received=self.received)
        equal(got["resumed"], True, self.drone)
        self.token, self.received = got["resume"], 0

    def run(self):
        try:
            for _ in range(CUTS):
                self.read_until(time.monotonic() + self.rng.uniform(0, 0.1))
                self.lose()
                time.sleep(self.rng.uniform(0, 0.1))
                self.come_back()
            self.enough.set()
            for s in senders:
                s.join()
            while self.next != [s.sent[self.drone] for s in senders]:
                self.take(self.peer.get())
            for old in self.old:
                while True:
                    try:
                        old.get()
                    except Gone:
                        break
        except Exception as e:  # pylint: disable=broad-except
            self.failure = e
        finally:
            self.enough.set()


class Sender(threading.Thread):
    """Sends to all drones in turn and has everything acked, until they have been cut enough."""

    def __init__(self, index):
        super().__init__(daemon=True)
        self.index, self.failure = index, None
        self.sent = {d.drone: 0 for d in drones}
        self.peer = Peer()
        self.peer.register(f"sender-{index}")

    def run(self):
        try:
            while not all(d.enough.is_set() for d in drones):
                for name, number in self.sent.items():
                    self.peer.send(type="ice", target=name, rid=number,
                                   candidate=f"{self.index} {number}")
                    self.sent[name] = number + 1
                for _ in self.sent:
                    self.peer.get("ack")
                time.sleep(0.005)
        except Exception as e:  # pylint: disable=broad-except
            self.failure = e


drones, senders = [], []


def cuts():
    seed = int(os.environ.get("E2E_SEED", time.time_ns()))
    drones.extend(Drone(f"drone-{i}", seed + i) for i in range(DRONES))
    senders.extend(Sender(i) for i in range(SENDERS))
    for t in drones + senders:
        t.start()
    for t in senders + drones:
        t.join()
    failures = [repr(t.failure) for t in drones + senders if t.failure]
    equal(failures, [], f"seed {seed}:")
    total = sum(sum(d.next) for d in drones)
    equal(total, sum(sum(s.sent.values()) for s in senders), "received")
    print(f"cuts={DRONES * CUTS} unnoticed={sum(d.unnoticed for d in drones)} messages={total} "
          f"unread_at_the_cut={sum(d.dropped for d in drones)}")
    for t in drones + senders:
        t.peer.bye()


peer.main({"cuts": cuts})
