# SPDX-License-Identifier: MIT
# Marked secrets go through sigd by every way there is; none may be seen where others look.
#   drive: sends them, keeps what monitors and HTTP showed in seen.*, the marks in marks
#   check: looks for the marks in every file that it is given

import json
import os
import socket
import ssl
import struct

from mint import b64, bearer, monitor, pid, token
from peer import CLOSE, TEXT, Gone, Peer, Wire, dial, equal, frame, health_port, main, request

SECRET = os.environ.get("E2E_SECRET", "")
marks = {}


def mark(name):
    """A text of its own that has not been seen before; fit for an id."""
    assert name not in marks, name
    marks[name] = f"c4n4ry-{name.replace(' ', '_')}-{os.urandom(6).hex()}"
    return marks[name]


def marked(name, text):
    """A token is as secret as what is in it: any piece of its claims or signature tells."""
    for i, part in enumerate(text.split(".")[1:]):
        for at in range(0, len(part) - 20, 20):
            marks[f"{name} {i}/{at}"] = part[at:at + 20]
    return text


def relays(name, got):
    """The credentials of TURN servers that a client was told."""
    for server in got["iceServers"]:
        marks[name + " turn user"] = server["username"]
        marks[name + " turn credential"] = server["credential"]


def good(name, who, **claims):
    return marked(name, token(who, secret=SECRET, jti=mark(name + " jti"), **claims))


def bad(name, **claims):
    return marked(name, token(mark(name + " sub"), secret=mark(name + " key"),
                              iss=mark(name + " iss"), role=mark(name + " role")[:32], **claims))


def forged(name):
    """Made with a header that names a key nobody knows."""
    head = {"alg": "RS256", "kid": mark(name + " kid"), "jku": "https://" + mark(name + " jku")}
    parts = [b64(json.dumps(p).encode()) for p in (head, {"sub": mark(name + " who")})]
    return marked(name, ".".join([*parts, b64(os.urandom(64))]))


def no_more(w):
    """Says no more; a server that has closed meanwhile is not an error here."""
    try:
        w.s.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def ended(p):
    while True:
        try:
            p.get()
        except Gone:
            return p.closed()


def tokens():
    """Good, bad, broken and overlong ones, each way."""
    for i, make in enumerate((bad, forged, mark)):
        text = make(f"query{i}")
        ended(Peer(path="/?token=" + text))
        text = make(f"header{i}")
        ended(Peer(headers=bearer(text)))
        p = Peer()
        p.send(type="register", id="x", token=make(f"register{i}"))
        ended(p)
    expired = marked("expired", token("drone-9", secret=SECRET, life=-5, jti=mark("expired jti")))
    ended(Peer(headers=bearer(expired)))
    for name, value in (("list", [mark("token list")]), ("object", {"a": mark("token object")}),
                        ("blank", mark("token blank") + " x"), ("long", mark("token long") * 200),
                        ("escape", mark("token escape") + "\n\x1b[2J")):
        p = Peer()
        p.send(type="register", id=f"x-{name}", token=value)
        no_more(p)
        ended(p)
    p = Peer()
    p.send(type="register", id="not an id", token=mark("token bad id"))
    p.error("invalid_id")
    p.send(type="list", token=mark("token early"))
    p.get("error")
    p.cut()


