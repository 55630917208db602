# SPDX-License-Identifier: MIT
# A program that drives sigctl --coproc: coproc.py TOPIC. SIGD_URL is a server without rates.

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

BUILD = os.environ["SIGKIT_BUILD"]
SIGCTL = f"{BUILD}/cli/sigctl/sigctl"
PATIENCE = 30


class Driver:
    """One co-process; a thread reads, so that neither pipe stands still for the other."""

    def __init__(self, *args, **kw):
        self.p = subprocess.Popen([SIGCTL, *args, "--coproc"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, **kw)
        self.replies, self.events, self.lines = {}, [], []
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            m = json.loads(line)
            with self.news:
                self.lines.append(m)
                if "rid" in m:
                    assert "event" not in m, m
                    self.replies.setdefault(json.dumps(m["rid"]), []).append(m)
                else:
                    assert m["event"] in ("message", "link"), m
                    self.events.append(m)
                self.news.notify_all()

    def send(self, *lines):
        for line in lines:
            raw = line if isinstance(line, bytes) else json.dumps(line).encode()
            self.p.stdin.write(raw + b"\n")
        self.p.stdin.flush()

    def until(self, what, true):
        with self.news:
            if not self.news.wait_for(true, PATIENCE):
                raise AssertionError(f"never: {what}; {self.lines[-5:]}")

    def answer(self, rid):
        """The one reply to a request."""
        key = json.dumps(rid)
        self.until(f"reply to {rid}", lambda: key in self.replies)
        assert len(self.replies[key]) == 1, self.replies[key]
        return self.replies[key][0]

    def ask(self, rid, line=None, **members):
        self.send({"rid": rid, **({"line": line} if line else {}), **members})
        return self.answer(rid)

    def messages(self, kind):
        return [e["message"] for e in self.events
                if e["event"] == "message" and e["message"]["type"] == kind]

    def state(self, state, times=1):
        self.until(f"link {state}", lambda: [e["event"] == "link" and e["state"] == state
                                             for e in self.events].count(True) >= times)

    def end(self, status=0):
        self.p.stdin.close()
        got = self.p.wait(PATIENCE)
        self.reader.join(PATIENCE)
        equal(got, status)


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def failed(m, status, code):
    equal((m["ok"], m["exit"], m.get("code")), (False, status, code))
    assert m["message"], m


def commands():
    """Commands of the one grammar, in order, with their results."""
    d, cam = Driver("-i", "drone-1"), Driver("-i", "cam-2")
    cam.state("up")
    m = d.ask(1, args=["offer", "cam-2", "--sdp", "v=0 a b"])
    equal((m["ok"], m["exit"], m["results"][0]["type"]), (True, 0, "ack"))
    cam.until("offer", lambda: cam.messages("offer"))
    equal(cam.messages("offer")[0]["sdp"], "v=0 a b")
    equal(cam.ask("x", "answer drone-1 --sdp 'v=0 c'")["ok"], True)
    equal(d.ask("wait", "wait message --type answer")["ok"], True)
    m = d.ask(2, "list --plain")
    equal(sorted(m["results"][0]["clients"]), ["cam-2", "drone-1"])
    m = d.ask(3, "offer ghost")
    failed(m, 6, "target_not_found")
    equal(m["results"], [])
    equal(len(d.ask(4, "ping -C 3 --interval 1ms")["results"]), 4)
    assert any("usage: offer" in r["text"] for r in d.ask(5, "offer --help")["results"])
    for rid, line in ((6, "lisst"), (7, "list 'x"), (8, "send cam-2 -l --type offer"), (9, " # no"),
                      (10, "register x --exec true")):
        failed(d.ask(rid, line), 2, "usage")
    failed(d.ask(11, args=["list", 1]), 2, "usage")
    failed(d.ask(12, args=["list\0x"]), 2, "usage")
    failed(d.ask(13, args=[]), 2, "usage")
    failed(d.ask(14, args=["list"], line="list"), 2, "usage")
    failed(d.ask(15, "offer cam-2 @/no/such/file"), 9, "data")
    d.end()
    cam.end()


def meanwhile():
    """While a command waits, messages are sent and received."""
    d, cam = Driver("-i", "drone-1"), Driver("-i", "cam-2")
    cam.state("up")
    d.state("up")
    d.send({"rid": 1, "line": "wait peer late -W none"}, {"rid": 2, "line": "list --count"})
    equal(d.ask("a", type="offer", target="cam-2", sdp="v=0")["reply"]["type"], "ack")
    cam.until("offer", lambda: cam.messages("offer"))
    cam.ask("b", type="bye", target="drone-1", reason="no")
    d.until("bye", lambda: d.messages("bye"))
    equal(d.messages("bye")[0]["reason"], "no")
    m = d.ask("c", type="offer", target="ghost", sdp="v=0")
    failed(m, 6, "target_not_found")
    equal(m["reply"]["rid"], "c")
    assert "1" not in d.replies and "2" not in d.replies, d.replies
    late = Driver("-i", "late")
    late.state("up")
    equal(d.answer(1)["ok"], True)
    equal(d.answer(2)["exit"], 0)
    for each in (d, cam, late):
        each.end()


def many():
    """A thousand messages under way, each answered once, with events between the replies."""
    d, cam = Driver("-i", "drone-1"), Driver("-i", "cam-2")
    cam.state("up")
    d.state("up")
    rids = [n if n % 2 else f"rid \"{n}\" \u00e4" for n in range(1000)]
    for n, rid in enumerate(rids):
        d.send({"rid": rid, "type": "offer", "target": "cam-2", "sdp": f"v=0 {n}"})
        cam.send({"rid": n, "type": "offer", "target": "drone-1", "sdp": "x" * 5000})
        if n == 500:
            d.send({"rid": "list", "line": "list"})
    for n, rid in enumerate(rids):
        m = d.answer(rid)
        equal((m["ok"], m["reply"]["type"], m["reply"]["rid"]), (True, "ack", rid))
        equal(cam.answer(n)["ok"], True)
    equal(d.answer("list")["ok"], True)
    cam.until("all offers", lambda: len(cam.messages("offer")) == 1000)
    d.until("all offers", lambda: len(d.messages("offer")) == 1000)
    equal([m["sdp"] for m in cam.messages("offer")], [f"v=0 {n}" for n in range(1000)])
    d.end()
    cam.end()
    equal(len(d.lines), 1000 + 1 + 1000 + 1)


def listener():
    s = socket.create_server(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


def serve(port, dir):
    p = subprocess.Popen([f"{BUILD}/daemon/sigd", "-l", f"127.0.0.1:{port}", "--health", "none"],
                         cwd=dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert p.stdout.readline()
    return p


def restart():
    """The server dies and comes back: what was under way fails, the identity is there again."""
    port = listener()
    with tempfile.TemporaryDirectory() as dir:
        sigd = serve(port, dir)
        d = Driver("-u", f"ws://127.0.0.1:{port}", "-i", "drone-1", "-q")
        d.state("up")
        os.kill(sigd.pid, signal.SIGSTOP)
        d.send({"rid": "w", "line": "wait peer late -W none"},
               *({"rid": n, "type": "offer", "target": "drone-1", "sdp": "v=0"} for n in range(20)))
        d.send(b"now all of it was read")
        d.answer(None)
        sigd.kill()
        sigd.wait()
        d.state("lost")
        for n in range(20):
            failed(d.answer(n), 8, "lost")
        failed(d.ask("now", type="ping"), 8, "lost")
        d.send({"rid": "list", "line": "list"})
        sigd = serve(port, dir)
        d.state("up", 2)
        late = Driver("-u", f"ws://127.0.0.1:{port}", "-i", "late")
        late.state("up")
        assert d.answer("w")["exit"] in (0, 8), d.answer("w")
        late.end()
        assert "drone-1" in d.answer("list")["results"][0]["clients"]
        equal(d.ask("p", type="ping")["reply"]["type"], "pong")
        d.end()
        sigd.kill()
        sigd.wait()


def taken():
    """Another takes the id: the connection stays closed until a command opens another."""
    d = Driver("-i", "drone-1")
    d.state("up")
    other = Driver("-i", "drone-1")
    other.state("up")
    d.state("closed")
    failed(d.ask(1, type="ping"), 8, "lost")
    equal(d.ask(2, "register drone-2")["results"][0]["id"], "drone-2")
    d.state("up", 2)
    equal(d.ask(3, type="ping")["ok"], True)
    d.end()
    other.end()


def hostile():
    """No line ends it, and each gets an answer."""
    d = Driver("-i", "drone-1")
    d.state("up")
    bad = [b"[" * 100000, b'{"rid":1,"a":' * 500 + b"1" + b"}" * 500, b"x" * 3000000, b"\0\0{}\0",
           b'{"rid":1,"type":"ping"}\0', b'{"rid":1,"type":"p\xff"}', b'"rid"', b"{", b"null", b" ",
           b'{"type":"ping"}', b'{"rid":null,"type":"ping"}', b'{"rid":1.5,"type":"ping"}',
           b'{"rid":true,"type":"ping"}', b'{"rid":[],"type":"ping"}', b'{"rid":"","type":"ping"}',
           b'{"rid":"' + b"r" * 65 + b'","type":"ping"}', b'{"rid":99999999999999999999,"line":"list"}',
           b'{"rid":"a\\u0000b","type":"ping"}', b'{"rid":1,"rid":2,"type":"ping"}']
    for n, line in enumerate(bad):
        d.send(line)
        d.until(f"answer to {line[:40]!r}", lambda: len(d.replies.get("null", [])) == n + 1)
        failed(d.replies["null"][-1], 9, "data")
    failed(d.ask("t", b=1), 9, "data")
    failed(d.ask("u", type=5), 9, "data")
    failed(d.ask("v", type="nonsense"), 7, "unknown_type")
    failed(d.ask("w", type="offer", target="drone-1", sdp="x" * 70000), 9, "data")
    failed(d.ask("x", type="register", id="other"), 2, "usage")
    equal(d.ask("r" * 64, type="ping")["ok"], True)
    d.send(b'\r', b'{"rid":"crlf","type":"ping"}\r', b"")
    equal(d.answer("crlf")["ok"], True)
    d.end()


def bounded():
    """Neither commands nor messages pile up without end."""
    d = Driver("-i", "drone-1")
    d.state("up")
    d.send({"rid": "w", "line": "wait peer late -W none"},
           *({"rid": n, "line": "list --count"} for n in range(100)))
    d.until("refusals", lambda: any(len(v) and not v[0]["ok"] for v in d.replies.values()))
    late = Driver("-i", "late")
    late.state("up")
    over = [m for m in map(d.answer, range(100)) if not m["ok"]]
    assert 30 <= len(over) <= 40, len(over)
    for m in over:
        failed(m, 7, "overloaded")
    d.end()
    late.end()


def ends():
    """After the input's end what is under way is finished, within -W."""
    d = Driver("-i", "drone-1")
    d.send({"rid": 1, "line": "list --count"}, {"rid": 2, "type": "ping"})
    d.end()
    equal((d.answer(1)["ok"], d.answer(2)["ok"]), (True, True))
    d = Driver("-i", "drone-1", "-W", "300ms")
    d.send({"rid": 1, "line": "wait peer nobody -W none"}, {"rid": 2, "line": "list"})
    d.end()
    failed(d.answer(1), 5, "timeout")
    failed(d.answer(2), 5, "timeout")
    d = Driver("-i", "drone-1")
    d.state("up")
    d.send({"rid": 1, "line": "wait peer nobody -W none"})
    d.p.send_signal(signal.SIGTERM)
    d.end(128 + signal.SIGTERM)


def reader_gone():
    """Nobody reads: it ends quietly, though its input stays open and a command waits."""
    for line in (b"", b'{"rid":1,"line":"wait peer nobody -W none"}\n'):
        p = subprocess.Popen([SIGCTL, "-i", "drone-1", "--coproc"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal(json.loads(p.stdout.readline())["state"], "up")
        p.stdin.write(line)
        p.stdin.flush()
        p.stdout.close()
        equal(p.wait(PATIENCE), 0)
        equal(p.stderr.read(), b"")
        p.stdin.close()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
