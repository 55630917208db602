# SPDX-License-Identifier: MIT
# What the daemon's configuration does, seen from outside: listeners, log lines.

import fcntl
import json
import os
import re
import socket
import subprocess
import sys

from peer import WAIT, Peer, dial, equal, main


def ports():
    return os.environ["E2E_PORTS"].split()


def unix():
    path = ports()[0]
    assert path.startswith("/"), path
    a, b = Peer(path), Peer(path)
    a.register("a")
    b.register("b")
    a.send(type="offer", target="b", sdp="s")
    equal(b.get("offer")["from"], "a")
    a.send(type="monitor", rid=1)  # whoever may open the socket may watch
    equal(a.get("ack")["rid"], 1)


def ipv6():
    where = ("::1", int(ports()[0]))
    Peer(where).register("six")
    try:  # that listener is IPv6 only
        dial(int(ports()[0]))
    except ConnectionRefusedError:
        return
    raise AssertionError("IPv4 was accepted")


def several():
    """Clients of different listeners reach each other. The port file has them in order."""
    v4, v6, path, health = ports()
    assert health.isdigit()
    places = [int(v4), ("::1", int(v6)), path]
    peers = []
    for i, where in enumerate(places):
        p = Peer(where)
        p.register(f"p{i}")
        peers.append(p)
    for i, p in enumerate(peers):
        for k, q in enumerate(peers):
            if i != k:
                p.send(type="ice", target=f"p{k}", candidate=f"{i}{k}")
                got = q.get("ice")
                equal((got["from"], got["candidate"]), (f"p{i}", f"{i}{k}"))


def stale(path):
    """A socket file whose owner died without removing it."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen(1)
    s.close()


def hold(path):
    """Listens there until standard input ends."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen(1)
    print("held", flush=True)
    sys.stdin.read()


def busy(path):
    """Listens there until standard input ends, and has no room for another connection."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    s.listen(0)
    waiting = []
    try:
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting[-1].setblocking(False)
            waiting[-1].connect(path)
    except BlockingIOError:
        print("busy", flush=True)
    sys.stdin.read()


def busy_port():
    """Prints a port that is taken, until standard input ends."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(1)
    print(s.getsockname()[1], flush=True)
    sys.stdin.read()


def noise():
    """Things to log: hostile ids and texts, errors, calls."""
    p = Peer(headers=["User-Agent: \x1b[31mred"], path="/\x7f?x=\x1b]0;t")
    p.register("drone:1@x")
    secret = "sdp-secret-\x1b[2J"
    p.send(type="register", id="a\x1b[31m\n\"b\"")
    p.error("invalid_id")
    p.say('{"type":"off\x01er"}')
    p.error("invalid_json")
    p.send(type="\x1b]0;title\x07", rid="\x1b[2J\u009b")
    p.error("unknown_type")
    p.send(type="monitor", filter="nonsense\x1b[2J=\u202e\n")
    p.error("invalid_member")
    p.send(type="offer", target="drone:1@x", sdp=secret)
    p.get("offer")
    p.send(type="bye", target="drone:1@x", reason="\x1b[2J\r\n\u009b\u2028 level=error forged")
    p.get("bye")
    p.bye()


def check_log(form):
    """Every line is whole and has no control character; nothing of an SDP."""
    with open(os.environ["E2E_ERR"], "rb") as f:
        data = f.read()
    assert data.endswith(b"\n")
    lines = data.decode("utf-8").split("\n")[:-1]
    assert len(lines) >= 8, lines
    seen = set()
    for line in lines:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", line), repr(line)
        assert "sdp-secret" not in line, line
        if form == "json":
            got = json.loads(line)
            equal(list(got)[:3], ["ts", "level", "msg"])
            seen.add(got["msg"])
            assert got["level"] in ("error", "warn", "info", "debug"), line
        else:
            m = re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warn|info|debug) "
                         r"([a-z ,\-]+?)((?: [a-z_]+=(?:\"(?:[^\"\\]|\\.)*\"|[^ \"]+))*)$", line)
            assert m, line
            seen.add(m[2])
    for text in ("new connection", "client registered", "protocol error", "message forwarded",
                 "session opened", "client disconnected"):
        assert text in seen, (text, seen)


def stalled_log(sigd):
    """Nobody reads the log: clients are served, the stop is in order, the loss is counted."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    daemon = subprocess.Popen([sigd, "--no-env-file", "-l", "127.0.0.1:0", "--health", "none",
                               "--log-level", "debug"], stdout=subprocess.PIPE, stderr=writer,
                              text=True)
    try:
        where = int(daemon.stdout.readline().rsplit(":", 1)[1])
        for i in range(60):
            p = Peer(where)
            p.register(f"p{i}")
            p.cut()
        p = Peer(where)
        p.register("last")
        p.pinged()
        got = os.read(reader, 65536)
        p.say("{")
        p.error("invalid_json")
        p.pinged()
        got += os.read(reader, 65536)
        assert b"log lines lost count=" in got, got[-400:]
        assert all(line.startswith(b"20") for line in got.splitlines()), got
        daemon.terminate()
        equal(daemon.wait(WAIT), 0)
    finally:
        daemon.kill()
        daemon.wait()


main({f.__name__: f for f in (unix, ipv6, several, stale, hold, busy, busy_port, noise,
                              check_log, stalled_log)})
