# SPDX-License-Identifier: MIT
# A new configuration over living connections.

import json
import os
import re
import signal
import threading

from mint import (SECRET, bearer, enter, events, log_lines, metrics, monitor, pid, rest, token,
                  unauthorized, until)
from peer import PING, PONG, Peer, Wire, dial, equal, frame, main, request

CONF = "sigd.conf"


def write(*lines):
    """Exchanges the configuration as a whole, as an editor would."""
    with open(CONF + ".new", "w", encoding="utf-8") as f:
        f.write("\n".join([*lines, ""]))
    os.chmod(CONF + ".new", 0o600)
    os.rename(CONF + ".new", CONF)


def reloads():
    """How often the configuration was read again, and how often in vain."""
    m = metrics()
    return m['sigd_events_total{event="reload"}'], m["sigd_reload_failures_total"]


def hang_up(fails=0):
    """SIGHUP, until it has been dealt with."""
    done, failed = reloads()
    os.kill(pid(), signal.SIGHUP)
    until(lambda: reloads()[0] == done + 1, "no reload")
    equal(reloads()[1], failed + fails, "failed reloads")


def by_admin(admin, fails=0):
    done, failed = reloads()
    admin.send(type="reload", rid=1)
    got = admin.get()
    equal((got["type"], got["rid"]), ("error" if fails else "ack", 1))
    equal(reloads(), (done + 1, failed + fails))
    return got


def why_not():
    """The sentence in the log about the newest failure."""
    return re.search(r'reason="?(.*?)"?\n?$', log_lines("configuration not reloaded")[-1])[1]


def rights():
    """What a role may do, how much of it, and streams that it may not have any more."""
    base = [f"jwt-secret = {SECRET}", "log-level = info"]
    admin = enter("boss", role="admin")
    op, watcher = enter("op", role="operator"), enter("w", role="monitor")
    monitor(watcher, filter="event=relay")
    drone = enter("drone-1", role="drone")
    op.send(type="offer", target="drone-1", sdp="s")
    drone.get("offer")
    equal(watcher.get("events")["events"][0]["event"], "relay")
    write(*base, "rights = operator list", "rights = monitor list,stats",
          "rights = pilot offer>drone", "role-limit = drone message-rate=1 message-burst=2")
    by_admin(admin)
    gone = watcher.get("error")
    equal((gone["code"], gone.get("rid")), ("forbidden", None))
    op.send(type="offer", target="drone-1", sdp="s")
    op.error("forbidden")
    op.send(type="list")
    op.get("clients")
    pilot = enter("p", role="pilot")
    pilot.send(type="offer", target="drone-1", sdp="s")
    drone.get("offer")
    for _ in range(2):
        drone.send(type="ping")
        drone.get("pong")
    drone.send(type="ping")
    drone.error("rate_limited")
    write(*base)
    hang_up()
    op.send(type="offer", target="drone-1", sdp="s")
    drone.get("offer")
    for _ in range(50):
        drone.send(type="ping")
        drone.get("pong")
    watcher.pinged()


def keys(directory, jwtcases):
    """Sessions whose key was taken away end, the others do not notice."""
    with open(jwtcases, encoding="utf-8") as f:
        cases = {c["name"]: c["token"] for c in map(json.loads, f)}
    lines = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
    texts = {kind: cases["valid " + alg] for kind, alg in lines.items()}
    rows = {kind: f"jwt-key = {kind}-1={directory}/{kind}.pem" for kind in lines}
    peers = {}
    for kind, text in texts.items():
        peers[kind] = Peer(headers=bearer(text))
    peers["ec"].register("drone-1")
    write(rows["rsa"], rows["ec"])
    hang_up()
    equal(rest(peers["ed"]), ([], (4503, "token or certificate revoked")))
    unauthorized(Peer(headers=bearer(texts["ed"])))
    peers["ec"].pinged()
    peers["rsa"].send(type="ping")
    peers["rsa"].get("pong")
    write(rows["ed"].replace("ed.pem", "other-ed.pem"), rows["ec"])  # another key of that name
    hang_up()
    equal(rest(peers["rsa"])[1][0], 4503)
    unauthorized(Peer(headers=bearer(texts["ed"])))
    write(*rows.values())
    hang_up()
    Peer(headers=bearer(texts["ed"])).pinged()
    peers["ec"].pinged()