def bodies(a, b):
    """What two peers say to each other, arrived or not."""
    for target in ("b", "ghost", "a b", "boss"):
        for kind, members in (
                ("offer", {"sdp": "v=0\r\no=" + mark(f"offer {target}")}),
                ("answer", {"sdp": "v=0\r\na=ice-pwd:" + mark(f"answer {target}")}),
                ("ice", {"candidate": {"candidate": "candidate:1 1 udp 1 " + mark(f"ice {target}")
                                       + " 9 typ host", "usernameFragment": mark(f"ufrag {target}")
                                       }})):
            a.send(type=kind, target=target, rid=mark(f"rid {kind} {target}"), **members,
                   iceServers=[{"urls": "turn:t", "username": mark(f"turn user {kind} {target}"),
                                "credential": mark(f"turn pass {kind} {target}")}])
    a.send(type="ice", target="b", candidate={"a": "2001:db8::" + mark("v6")})
    a.pinged()
    for text in ('{"type":"offer","target":"b","sdp":"' + mark("cut json"),
                 '{"type":"offer","sdp":"' + mark("no target") + '"}',
                 '{"type":"offer","target":"b","sdp":{"x":"' + mark("sdp object") + '"}}',
                 '{"type":"dance","sdp":"' + mark("unknown type") + '"}',
                 '["' + mark("array") + '"]', '"' + mark("string") + '"', mark("no json"),
                 '{"type":"offer","type":"ice","target":"b","sdp":"' + mark("twice") + '"}',
                 '{"type":"register","id":"a","resume":"' + mark("again") + '"}',
                 '{"type":"offer","target":"b","sdp":"' + mark("nul") + '\x00"}',
                 '{"' + mark("member name") + '":1}',
                 '{"type":"answer","target":"b","sdp":"' + mark("no session")
                 + '","sessionId":"nowhere"}',
                 '{"type":"list","detail":"' + mark("detail") + '"}'):
        a.say(text)
        a.pinged()
    b.cut()


def ends():
    """Connections that end because of what they said."""
    for name, data in (
            ("too large", frame(TEXT, mark("too large") * 4000)),
            ("binary", frame(2, mark("binary"))), ("utf8", frame(TEXT, b"\xff" +
                                                                mark("utf8").encode())),
            ("close", frame(CLOSE, struct.pack(">H", 1000) + mark("close").encode())),
            ("close code", frame(CLOSE, struct.pack(">H", 4999) + mark("close 4999").encode())),
            ("ping", frame(9, mark("ping"))),
            ("unmasked", frame(TEXT, mark("unmasked"), mask=None)),
            ("reserved", frame(TEXT, mark("reserved"), rsv=4))):
        p = Peer(headers=bearer(good(f"{name} token", "drone-2")))
        p.register("drone-2")
        p.raw(data + frame(CLOSE, struct.pack(">H", 1000)))
        try:
            while True:
                p.get()
        except Gone:
            p.cut()


def resume():
    """The token that takes a session over, spent and wrong."""
    text = good("resume", "cam", role="camera")
    first, second = Peer(headers=bearer(text)), Peer(headers=bearer(text))
    meta = {"place": mark("meta")}
    held = first.register("cam", meta=meta)["resume"]
    fresh = second.register("cam", resume=held, meta=meta)["resume"]
    third = Peer(headers=bearer(text))
    third.register("cam", resume=mark("resume wrong"), meta=meta)
    marks.update({"resume 1": held, "resume 2": fresh})
    for p in (first, second):
        ended(p)
    return third


def web():
    """Requests for pages and upgrades, refused or not, with secrets wherever they have room."""
    for i, where in enumerate((None, health_port(), None)):
        for method in ("GET", "POST", "PUT"):
            name = f"web {i} {method}"
            headers = [f"Authorization: Basic {mark(name + ' basic')}",
                       f"Authorization: Bearer {mark(name + ' bearer')}",
                       f"Cookie: session={mark(name + ' cookie')}",
                       f"X-Api-Key: {mark(name + ' key')}",
                       f"Referer: https://{mark(name + ' referer')}/",
                       f"User-Agent: {mark(name + ' agent')}",
                       f"Sec-WebSocket-Protocol: {mark(name + ' protocol')}"]
            path = f"/{mark(name + ' path')}?token={mark(name + ' token')}&p={mark(name + ' q')}"
            w = Wire(dial(where))
            data = request(headers, method=method, path=path, upgrade=i == 2)
            try:
                w.s.sendall(data + mark(name + " body").encode())
                w.response()
            except (Gone, ConnectionError):
                pass
    for raw in (b"GET /" + mark("no http").encode() + b"\r\n\r\n", mark("noise").encode() + b"\r\n",
                b"GET / HTTP/1.1\r\n" + mark("header").encode() * 900 + b"\r\n\r\n"):
        w = Wire(dial())
        try:
            w.s.sendall(raw)
            no_more(w)
            w.response()
        except (Gone, ConnectionError):
            pass
    headers = [f"Authorization: Basic {mark('basic')}", f"X-Secret: {mark('x header')}",
               f"Cookie: a={mark('cookie')}", "Origin: https://ok"]
    p = Peer(headers=headers, path=f"/room/{mark('room')}?password={mark('password')}")
    p.send(type="register", id="y")
    ended(p)


