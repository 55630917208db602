# SPDX-License-Identifier: MIT
# Sends each of the 515 texts wherever a peer, or a server, may put text of its own, and looks at
# what the tools show of it: on a terminal nothing that a terminal obeys or hides, on a pipe the same
# text again.
"""show.py peers|people|server: SIGD_URL is the server of the first two; exit 0 when all is right."""

import base64
import fcntl
import hashlib
import json
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from peer import CLOSE, TEXT, Gone, Peer, Wire, frame  # noqa: E402
from strings import STRINGS  # noqa: E402

LIMIT = 100  # seconds for anything
TEXTS = [text for _, text in STRINGS]
FORMS = {"people": [], "json": ["--json"], "pretty": ["--pretty"], "plain": ["--plain"],
         "format": ["-F", "%{type} %{sdp} %{candidate} %{reason} %{x} %{y} %{sessionId} %{id} %{meta}"]}
# Default_Ignorable_Code_Point of Unicode but for the selectors of text and emoji, beside Cf.
IGNORED = [(0x34f, 0x34f), (0x115f, 0x1160), (0x17b4, 0x17b5), (0x180b, 0x180f), (0x2060, 0x206f),
           (0x3164, 0x3164), (0xfe00, 0xfe0d), (0xffa0, 0xffa0), (0xfff0, 0xfff8), (0xe0000, 0xe0fff)]


def harm(data, allowed="\n"):
    """What a terminal would obey or hide in these bytes; None when there is nothing."""
    try:
        text = data.decode()
    except UnicodeDecodeError as e:
        return f"byte {data[e.start]:02x} in {data[max(e.start - 60, 0):e.start + 20]!r}"
    for at, c in enumerate(text):
        if c in allowed or " " <= c <= "~":
            continue
        if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") or \
                any(a <= ord(c) <= b for a, b in IGNORED):
            return f"U+{ord(c):04X} in {text[max(at - 60, 0):at + 20]!r}"
    return None


class Shown:
    """A program whose output goes to a terminal of its own, or to a pipe."""

    def __init__(self, argv, terminal=True, script=None):
        self.argv, self.data, self.ended = argv, bytearray(), False
        self.more = threading.Condition()
        self.typed = None
        if terminal:
            self.fd, slave = pty.openpty()
            tty.setraw(slave)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
        else:
            self.fd, slave = os.pipe()
        stdin = subprocess.DEVNULL
        if script == "typed":
            stdin = slave
        elif script is not None:
            stdin = tempfile.TemporaryFile()
            stdin.write(script.encode())
            stdin.seek(0)
        env = dict(os.environ, TERM="dumb")
        self.p = subprocess.Popen(argv + ["--color", "never"], stdin=stdin, stdout=slave,
                                  stderr=slave if terminal else None, env=env,
                                  start_new_session=True)
        os.close(slave)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                got = b""
            with self.more:
                self.data += got
                self.ended = not got
                self.more.notify_all()
            if not got:
                return

    def until(self, mark):
        with self.more:
            if not self.more.wait_for(lambda: mark in self.data or self.ended, LIMIT):
                self.stop()
                raise AssertionError(f"{self.argv}: no {mark!r} in {bytes(self.data[-2000:])!r}")
            assert mark in self.data, f"{self.argv} ended without {mark!r}: {bytes(self.data[-2000:])!r}"
        return self

    def end(self):
        self.p.wait(LIMIT)
        with self.more:
            assert self.more.wait_for(lambda: self.ended, LIMIT), self.argv
        os.close(self.fd)
        return bytes(self.data)

    def stop(self):
        self.p.terminate()
        return self.end()


def check(shown, data, allowed="\n"):
    what = harm(data, allowed)
    assert not what, f"{shown.argv}: {what}"
    assert len(data) > 0, f"{shown.argv}: said nothing"


def tabs(form):
    """Where our own output has tabs."""
    return "\n\t" if form in ("plain", "pretty") else "\n"


# ---------------------------------------------------------------- what a peer sends