def secret():
    """A new secret, in the configuration and in a file of its own."""
    fresh = "another secret, which is as long as the first"
    old = enter("old")
    write(f"jwt-secret = {fresh}")
    hang_up()
    equal(rest(old), ([], (4503, "token or certificate revoked")))
    unauthorized(Peer(headers=bearer(token())))
    new = enter("new", token("new", secret=fresh))
    with open(os.open("secret", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
        f.write(SECRET + "\n")
    write("jwt-secret-file = secret")
    hang_up()
    equal(rest(new)[1][0], 4503)
    enter("old").pinged()


def own_key():
    """An administrator who takes away what it came with."""
    other = enter("other")
    for i in range(5):
        mine, fresh = ("x" * 40, "y" * 40) if i % 2 else ("y" * 40, "x" * 40)
        write(f"jwt-secret = {mine}")
        hang_up()
        admin = enter("boss", token("boss", secret=mine, role="admin"))
        monitor(admin, filter="event=reload,admin")
        write(f"jwt-secret = {fresh}")
        done = reloads()[0]
        admin.send(type="reload", rid=1)
        equal(rest(admin)[1], (4503, "token or certificate revoked"))
        equal(reloads()[0], done + 1)
    equal(rest(other)[1][0], 4503)


def roles():
    """Where the configuration gives the role it gives another; another audience ends tokens."""
    base = [f"jwt-secret = {SECRET}"]
    write(*base, "default-role = admin")
    hang_up()
    plain, own = enter("plain"), enter("own", role="admin")
    for p in (plain, own):
        p.send(type="stats")
        p.get("stats")
    write(*base, "default-role = drone")
    hang_up()
    plain.send(type="stats")
    plain.error("forbidden")
    own.send(type="list", role="drone")
    equal(own.get("clients")["clients"], ["plain"])
    write(*base, "jwt-audience = sigd")
    hang_up()
    for p in (plain, own):
        equal(rest(p)[1], (4503, "token or certificate revoked"))
    unauthorized(Peer(headers=bearer(token())))
    enter("fits", aud="sigd").bye()


def settings():
    """Log level, heartbeat, address rate, origins: at once and for those who are in."""
    base = [f"jwt-secret = {SECRET}"]
    a, b = enter("a", role="operator"), enter("b", role="operator")
    a.pongs = False

    def call():
        a.send(type="ice", target="b", candidate="c", rid=1)
        equal(a.get("ack")["rid"], 1)
        b.get("ice")

    call()
    equal(log_lines("message forwarded"), [])
    write(*base, "log-level = debug", "heartbeat-interval = 100ms", "allow-origin = https://ok")
    hang_up()
    call()
    until(lambda: len(log_lines("message forwarded")) == 1)
    op, payload = a.frame()
    equal(op, PING)
    a.raw(frame(PONG, payload))
    for origin, status in (("https://ok", 101), ("https://evil", 403)):
        equal(first_line(origin), status)
    write(*base, "log-level = error", "heartbeat-interval = 1h")
    hang_up()
    equal(first_line("https://evil"), 101)
    before = len(log_lines(""))
    call()
    call()
    equal(len(log_lines("")), before)


def first_line(origin):
    w = Wire(dial())
    w.s.sendall(request([f"Origin: {origin}"]))
    return w.response()[0]


BAD = {
    "rights = drone fly": "fly",
    "rights = drone offer>nobody": "nobody",
    "jwt-key = k=missing.pem": "missing.pem",
    "jwt-key = nonsense": "jwt-key",
    "role-limit = nobody message-rate=1": "nobody",
    "role-limit = drone mesage-rate=1": "message-rate",
    "role-limit = drone message-rate=x": "message-rate",
    "unknown-option = 1": "unknown-option",
    "default-role = nobody": "nobody",
    "trusted-proxy = 10.0.0.0/99": "10.0.0.0/99",
    "log-level = loud": "log-level",
    "nonsense": "expected",
    "[section]\nmax-errors = 3": "section",
    "heartbeat-interval = soon": "heartbeat-interval",
    "jwt-secret-file = missing": "there is a jwt-secret too",
    "client-cert = required": "client-ca",
    "tls-cert = a": "tls-key",
    "tls-cert = a\ntls-key = b": "no listener begins with tls:",  # nor could it start so
}


def refusals():
    """Nothing is changed, it is logged, counted, told to monitors and to who asked for it."""
    base = [f"jwt-secret = {SECRET}", "message-rate = 0"]
    write(*base)
    hang_up()
    admin, watch = enter("boss", role="admin"), monitor(enter("m", role="monitor"),
                                                        filter="event=reload")
    drone = enter("drone-1", role="drone")
    for line, word in BAD.items():
        # what stands beside the mistake must not hold either
        write("jwt-secret = " + "q" * 40, "rights = admin none", "message-rate = 1",
              "message-burst = 1", line)
        said = by_admin(admin, fails=1)["details"]
        assert said.startswith("nothing was changed: ") and word in said, (line, said)
        sentence = said.split(": ", 1)[1]
        equal(why_not().replace('\\"', '"'), sentence)
        assert " error " in log_lines("configuration not reloaded")[-1]
        got = events(watch, 1)[0]
        equal((got["event"], got["code"]), ("reload", "internal"))
        assert got["reason"] and sentence.startswith(got["reason"][:60]), (got, sentence)
        hang_up(fails=1)
        events(watch, 1)
        for _ in range(5):
            drone.pinged()
        enter("fresh").bye()
    os.unlink(CONF)
    assert CONF in by_admin(admin, fails=1)["details"]
    write(*base)
    by_admin(admin)


def not_switched_off():
    """Authentication does not go away by itself."""
    for lines in ((), ("log-level = info",), ("# jwt-secret = gone",)):
        write(*lines)
        hang_up(fails=1)
        assert "authentication" in why_not(), why_not()
        p = Peer()
        p.send(type="register", id="a", rid=1)
        unauthorized(p, in_band=True, rid=1)
    enter("drone-1")


def env_file(name):
    """The same for a .env, as a line or as a whole."""
    peer = enter("drone-1")
    with open(name, "w", encoding="ascii") as f:
        f.write("LOG_LEVEL=info\n")
    hang_up(fails=1)
    os.unlink(name)
    hang_up(fails=1)
    peer.pinged()
    p = Peer()
    p.send(type="register", id="a", rid=1)
    unauthorized(p, in_band=True, rid=1)
    with open(name, "w", encoding="ascii") as f:
        f.write(f"JWT_SECRET={SECRET}\nLOG_LEVEL=debug\n")
    hang_up()
    peer.pinged()


def fixed():
    """What needs a restart is said to, and stays."""
    write(f"jwt-secret = {SECRET}", "max-clients = 7", "node = other", "max-message = 2K",
          "listen = 127.0.0.1:1", "allow-anonymous = true", "audit = a.log", "log-level = info")
    hang_up()
    lines = log_lines("option needs a restart")
    equal({re.search(r"name=(\S+)", x)[1] for x in lines},
          {"max-clients", "node", "max-message", "allow-anonymous", "audit"})
    m = metrics()
    equal(m["sigd_max_clients"], 1000)
    assert any('node="sigd"' in name for name in m), m
    p = enter("drone-1")
    p.send(type="ping", pad="x" * 4000)
    p.get("pong")


class Traffic:
    """Pairs that send numbered candidates to each other until they are told to stop."""

    def __init__(self, pairs):
        self.stop = threading.Event()
        self.sent = self.failed = 0
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(pairs)]
        for t in self.threads:
            t.start()

    def run(self, i):
        try:
            a, b = enter(f"a{i}", role="operator"), enter(f"b{i}", role="operator")
            n = 0
            while not self.stop.is_set():
                for x, y, name in ((a, b, f"b{i}"), (b, a, f"a{i}")):
                    x.send(type="ice", target=name, candidate=f"c{n}", rid=n)
                    equal(x.get("ack")["rid"], n)
                    equal(y.get("ice")["candidate"], f"c{n}")
                    n += 1
            self.sent += n
        except BaseException:
            self.failed += 1
            raise

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        equal(self.failed, 0, "pairs that lost a message:")


def many():
    """200 reloads, half of them in vain, under traffic: nothing lost, nothing grows."""
    base = [f"jwt-secret = {SECRET}", "message-rate = 0", "byte-rate = 0"]
    admin = enter("boss", role="admin")
    traffic = Traffic(3)
    marks = []
    try:
        for i in range(200):
            write(*base, *(["rights = drone fly"] if i % 2 else [
                f"rights = r{i} offer>drone", "trusted-proxy = 10.0.0.0/8",
                f"allow-origin = https://{i}", f"max-errors = {20 + i % 3}"]))
            by_admin(admin, fails=i % 2)
            if i % 50 == 49:
                m = metrics()
                marks.append((m["process_open_fds"], m["process_resident_memory_bytes"]))
    finally:
        traffic.end()
    assert traffic.sent > 200, traffic.sent
    fds = [f for f, _ in marks]
    equal(fds, [fds[0]] * len(fds), "file descriptors")
    grown = marks[-1][1] - marks[0][1]
    assert grown <= 512 << 10, f"{grown} bytes more after 150 reloads"


if __name__ == "__main__":
    main({f.__name__: f for f in (rights, keys, secret, own_key, roles, settings, refusals,
                                  not_switched_off, env_file, fixed, many)})
