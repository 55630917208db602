# SPDX-License-Identifier: MIT
# /metrics against what was really done, /ready while it ends, and who may ask.

import json
import os
import re
import signal

from mint import enter, metrics, monitor, pid, rest, token, unauthorized, until
from peer import Peer, Wire, dial, equal, health_port, http, main, request


def get(path, headers=(), method="GET"):
    return http(health_port(), request(headers, method=method, path=path, upgrade=False))


def page():
    """Prints the document."""
    print(get("/metrics")[2].decode(), end="")


def shape():
    """Families are whole and told once, and no name is strange."""
    text = get("/metrics")[2].decode()
    assert text.endswith("\n") and "\n\n" not in text
    seen, family = {}, None
    for line in text.splitlines():
        m = re.match(r"^# (HELP|TYPE) (\S+) (.+)$", line)
        if m and m[1] == "HELP":
            family = m[2]
            assert family not in seen, line
            assert re.match(r"^(sigd|process)_[a-z_]+$", family), line
        elif m:
            equal(m[2], family)
            seen[family] = m[3]
            equal(m[3] == "counter", family.endswith("_total"), family)
        else:
            assert line.startswith(family), line
    equal(seen["sigd_relay_duration_seconds"], "histogram")
    got = metrics()
    assert any(re.match(r'sigd_info\{version="\d+\.\d+\.\d+",node="node-7"\}$', n) for n in got)


class Load:
    """Counts what it does under the names of the metrics."""

    def __init__(self):
        self.want = {}

    def did(self, name, by=1):
        self.want[name] = self.want.get(name, 0) + by

    def event(self, word, by=1):
        self.did(f'sigd_events_total{{event="{word}"}}', by)

    def enter(self, name, **claims):
        p = enter(name, **claims)
        for word in ("connect", "auth", "register"):
            self.event(word)
        return p

    def relay(self, a, b, **members):
        text = json.dumps(members)
        a.say(text)
        got = b.get(members["type"])
        self.event("relay")
        self.did(f'sigd_relays_total{{type="{members["type"]}"}}')
        self.did("sigd_relayed_bytes_total", len(text))
        return got

    def error(self, p, code, event, text=None, **members):
        p.say(text or json.dumps(members))
        p.error(code)
        self.event(event)
        self.did(f'sigd_errors_total{{code="{code}"}}')

    def gone(self, p):
        p.bye()
        self.event("disconnect")

    def refused(self, p, **how):
        unauthorized(p, **how)
        for word in ("connect", "auth", "disconnect"):
            self.event(word)
        self.did("sigd_auth_failures_total")
        self.did('sigd_errors_total{code="unauthorized"}')


def calls(load, a, b, c):
    """Sessions and relays of each type."""
    one = load.relay(a, b, type="offer", target="b", sdp="v=0 \u20ac")["sessionId"]
    two = load.relay(c, b, type="offer", target="b", sdp="v=0")["sessionId"]
    load.relay(b, a, type="answer", target="a", sdp="v=0", sessionId=one)
    load.event("session_open", 2)
    load.event("session_answer")
    for i in range(5):
        load.relay(a, b, type="ice", target="b", candidate=f"c{i}", sessionId=one)
    load.relay(a, b, type="bye", target="b", sessionId=one)
    load.event("session_end")
    return two


def mistakes(load, a, drone):
    """Errors by their codes."""
    proto, deliver = "protocol_error", "deliver_error"
    for _ in range(3):
        load.error(a, "invalid_json", proto, text="{")
    load.error(a, "invalid_message", proto, text="[]")
    for _ in range(2):
        load.error(a, "unknown_type", proto, type="dance")
    load.error(a, "missing_member", proto, type="offer", sdp="s")
    load.error(a, "invalid_member", proto, type="offer", target=7, sdp="s")
    load.error(a, "invalid_id", proto, type="register", id="a b")
    load.error(a, "already_registered", proto, type="register", id="a2")
    for _ in range(2):
        load.error(a, "target_not_found", deliver, type="offer", target="ghost", sdp="s")
    load.error(drone, "forbidden", deliver, type="stats")
    load.error(a, "session_not_found", deliver, type="answer", target="b", sdp="s",
               sessionId="nowhere")


def refusals(load):
    """Authentications that fail, by each way."""
    bad = token(secret="x" * 40)
    load.refused(Peer(path="/?token=" + bad))
    load.refused(Peer(headers=[f"Authorization: Bearer {bad}"]))
    p = Peer()
    p.send(type="register", id="z", token=bad)
    load.refused(p, in_band=True)


