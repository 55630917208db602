# SPDX-License-Identifier: MIT
"""odd_server.py PORT_FILE: a server whose replies to a monitor are well-formed JSON and nonsense."""

import base64
import hashlib
import json
import os
import re
import socket
import struct
import sys
import threading

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")]
from peer import TEXT, Gone, Wire, frame  # noqa: E402

EVIL = "\x1b[2J\u202e\x9b31m\0" + "é中" * 60
HUGE = 9007199254740991
OBJECTS = [{}, {"id": EVIL}, {"id": ""}, {"id": "x" * 5000}, {"id": 7}, {"id": "a", "role": EVIL},
           {"id": "b", "role": ["x"], "since": "yesterday"}, [], 3, None, "text",
           {"id": "c", "since": "9999-12-31T23:59:59.999Z"}]
SESSIONS = [{}, {"id": EVIL, "from": EVIL, "to": EVIL}, {"id": "s", "from": "a", "to": "a"},
            {"id": "t", "from": "a", "to": "b", "since": 5, "offers": -1, "answers": HUGE},
            {"id": "u", "from": "b", "to": "a", "state": "answered",
             "since": "1970-01-01T00:00:00.000Z"}, 1, None]
TS = "2026-01-01T00:00:00.000Z"


def events():
    seq = 10
    for event in ("register", "relay", "session_open", "session_answer", "session_end",
                  "disconnect", "deliver_error", "rate_limit", "unheard_of"):
        for members in ({}, {"id": EVIL}, {"id": "a", "conn": HUGE}, {"from": "a", "to": "a"},
                        {"from": EVIL, "to": "b", "session": EVIL, "size": HUGE, "us": HUGE,
                         "at": HUGE, "reason": EVIL[:40], "kind": "ice", "summary": "x/tcp"}):
            seq += 1
            yield {"seq": seq, "ts": TS, "event": event, **members}


def answer(m, n):
    if m["type"] == "monitor":
        return {"type": "ack", "seq": 10, "boot": "x" * 8, "timestamp": TS}
    if m["type"] == "list":  # of which there is always more
        return {"type": "clients", "clients": [], "peers": OBJECTS, "count": HUGE, "next": f"n{n}",
                "timestamp": TS}
    if m["type"] == "sessions":
        return {"type": "sessions", "sessions": SESSIONS, "count": -1, "next": "1", "timestamp": 0}
    counters = [{}, {"relayed": 1, "errors": [], "events": {"register": "many"}},
                {"relayed": {"offer": HUGE, "ice": HUGE, "bye": -4}, "relayedBytes": -1}]
    return {"type": "stats", "uptime": [-5, "x", HUGE][n % 3], "clients": HUGE, "sessions": 1.5,
            "counters": counters[n % 3]}


def replies(m, n):
    yield {**answer(m, n), "rid": m.get("rid")}
    if n == 2:
        yield {"type": "events", "events": list(events()) + [4, {}, None]}
        yield {"type": "gap", "missed": HUGE, "from": 1, "to": HUGE}


def handshake(w):
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", w.until(b"\r\n\r\n"))[1]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    w.s.sendall(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")


def receive(w):
    op, n = w.take(2)
    n = struct.unpack(">H", w.take(2))[0] if n & 0x7f == 126 else n & 0x7f
    mask = w.take(4)
    return op & 0xf, bytes(c ^ mask[i % 4] for i, c in enumerate(w.take(n)))


def serve(sock):
    w, n = Wire(sock), 0
    try:
        handshake(w)
        while True:
            op, data = receive(w)
            if op != TEXT:
                return
            n += 1
            for reply in replies(json.loads(data), n):
                sock.sendall(frame(TEXT, json.dumps(reply).encode(), mask=None))
    except (Gone, OSError):
        pass
    finally:
        sock.close()


def main():
    server = socket.create_server(("127.0.0.1", 0))
    with open(sys.argv[1] + ".new", "w") as f:
        f.write(f"{server.getsockname()[1]}\n")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


main()