def over_tls():
    """The same token ways over TLS."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    for i, text in enumerate((good("tls good", "drone-3"), bad("tls bad"))):
        p = Peer.__new__(Peer)
        Wire.__init__(p, ctx.wrap_socket(dial(int(os.environ["E2E_TLS"]))))
        p.pongs = True
        p.s.sendall(request(path="/?token=" + text))
        equal(p.response()[0], 101)
        if i == 0:
            p.register("drone-3")
        p.raw(frame(CLOSE, struct.pack(">H", 1000) + mark(f"tls close {i}").encode()))
        p.s.close()
    with open("certs/server.key", encoding="ascii") as f:
        for i, line in enumerate(f.readlines()[1:-1]):
            marks[f"private key {i}"] = line.strip()


def read_proc(name):
    """What others may read of the process; nothing where they may not."""
    try:
        with open(f"/proc/{pid()}/{name}", "rb") as f:
            return f.read()
    except PermissionError:
        return b""


def drive():
    marks["jwt secret"] = SECRET
    marks["turn secret"] = os.environ["E2E_TURN_SECRET"]
    boss = Peer(headers=bearer(good("boss", "boss", role="admin")))
    boss.register("boss")
    watch = Peer(headers=bearer(good("watch", "watch", role="monitor")))
    watch.register("watch")
    monitor(watch)
    a = Peer(headers=bearer(good("a", "a", role="operator")))
    relays("registered", a.register("a"))
    a.send(type="ice-servers")
    relays("asked", a.get("ice-servers"))
    b = Peer(headers=bearer(good("b", "b", role="drone")))
    b.register("b")
    cam = resume()
    tokens()
    bodies(a, b)
    ends()
    web()
    over_tls()
    boss.pinged()  # beyond what a said to it
    seen = [json.dumps(boss_says(boss, **m)) for m in
            ({"type": "stats"}, {"type": "sessions"}, {"type": "list"}, {"type": "reload"})]
    boss.send(type="list", detail=True)
    assert marks["meta"] in json.dumps(boss.get("clients"))  # there, and only there
    stream = [watch.hear()]
    while '"kind":"reload"' not in stream[-1]:
        stream.append(watch.hear())
    write("seen.replies", "\n".join(seen).encode())
    write("seen.events", "\n".join(stream).encode())
    for path in ("health", "ready", "metrics"):
        w = Wire(dial(health_port()))
        w.s.sendall(request(path="/" + path, upgrade=False))
        write("seen." + path, w.response()[2])
    write("seen.cmdline", read_proc("cmdline"))
    write("seen.environ", read_proc("environ"))
    with open("marks", "w", encoding="utf-8") as f:
        json.dump(marks, f)
    cam.pinged()
    assert len(marks) > 200, len(marks)


def boss_says(boss, **request_):
    boss.send(rid=1, **request_)
    return boss.get()


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


def check(*names):
    """No mark in any of those files, which do show the clients otherwise."""
    with open("marks", encoding="utf-8") as f:
        wanted = json.load(f)
    for name in names:
        with open(name, "rb") as f:
            data = f.read()
        found = {k: data[max(0, data.index(v.encode()) - 150):][:300]
                 for k, v in wanted.items() if v.encode() in data}
        equal(found, {}, f"{name}:")
        if name in ("err", "audit.log", "seen.events"):
            assert b"drone-2" in data and b"unauthorized" in data, name
            assert len(data) > 5000, (name, len(data))


if __name__ == "__main__":
    main({f.__name__: f for f in (drive, check)})