def answers(load):
    """Plain HTTP by status."""
    def did(code):
        load.did(f'sigd_http_answers_total{{code="{code}"}}')

    for path, method, code in (("/health", "GET", 200), ("/ready", "HEAD", 200), ("/x", "GET", 404),
                               ("/y", "GET", 404), ("/health", "POST", 405)):
        w = Wire(dial(health_port()))
        w.s.sendall(request(method=method, path=path, upgrade=False))
        equal(int(w.until(b"\r\n").split()[1]), code)
        did(code)
    for headers, code in ((["Origin: https://evil"], 403), (["Sec-WebSocket-Protocol: x"], 400)):
        equal(http(None, request(headers))[0], code)
        did(code)
    equal(http(None, request(upgrade=False))[0], 426)
    did(426)


VOLATILE = re.compile(r"process_|sigd_loop_lag|sigd_relay_duration_seconds|.*code=\"200\"")


def counters():
    """--allow-origin, --role-limit drone max-sessions: each counter is what was done, no more."""
    before = metrics()
    load = Load()
    a, b = load.enter("a", role="operator"), load.enter("b", role="operator")
    c, drone = load.enter("c", role="operator"), load.enter("d", role="drone")
    calls(load, a, b, c)
    mistakes(load, a, drone)
    refusals(load)
    answers(load)
    load.gone(c)  # ends its session
    load.event("session_end")
    until(lambda: metrics()["sigd_clients"] == 3)
    after = metrics()
    grown = {n: after[n] - before[n] for n in after if after[n] != before[n]}
    plain = {n: v for n, v in grown.items() if not VOLATILE.match(n) and n.endswith(("_total", "}"))}
    want = {n: v for n, v in load.want.items() if not VOLATILE.match(n)}
    equal({n: (plain.get(n), want.get(n)) for n in {*plain, *want}
           if plain.get(n) != want.get(n)}, {}, "(counted, done):")
    relays = sum(v for n, v in want.items() if n.startswith("sigd_relays"))
    equal(after["sigd_relay_duration_seconds_count"], relays)
    buckets = [v for n, v in after.items() if n.startswith("sigd_relay_duration_seconds_bucket")]
    equal(buckets, sorted(buckets))
    equal(buckets[-1], relays)
    assert 0 < after["sigd_relay_duration_seconds_sum"] < 10


def stats():
    """What an administrator is told are the same numbers."""
    admin, a = enter("boss", role="admin"), enter("a", role="operator")
    a.send(type="offer", target="ghost", sdp="s")
    a.error("target_not_found")
    admin.send(type="stats")
    got, m = admin.get("stats"), metrics()
    for word, n in got["counters"]["events"].items():
        equal(n, m[f'sigd_events_total{{event="{word}"}}'], word)
    for word, n in got["counters"]["relayed"].items():
        equal(n, m[f'sigd_relays_total{{type="{word}"}}'], word)
    for word, n in got["counters"]["errors"].items():
        equal(n, m[f'sigd_errors_total{{code="{word}"}}'], word)
    equal((got["clients"], got["connections"], got["sessions"], got["monitors"]),
          tuple(m["sigd_" + w] for w in ("clients", "connections", "sessions", "monitors")))


def gauges():
    """Connections, clients, sessions, monitors, handshakes, bytes that wait."""
    def now(*words):
        m = metrics()
        return tuple(m["sigd_" + w] for w in words)

    equal(now("connections", "clients", "sessions", "monitors", "queue_bytes", "max_clients"),
          (0, 0, 0, 0, 0, 9))
    a, slow, stranger = Peer(), Peer(), Peer()
    a.register("a")
    slow.register("slow")
    stranger.send(type="ping")
    stranger.get("pong")
    m = monitor()
    alone = now("handshakes")[0]
    silent = [dial() for _ in range(3)]
    until(lambda: now("handshakes")[0] == alone + 3, "handshakes")
    a.send(type="offer", target="slow", sdp="s")
    slow.get("offer")
    equal(now("connections", "clients", "sessions", "monitors"), (4, 2, 1, 1))
    for s in silent:
        s.close()
    until(lambda: now("handshakes")[0] == alone, "handshakes")
    m.bye()
    sent = 0
    while now("queue_bytes")[0] < 1000000:  # the kernel has taken what it can
        a.send(type="ice", target="slow", candidate="x" * 60000)
        a.pinged()
        sent += 1
    for _ in range(sent):
        slow.get("ice")
    until(lambda: now("queue_bytes")[0] == 0, "bytes still wait")
    a.bye()
    slow.get("bye")
    equal(now("connections", "clients", "sessions", "monitors"), (2, 1, 0, 0))
    got = {n: v for n, v in metrics().items() if n.startswith("sigd_degraded")}
    assert got and set(got.values()) == {0}, got
    rest_ = [Peer() for _ in range(7)]
    equal(now('degraded{what="max-clients"}'), (1,))
    equal(http(None, request())[0], 503)
    equal(now('http_answers_total{code="503"}'), (1,))
    equal(json.loads(get("/health")[2])["degraded"], ["max-clients"])
    equal(get("/ready")[0], 200)
    del rest_


