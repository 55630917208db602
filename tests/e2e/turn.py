# SPDX-License-Identifier: MIT
# Clients that are told of TURN servers, and a TURN client (RFC 8656) on a bare socket that tries
# what they were told with the real server.

import base64
import hashlib
import hmac
import os
import secrets
import signal
import socket
import struct
import time

from peer import WAIT, Peer, equal, main

COOKIE = 0x2112A442
ALLOCATE, REFRESH, SEND, DATA, PERMIT = 3, 4, 6, 7, 8
USERNAME, INTEGRITY, ERROR, LIFETIME, PEER_ADDRESS, PAYLOAD = 6, 8, 9, 0xD, 0x12, 0x13
REALM, NONCE, RELAYED, TRANSPORT = 0x14, 0x15, 0x16, 0x19


def turn_port():
    return int(os.environ["E2E_TURN"])


def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def xor_address(host, port):
    number = struct.unpack(">I", socket.inet_aton(host))[0] ^ COOKIE
    return struct.pack(">BBHI", 0, 1, port ^ (COOKIE >> 16), number)


def read_address(value):
    _, family, port, number = struct.unpack(">BBHI", value)
    equal(family, 1)
    return socket.inet_ntoa(struct.pack(">I", number ^ COOKIE)), port ^ (COOKIE >> 16)


class Turn:
    """One allocation over UDP with long-term credentials."""

    def __init__(self, username, credential, port=None):
        self.username, self.credential = username.encode(), credential
        self.realm = self.nonce = b""
        self.where = ("127.0.0.1", port or turn_port())
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.settimeout(0.5)
        self.s.connect(self.where)

    def message(self, kind, attributes, key=None):
        body = b"".join(attribute(k, v) for k, v in attributes)
        head = struct.pack(">HHI", kind, len(body) + (24 if key else 0), COOKIE)
        data = head + secrets.token_bytes(12) + body
        return data + (attribute(INTEGRITY, hmac.new(key, data, hashlib.sha1).digest()) if key
                       else b"")

    @staticmethod
    def parse(data):
        kind, n, _ = struct.unpack(">HHI", data[:8])
        attributes, at = {}, 20
        while at < 20 + n:
            k, size = struct.unpack(">HH", data[at:at + 4])
            attributes[k] = data[at + 4:at + 4 + size]
            at += 4 + size + (-size % 4)
        return kind, attributes

    def ask(self, method, attributes):
        """Gives the error code, 0 for none, and the attributes; says it again until heard."""
        key = None
        if self.nonce:
            attributes = [*attributes, (USERNAME, self.username), (REALM, self.realm),
                          (NONCE, self.nonce)]
            text = b":".join((self.username, self.realm, self.credential.encode()))
            key = hashlib.md5(text).digest()
        data = self.message(method, attributes, key)
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            try:
                self.s.send(data)
                got = self.s.recv(2000)
            except (socket.timeout, ConnectionRefusedError):
                continue
            if got[8:20] != data[8:20]:
                continue
            kind, found = self.parse(got)
            self.nonce = found.get(NONCE, self.nonce)
            if kind == method | 0x110:
                error = found[ERROR]
                self.realm = found.get(REALM, self.realm)
                return error[2] * 100 + error[3], found
            equal(kind, method | 0x100)
            return 0, found
        raise AssertionError("the TURN server does not answer")

    def allocate(self):
        """Gives the error code, 0 for none."""
        want = [(TRANSPORT, b"\x11\0\0\0")]
        equal(self.ask(ALLOCATE, want)[0], 401)  # no credentials yet
        code, found = self.ask(ALLOCATE, want)
        if code == 0:
            self.relayed = read_address(found[RELAYED])
        return code

    def relays(self):
        """Bytes go through it, both ways."""
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(WAIT)
        there = (PEER_ADDRESS, xor_address(*peer.getsockname()))
        equal(self.ask(PERMIT, [there])[0], 0)
        said = secrets.token_bytes(100)
        self.s.send(self.message(SEND | 0x10, [there, (PAYLOAD, said)]))
        got, origin = peer.recvfrom(2000)
        equal((got, origin), (said, self.relayed))
        peer.sendto(said[::-1], self.relayed)
        self.s.settimeout(WAIT)
        kind, found = self.parse(self.s.recv(2000))
        equal((kind, found[PAYLOAD]), (DATA | 0x10, said[::-1]))

    def free(self):
        equal(self.ask(REFRESH, [(LIFETIME, b"\0\0\0\0")])[0], 0)