def encoded(message, raw):
    if raw:
        try:
            return json.dumps(message, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            pass
    return json.dumps(message).encode()


def short(text, most):
    return len(json.dumps(text)) <= most and len(text.encode(errors="surrogatepass")) <= most


def messages(target, i, text):
    """Each place of a relayed message where a peer decides about text."""
    session = f"s-{i}"
    yield {"type": "offer", "target": target, "sdp": text, "sessionId": session, "x": text,
           "y": {"k": [text, {"z": text}]}}
    if short(text, 200):
        yield {"type": "offer", "target": target, "sdp": "v=0", "sessionId": session, text: text}
    yield {"type": "ice", "target": target, "candidate": text, "sessionId": session}
    yield {"type": "ice", "target": target, "sessionId": session,
           "candidate": {"candidate": text, "sdpMid": text, "usernameFragment": text}}
    yield {"type": "bye", "target": target, "sessionId": session, "reason": reason_of(text)}


def reason_of(text):
    """A reason is short, and the server reads it: it takes no half surrogates and no NUL there."""
    whole = not re.search("[\0\ud800-\udfff]", text)
    return text if whole and len(text.encode()) <= 100 else "none of these"


def send_all(evil, target):
    sent = [m for i, text in enumerate(TEXTS) for m in messages(target, i, text)]
    for n, m in enumerate(sent):
        evil.say_bytes(encoded(m, n % 3 == 0))
    evil.say_bytes(encoded({"type": "offer", "target": target, "sdp": "v=0", "sessionId": "all-said",
                            "rid": "all"}, False))
    got = evil.get("ack")
    assert got["rid"] == "all", got
    return sent


class Evil(Peer):
    def say_bytes(self, payload):
        self.raw(frame(TEXT, payload))


def port():
    return int(os.environ["SIGD_URL"].rsplit(":", 1)[1])


def peer(name, **members):
    p = Evil(port())
    p.register(name, **members)
    return p


def same(sent, data):
    """What came through a pipe is what was sent, member by member."""
    came = [json.loads(line) for line in data.decode()[:-1].split("\n")]
    assert [m["type"] for m in came[-1:]] == ["offer"] and came.pop()["sessionId"] == "all-said"
    assert len(came) == len(sent), (len(came), len(sent))
    for want, got in zip(sent, came):
        for key in want:
            if key != "target":
                assert got.get(key) == want[key], (key, want, got)


def peers():
    """Messages: listen in each form, the prompt, sigmon."""
    names = list(FORMS) + ["pipe", "repl"]
    shown = {form: Shown(["sigctl", "-i", form, "listen", *FORMS[form]]) for form in FORMS}
    shown["pipe"] = Shown(["sigctl", "-i", "pipe", "listen", "--json"], terminal=False)
    shown["repl"] = Shown(["sigctl", "-i", "repl"], script="typed")
    shown["repl"].until(b"sigctl> ")
    os.write(shown["repl"].fd, b"register repl\n")
    mons = {form: Shown(["sigmon", *FORMS[form]]) for form in ("people", "json", "plain", "pretty")}
    evil = peer("evil")
    for name in names:
        subprocess.run(["sigctl", "wait", "peer", name, "-W", "30s"], check=True)
    for name in names:
        sent = send_all(evil, name)
        shown[name].until(b"all-said")
    for form, mon in mons.items():
        mon.until(b"all-said")
        check(mon, mon.stop(), tabs(form))
    for form in FORMS:
        check(shown[form], shown[form].stop(), tabs(form))
    os.write(shown["repl"].fd, b"\x04")
    data = shown["repl"].end()
    check(shown["repl"], re.sub(rb"\r+( *\r)?(\x1b\[[JK])?(?=sigctl> |\d\d:\d\d:\d\d\.|\n|$)", b"", data))
    same(sent, shown["pipe"].stop())
    print(f"{len(TEXTS)} texts, {len(sent)} messages to each of {len(names)}")


def answers(evil, scripts):
    """Answers each offer with the next text, as sdp, candidate and reason."""
    left = {name: list(TEXTS) for name in scripts}
    while any(left.values()):
        m = evil.get()
        if m["type"] != "offer" or not left.get(m["from"]):
            continue
        text = left[m["from"]].pop(0)
        to = {"target": m["from"], "sessionId": m["sessionId"]}
        evil.say_bytes(encoded(dict(to, type="answer", sdp=text, x=text), True))
        if m["from"] == "call":
            evil.say_bytes(encoded(dict(to, type="ice", candidate=text), False))
            evil.say_bytes(encoded(dict(to, type="ice", candidate=None), False))


def people():
    """Answers: offer --wait answer, call, wait message; then list and sessions."""
    n = len(TEXTS)
    evil = peer("evil")
    shown = {
        "offer": Shown(["sigctl"], script="register offer\n" + "offer evil --wait answer -W 60s\n" * n),
        "offerj": Shown(["sigctl", "-j"], script="register offerj\n" + "offer evil --wait answer -W 60s\n" * n),
        "call": Shown(["sigctl"], script="register call\n" + "call evil --ice 1 -W 60s\n" * n),
        "wait": Shown(["sigctl"], script="register wait\n" + "wait message -W 60s --type bye\n" * n)}
    answers(evil, ["offer", "offerj", "call"])
    for name in ("offer", "offerj", "call"):
        check(shown[name], shown[name].end())
        assert shown[name].p.returncode == 0, (name, bytes(shown[name].data[-500:]))
    subprocess.run(["sigctl", "wait", "peer", "wait", "-W", "30s"], check=True)
    # a script keeps 256 messages unread, so it gets them a few at a time
    for i, text in enumerate(TEXTS):
        to = {"target": "wait", "sessionId": f"s-{i}"}
        evil.say_bytes(encoded(dict(to, type="offer", sdp=text), False))
        evil.say_bytes(encoded(dict(to, type="bye", reason=reason_of(text)), True))
        if i % 32 == 31:
            shown["wait"].until(f"s-{i}\n".encode())
    check(shown["wait"], shown["wait"].end())
    assert shown["wait"].p.returncode == 0, bytes(shown["wait"].data[-500:])
    holders = [peer(f"holder-{i}", meta=meta, role="drone") for i, meta in enumerate(metas())]
    for session in ("s-1", "a..b", "x:y@z", "A-_.", "1" * 128):
        holders[0].send(type="offer", target="holder-1", sdp="v=0", sessionId=session, rid=1)
        holders[0].get("ack")
    for form, options in FORMS.items():
        for command in (["list", "--detail"], ["list"], ["sessions"]):
            one = Shown(["sigctl", *command, *options])
            check(one, one.end(), tabs(form))
            assert one.p.returncode == 0, one.argv
    told = json.loads(subprocess.run(["sigctl", "list", "--detail", "-j"], check=True,
                                     capture_output=True).stdout)
    got = {p["id"]: p["meta"] for p in told["peers"] if p["id"].startswith("holder")}
    assert got == {f"holder-{i}": m for i, m in enumerate(metas())}
    print(f"{n} answers three times, {len(holders)} descriptions of peers")


def metas():
    """Objects of texts, as key and as value, each within the bounds of a registration."""
    all_of_them, meta = [], {}
    for text in TEXTS:
        if not short(text, 900):
            continue
        more = dict(meta, **{text: text})
        if len(json.dumps(more)) > 1900:
            all_of_them.append(meta)
            more = {text: text}
        meta = more
    return all_of_them + [meta]


# ---------------------------------------------------------------- what a server sends

class Server:
    """A server that answers with what it likes."""

    def __init__(self):
        self.s = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.s.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()
        self.say = None

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.s.accept()[0],), daemon=True).start()

    def serve(self, s):
        w = Wire(s)
        head = w.until(b"\r\n\r\n").decode()
        key = re.search(r"(?i)sec-websocket-key: *(\S+)", head)[1]
        accept = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        s.sendall(("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        try:
            while True:
                a, b = w.take(2)
                n = b & 0x7f
                n = struct.unpack(">H", w.take(2))[0] if n == 126 else n
                mask = w.take(4)
                data = bytes(c ^ mask[i % 4] for i, c in enumerate(w.take(n)))
                if a & 0xf != TEXT:
                    s.sendall(frame(CLOSE, data[:2], mask=None))
                    return
                m = json.loads(data)
                for op, payload in self.say(m):
                    s.sendall(frame(op, payload, mask=None))
        except (Gone, OSError):
            pass


def lies(text_of):
    """Replies whose every text is the server's own."""
    def say(m):
        rid, kind = m.get("rid"), m["type"]
        replies = {
            "register": [{"type": "registered", "id": m.get("id"), "rid": rid}] + [
                {"type": kind_of, "from": t, "id": t, "event": t, "reason": t, "code": t, "message": t,
                 "details": t, "sdp": t, "sessionId": t, t: t}
                for t in TEXTS for kind_of in ("offer", "error", t)] +
            [{"type": "offer", "from": "end", "sessionId": "all-said"}],
            "list": [{"type": "clients", "rid": rid, "count": len(TEXTS), "clients": TEXTS,
                      "peers": [{"id": t, "role": t, "since": t, "node": t, "meta": {t: t}} for t in TEXTS]}],
            "sessions": [{"type": "sessions", "rid": rid, "count": len(TEXTS), "sessions": [
                {"id": t, "from": t, "to": t, "state": t, "since": t, "offers": 1, "answers": 0,
                 "candidates": 0, "idle": 1} for t in TEXTS]}],
            "stats": [{"type": "stats", "rid": rid, "server": text_of(), "counters": {
                "relayed": {t: 1 for t in TEXTS if short(t, 60)}, "errors": {}, "events": {}}}],
            "ping": [{"type": "error", "rid": rid, "code": text_of(), "message": text_of(),
                      "details": text_of()}]}
        return [(TEXT, encoded(r, i % 2 == 0)) for i, r in enumerate(replies.get(kind, []))]
    return say


def server():
    """What a server says of itself and of others."""
    one = Server()
    now = [TEXTS[0]]
    one.say = lies(lambda: now[0])
    for form, options in FORMS.items():
        listen = Shown(["sigctl", "-u", one.url, "-i", "a", "listen", *options]).until(b"all-said")
        check(listen, listen.stop(), tabs(form))
        for command in (["list", "--detail"], ["list"], ["sessions"], ["stats"]):
            shown = Shown(["sigctl", "-u", one.url, *command, *options])
            check(shown, shown.end(), tabs(form))
    some = TEXTS[::12]
    for text in some:
        now[0] = text
        for options in ([], ["--json"], ["--trace"]):
            shown = Shown(["sigctl", "-u", one.url, "ping", *options])
            check(shown, shown.end())
            assert shown.p.returncode == 7, (shown.argv, text, bytes(shown.data))
        shown = Shown(["sigctl", "-u", one.url, "stats"])
        check(shown, shown.end())
    for text in some:
        reason = text.encode(errors="replace")[:120].decode(errors="ignore").encode()
        one.say = lambda m: [(CLOSE, struct.pack(">H", 4502) + reason)]
        shown = Shown(["sigctl", "-u", one.url, "ping"])
        check(shown, shown.end())
        assert shown.p.returncode == 8, (shown.argv, text, bytes(shown.data))
    for raw in (b"\xff\xfe", b"\x9b2J", b"a\xc0\x80", b"\xed\xa0\x80", b"\x1b[2J", b"{\"type\":\"\x1b\"}"):
        one.say = lambda m: [(TEXT, raw)]
        for options in ([], ["--trace"]):
            shown = Shown(["sigctl", "-u", one.url, "ping", "-W", "300ms", *options])
            check(shown, shown.end())
            assert shown.p.returncode in (5, 8, 9), (shown.argv, raw, bytes(shown.data))
    print(f"{len(TEXTS)} texts of a server, {len(some)} errors, {len(some)} ends")


if __name__ == "__main__":
    assert len(STRINGS) == 515 and len(set(TEXTS)) == 515, len(STRINGS)
    start = time.monotonic()
    {"peers": peers, "people": people, "server": server}[sys.argv[1]]()
    print(f"{time.monotonic() - start:.1f} s")