def process():
    """Descriptors and memory are this process's."""
    one = metrics()
    with open(f"/proc/{pid()}/statm", encoding="ascii") as f:
        rss = int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert abs(one["process_resident_memory_bytes"] - rss) < 8 << 20, (one, rss)
    peers = [Peer() for _ in range(20)]
    two = metrics()
    equal(two["process_open_fds"] - one["process_open_fds"], 20)
    assert two["process_max_fds"] >= 1000
    assert two["process_cpu_seconds_total"] >= one["process_cpu_seconds_total"] > 0
    equal(round(two["process_start_time_seconds"]), round(one["process_start_time_seconds"]))
    del peers


def ready():
    """200, and 503 while connections are asked to leave; the other documents stay."""
    equal(get("/ready")[::2], (200, b"ready\n"))
    idle = Peer()
    idle.register("idle")
    equal((metrics()["sigd_draining"], metrics()["sigd_accepting"]), (0, 1))
    os.kill(pid(), signal.SIGTERM)
    idle.get("goaway")
    until(lambda: get("/ready")[0] == 503)
    assert get("/ready")[2].strip() == b"draining", get("/ready")
    equal(json.loads(get("/health")[2])["status"], "draining")
    equal(metrics()["sigd_draining"], 1)
    w = Wire(dial(health_port()))
    w.s.sendall(request(method="HEAD", path="/ready", upgrade=False))
    equal(int(w.until(b"\r\n").split()[1]), 503)
    got, end = rest(idle)
    equal((got, end[0]), ([], 1001))


OURS = ("localhost", "LocalHost", "localhost:8082", "127.0.0.1", "127.0.0.1:1", "10.1.2.3",
        "[::1]", "[::1]:8082", "[2001:db8::1]", "metrics.example", "METRICS.example:80")
OTHERS = ("evil.example", "evil.example:8082", "localhost.evil.example", "127.0.0.1.evil.example",
          "xmetrics.example", "metrics.example.evil", "", ":", ":8082", "[]",
          "[::1].evil", "user@localhost", "127.0.0.1, evil", "127.0.0.1 evil", "a" * 299, "a" * 5000)


def hosts():
    """--health-host metrics.example: a page that rebinds its name gets nothing."""
    def ask(path, *lines):
        data = "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""])
        return http(health_port(), data.encode())[0]

    for path in ("/health", "/ready", "/metrics"):
        for host in OURS:
            equal(ask(path, f"Host: {host}"), 200, host)
        for host in OTHERS:
            equal(ask(path, f"Host: {host}"), 421, host)
        equal(ask(path, "Accept: */*"), 421, "no Host")
    equal(ask("/nothing", "Host: evil.example"), 421)
    equal(metrics()['sigd_http_answers_total{code="421"}'], 3 * len(OTHERS) + 4)


def head():
    """HEAD has the length that GET has, and no body."""
    for path in ("/ready", "/metrics", "/health"):
        w = Wire(dial(health_port()))
        w.s.sendall(request(method="HEAD", path=path, upgrade=False))
        lines = w.until(b"\r\n\r\n").decode().lower()
        assert lines.startswith("http/1.1 200 "), lines
        length = int(re.search(r"content-length: (\d+)", lines)[1])
        assert abs(length - len(get(path)[2])) < 100, (path, length)
        w.ended()


if __name__ == "__main__":
    main({f.__name__: f for f in (page, shape, counters, stats, gauges, process, ready, hosts,
                                  head)})