def server_of(got):
    """The TURN server of what a client was told."""
    found = [s for s in got["iceServers"] if s["urls"][0].startswith("turn")]
    equal(len(found), 1, f"TURN servers of {got}:")
    return found[0]


def ended(server):
    return time.time() > int(server["username"].split(":")[0]) + 1


def works(server):
    t = Turn(server["username"], server["credential"])
    equal(t.allocate(), 0)
    t.relays()
    t.free()


def refused(server):
    equal(Turn(server["username"], server["credential"]).allocate(), 401)


def ready():
    """Until the server answers at all."""
    Turn("x", "y").ask(ALLOCATE, [(TRANSPORT, b"\x11\0\0\0")])


def allocates(secret):
    """What is handed out, by registered and on request, is good for a relay."""
    p = Peer()
    first = p.register("drone-1")
    equal(first["ttl"], 3600)
    server = server_of(first)
    expiry, who = server["username"].split(":", 1)
    equal(who, "drone-1")
    assert 3595 <= int(expiry) - time.time() <= 3601, expiry
    mac = hmac.new(secret.encode(), server["username"].encode(), hashlib.sha1).digest()
    equal(server["credential"], base64.b64encode(mac).decode())
    works(server)
    p.send(type="ice-servers", rid=1)
    got = p.get("ice-servers")
    equal((got["rid"], got["ttl"]), (1, 3600))
    works(server_of(got))
    with open("credentials", "w", encoding="utf-8") as f:
        f.write(f"{server['username']}\n{server['credential']}\n")


def forged():
    """A byte of anything, and it is refused."""
    p = Peer()
    good = server_of(p.register("drone-1"))
    works(good)
    expiry, who = good["username"].split(":")
    for change in ({"username": f"{int(expiry) + 1}:{who}"}, {"username": f"{expiry}:drone-2"},
                   {"credential": good["credential"][:-2] + "A="},
                   {"credential": "x" + good["credential"][1:]}):
        refused({**good, **change})


def expires():
    """Told anew in time, the old are refused once they have ended and the new ones taken."""
    p = Peer()
    first = server_of(p.register("drone-1"))
    works(first)
    began = time.monotonic()
    fresh = server_of(p.get("ice-servers"))
    assert 1.3 < time.monotonic() - began < 1.9, "of 2 s"
    assert not ended(first)
    while not ended(first):
        fresh = server_of(p.get("ice-servers"))
    refused(first)
    works(fresh)


def reloads(new_secret):
    """Another secret: clients are told, and what they are told is good at a server that has it."""
    p = Peer()
    old = server_of(p.register("drone-1"))
    with open("secret", "w", encoding="utf-8") as f:
        f.write(new_secret + "\n")
    os.kill(int(os.environ["E2E_PID"]), signal.SIGHUP)
    fresh = server_of(p.get("ice-servers"))
    assert fresh["credential"] != old["credential"]
    refused(old)
    works(fresh)


def shared():
    """A static user has no end."""
    p = Peer()
    got = p.register("drone-1")
    assert "ttl" not in got
    server = server_of(got)
    equal((server["username"], server["credential"]), ("fleet", "pass word"))
    works(server)


def v1():
    """Where nothing is configured nothing is said."""
    p = Peer()
    got = p.register("a")
    assert not {"iceServers", "ttl"} & set(got), got
    p.send(type="ice-servers")
    equal(p.get("ice-servers")["iceServers"], [])


def not_to_strangers():
    p = Peer()
    p.send(type="ice-servers", rid=1)
    got = p.error("not_registered")
    assert "iceServers" not in got


if __name__ == "__main__":
    main({f.__name__: f for f in (ready, allocates, forged, expires, reloads, shared, v1,
                                  not_to_strangers)})
