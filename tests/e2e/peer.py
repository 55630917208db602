# SPDX-License-Identifier: MIT
# A WebSocket peer on a bare socket that can also do everything wrong; used by all files of cases.
"""Peer speaks RFC 6455 by hand, so that a test decides about every byte."""

import base64
import json
import os
import re
import resource
import socket
import struct
import sys

WAIT = 20  # seconds until a missing answer is a failure
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
MASK = b"\x91\x27\x3b\x44"


def port():
    return int(os.environ["E2E_PORT"])


def health_port():
    return int(os.environ["E2E_HEALTH"])


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what} got {got!r:.2000}, want {want!r:.2000}")


def dial(where=None):
    """A connected stream socket: where is a port, (host, port) or the path of a unix socket."""
    where = port() if where is None else where
    if isinstance(where, str):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(WAIT)
        s.connect(where)
        return s
    host = where if isinstance(where, tuple) else ("127.0.0.1", where)
    s = socket.create_connection(host, WAIT)
    s.settimeout(WAIT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def request(headers=(), method="GET", path="/", upgrade=True, key=None):
    """The bytes of a request; headers are whole lines, those of an upgrade are added."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if upgrade:
        key = key or base64.b64encode(b"0123456789abcdef").decode()
        lines += ["Upgrade: websocket", "Connection: Upgrade",
                  f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
    return "\r\n".join(lines + list(headers) + ["", ""]).encode()


def frame(op, payload=b"", fin=True, rsv=0, mask=MASK, form=None):
    """One frame; form forces the 7-, 16- or 64-bit length, mask None leaves it unmasked."""
    if isinstance(payload, str):
        payload = payload.encode()
    n = len(payload)
    form = form or (7 if n < 126 else 16 if n < 65536 else 64)
    bit = 0x80 if mask else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | op])
    if form == 7:
        head += bytes([bit | n])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", n)
    if not mask:
        return head + payload
    stream = (mask * (n // 4 + 1))[:n]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(n, "big")
    return head + mask + body


class Gone(Exception):
    """The server ended the connection."""


class Wire:
    """Reading from a socket: bytes, lines of HTTP, frames."""

    def __init__(self, sock):
        self.s = sock
        self.buf = b""

    def more(self):
        try:
            got = self.s.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            got = b""
        if not got:
            raise Gone(f"with {len(self.buf)} bytes unread")
        self.buf += got

    def take(self, n):
        while len(self.buf) < n:
            self.more()
        got, self.buf = self.buf[:n], self.buf[n:]
        return got

    def until(self, mark):
        while mark not in self.buf:
            self.more()
        at = self.buf.index(mark) + len(mark)
        return self.take(at)

    def response(self):
        """Status, headers (names in lower case) and body of an HTTP answer."""
        lines = self.until(b"\r\n\r\n").decode().split("\r\n")[:-2]
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        body = self.take(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1]), headers, body

    def ended(self):
        """True once the server has closed, with nothing more said."""
        equal(self.buf, b"", "before the end:")
        try:
            self.more()
        except Gone:
            return True
        raise AssertionError(f"more bytes: {self.buf!r}")

    def frame(self):
        a, b = self.take(2)
        n = b & 0x7F
        if n == 126:
            n = struct.unpack(">H", self.take(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.take(8))[0]
        equal(b & 0x80, 0, "mask bit of a server's frame")
        equal(a & 0xF0, 0x80, "fin and reserved bits of a server's frame")
        return a & 0x0F, self.take(n)


class Peer(Wire):
    """An upgraded connection; pongs by itself unless told otherwise."""

    def __init__(self, where=None, headers=(), path="/", behind=b"", pongs=True):
        super().__init__(dial(where))
        self.pongs = pongs
        self.s.sendall(request(headers, path=path) + behind)
        status, self.headers, _ = self.response()
        equal(status, 101, "upgrade")

    def raw(self, data):
        """Sends; a server that has closed meanwhile is not an error here."""
        try:
            self.s.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass

    def say(self, text):
        self.raw(frame(TEXT, text))

    def send(self, **members):
        self.say(json.dumps(members))

    def hear(self):
        """The next text, as it is; raises Gone when the server closes."""
        while True:
            op, payload = self.frame()
            if op == TEXT:
                return payload.decode()
            if op == CLOSE:
                self.buf = bytes([0x88, len(payload)]) + payload + self.buf
                raise Gone(f"closed: {payload!r}")
            if op == PING and self.pongs:
                self.raw(frame(PONG, payload))

    def get(self, kind=None):
        got = json.loads(self.hear())
        if kind:
            equal(got["type"], kind, f"type of {got}:")
        return got

    def error(self, code):
        got = self.get("error")
        equal(got["code"], code, f"code of {got}:")
        assert STAMP.match(got["timestamp"]), got
        return got

    def register(self, name, **members):
        self.send(type="register", id=name, **members)
        got = self.get("registered")
        equal(got["id"], name)
        return got

    def closed(self, code=None):
        """Reads on to the close frame and the end; gives (code, reason), or None without one."""
        while True:
            try:
                op, payload = self.frame()
            except Gone:
                equal(None, code, "ended without a close frame:")
                return None
            if op == CLOSE:
                break
        self.raw(frame(CLOSE, payload[:2]))
        self.ended()
        got = int.from_bytes(payload[:2], "big") if payload else None
        reason = payload[2:].decode()
        assert len(payload) - 2 <= 100, reason
        if code:
            equal(got, code, f"close code ({reason})")
        return got, reason

    def pinged(self):
        """A round trip: what was sent before has been dealt with."""
        self.send(type="ping", rid="mark")
        while self.get().get("rid") != "mark":
            pass

    def bye(self):
        self.raw(frame(CLOSE, struct.pack(">H", 1000)))
        self.closed(1000)
        self.s.close()

    def cut(self):
        self.s.close()


class Bystanders:
    """Two peers that have nothing to do with the misbehaviour and must not notice it."""

    def __init__(self, where=None):
        self.where = where
        self.a, self.b = Peer(where), Peer(where)
        self.a.register("bystander-a")
        self.b.register("bystander-b")
        self.count = 0
        self.served()

    def served(self):
        """A call both ways over the old connections, and one with a fresh one."""
        self.count += 1
        sdp = f"v=0 {self.count}"
        self.a.send(type="offer", target="bystander-b", sdp=sdp, rid=self.count)
        equal(self.a.get("ack")["rid"], self.count)
        offer = self.b.get("offer")
        equal((offer["from"], offer["sdp"]), ("bystander-a", sdp))
        self.b.send(type="answer", target="bystander-a", sdp=sdp, sessionId=offer["sessionId"])
        answer = self.a.get("answer")
        equal((answer["from"], answer["sdp"]), ("bystander-b", sdp))
        fresh = Peer(self.where)
        fresh.register("bystander-c")
        fresh.send(type="ice", target="bystander-a", candidate={"candidate": sdp})
        equal(self.a.get("ice")["candidate"], {"candidate": sdp})
        fresh.bye()

    def alone(self):
        """Nobody else is registered."""
        self.a.send(type="list")
        equal(self.a.get("clients")["clients"], ["bystander-a", "bystander-b"])


def http(where, data):
    """One request on a connection of its own: status, headers, body, and the end at once."""
    w = Wire(dial(where))
    w.s.sendall(data)
    got = w.response()
    w.ended()
    w.s.close()
    return got


def many_descriptors():
    """A crowd needs more of them than a shell usually gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))


def main(cases):
    """Runs the case that the command line names."""
    many_descriptors()
    cases[sys.argv[1]](*sys.argv[2:])
