# SPDX-License-Identifier: MIT
# HTTP on both listeners: the health document, refusals, and that each answer ends its connection.

import json
import os

from peer import Bystanders, Peer, Wire, dial, equal, health_port, http, main, request


def get(path="/health", method="GET", where=None, headers=()):
    return http(where or health_port(), request(headers, method=method, path=path, upgrade=False))


def document():
    status, headers, body = get()
    equal(status, 200)
    equal(headers["content-type"], "application/json")
    equal(headers["connection"], "close")
    equal(headers["cache-control"], "no-store")
    got = json.loads(body)
    equal(list(got), ["status", "clients", "uptime", "memory", "version", "node", "connections",
                      "sessions", "degraded"])
    equal((got["status"], got["clients"], got["connections"], got["sessions"], got["degraded"]),
          ("healthy", 0, 0, 0, []))
    assert isinstance(got["uptime"], int) and 0 <= got["uptime"] < 300, got
    equal(list(got["memory"]), ["rss", "heapTotal", "heapUsed"])
    assert all(isinstance(v, int) and v >= 0 for v in got["memory"].values()), got
    assert got["memory"]["rss"] > 100000, got
    equal(got["node"], "node-7")


def counts():
    a, b, quiet = Peer(), Peer(), Peer()
    a.register("a")
    b.register("b")
    quiet.send(type="list")
    quiet.get("clients")
    a.send(type="offer", target="b", sdp="s", rid=1)
    a.get("ack")
    got = json.loads(get()[2])
    equal((got["clients"], got["connections"], got["sessions"]), (2, 3, 1))
    a.bye()
    b.get("offer")
    b.get("bye")
    got = json.loads(get()[2])
    equal((got["clients"], got["connections"], got["sessions"]), (1, 2, 0))


def others():
    for path in ("/", "/healthz", "/health/", "/Health", "/../health/x", "/index.html"):
        status, _, body = get(path)
        equal(status, 404, path)
        equal(body, b"try /health, /ready or /metrics\n")
    equal(get("/health?verbose=1")[0], 200)
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        status, headers, body = get(method=method)
        equal(status, 405, method)
        equal(headers["allow"], "GET, HEAD")
    equal(get("/nothing", method="POST")[0], 405)


def head():
    for where, path, want in ((health_port(), "/health", 200), (health_port(), "/x", 404),
                              (None, "/", 426)):
        w = Wire(dial(where))
        w.s.sendall(request(method="HEAD", path=path, upgrade=False))
        lines = w.until(b"\r\n\r\n").decode().split("\r\n")
        equal(lines[0].split()[1], str(want))
        length = [x for x in lines if x.lower().startswith("content-length:")]
        assert int(length[0].split(":")[1]) > 0, lines
        w.ended()


def no_upgrade():
    status, headers, _ = http(health_port(), request(path="/health"))
    equal((status, headers["connection"]), (400, "close"))
    status, _, _ = http(health_port(), request())
    equal(status, 400)


def signaling_port():
    for path in ("/", "/health", "/x"):
        status, headers, body = get(path, where=int(os.environ["E2E_PORT"]))
        equal((status, headers["upgrade"], headers["connection"]), (426, "websocket", "close"))
        equal(body, b"this is a WebSocket server\n")


def kept_alive():
    """Two requests on a connection: the first is answered, the second never."""
    for where, want in ((health_port(), 200), (None, 426)):
        one = request(["Connection: keep-alive"], path="/health", upgrade=False)
        w = Wire(dial(where))
        w.s.sendall(one * 2)
        equal(w.response()[0], want)
        w.ended()
        w = Wire(dial(where))
        w.s.sendall(one)
        equal(w.response()[0], want)
        w.ended()  # without waiting for another
        w = Wire(dial(where))
        for byte in one:  # and byte by byte
            w.s.sendall(bytes([byte]))
        equal(w.response()[0], want)
        w.ended()


def many():
    others_ = Bystanders()
    for _ in range(500):
        equal(get()[0], 200)
    got = json.loads(get()[2])
    equal((got["clients"], got["connections"]), (2, 2))
    others_.served()


def long_node():
    got = json.loads(get()[2])
    equal(got["node"], "n" * 1500)


main({f.__name__: f for f in (document, counts, others, head, no_upgrade, signaling_port,
                              kept_alive, many, long_node)})
