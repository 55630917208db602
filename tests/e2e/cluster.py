# SPDX-License-Identifier: MIT
"""Several nodes and a real Redis between them: calls across nodes, what happens when Redis or a node
fails, and that all agree again afterwards."""
import os
import signal
import socket
import subprocess
import threading
import time

from peer import Gone, Peer, equal, http, main

SIGD = os.environ["SIGD"]
KEY = b"a key that the nodes of this test share\n"


def until(what, seconds=10.0):
    """Waits for a condition; gives how long it took."""
    begin = time.monotonic()
    while not what():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.005)
    return time.monotonic() - begin


class Redis:
    def __init__(self, *options):
        self.path = os.path.abspath("redis.sock")
        self.options = options
        self.start()

    def start(self):
        self.p = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", self.path, "--save",
                                   "", "--appendonly", "no", *self.options],
                                  stdout=open("redis.log", "a"), stderr=subprocess.STDOUT)
        until(self.answers)

    def answers(self):
        try:
            return self.say("PING").startswith(b"+PONG")
        except OSError:
            return False

    def say(self, *words):
        """One command; the first 64 KiB of its answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.sendall(b"*%d\r\n" % len(words) + b"".join(
                b"$%d\r\n%s\r\n" % (len(w), w) for w in (
                    x if isinstance(x, bytes) else x.encode() for x in words)))
            return s.recv(65536)

    def kill(self):
        self.p.kill()
        self.p.wait()

    def signal(self, number):
        self.p.send_signal(number)


class Node:
    def __init__(self, redis, name, *options):
        self.name = name
        self.command = [SIGD, "--no-env-file", "-l", "127.0.0.1:0", "--health", "127.0.0.1:0",
                        "--node", name, "--redis", f"unix:{redis.path}", "--cluster-key-file", "key",
                        "--port-file", f"port.{name}", *options]
        self.start()

    def start(self):
        if os.path.exists(f"port.{self.name}"):
            os.unlink(f"port.{self.name}")
        self.err = open(f"err.{self.name}", "a")
        self.p = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=self.err)
        until(lambda: os.path.exists(f"port.{self.name}") or self.p.poll() is not None)
        assert self.p.poll() is None, open(f"err.{self.name}").read()
        self.port, self.health = (int(x) for x in open(f"port.{self.name}").read().split())
        # the next life is found at the same place
        self.command = [f"127.0.0.1:{self.port}" if before == "-l" else word
                        for before, word in zip([""] + self.command, self.command)]

    def metric(self, name):
        body = http(self.health, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        for line in (body if isinstance(body, bytes) else body[-1]).decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise KeyError(name)

    def sees(self, nodes):
        return self.metric("sigd_cluster_up") == 1 and self.metric("sigd_cluster_nodes") == nodes

    def kill(self):
        self.p.kill()
        self.p.wait()

    def end(self):
        if self.p.poll() is None:
            self.p.terminate()
            equal(self.p.wait(20), 0, f"{self.name} ends with")
        text = open(f"err.{self.name}").read()
        assert "Sanitizer" not in text and "runtime error" not in text, text[-4000:]


class Fleet:
    """Redis and n nodes that know each other."""

    def __init__(self, n, *options, redis=()):
        with open(os.open("key", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(KEY)
        self.redis = Redis(*redis)
        self.nodes = [Node(self.redis, f"n{i}", *options) for i in range(n)]
        self.meet()

    def meet(self, seconds=10.0):
        n = len(self.nodes) - 1
        return max(until(lambda node=node: node.sees(n), seconds) for node in self.nodes)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                for node in self.nodes:
                    node.end()
        finally:
            for node in self.nodes:
                if node.p.poll() is None:
                    node.p.kill()
                    node.p.wait()
            self.redis.signal(signal.SIGCONT)
            self.redis.kill()

    def join(self, i, name, **members):
        p = Peer(self.nodes[i].port)
        p.register(name, **members)
        return p


def listed(node):
    p = Peer(node.port)
    p.send(type="list")
    got = p.get("clients")["clients"]
    p.bye()
    return got


def agree(fleet, want, seconds=5.0):
    """Every node lists exactly these; gives how long that took."""
    return max(until(lambda node=node: listed(node) == want, seconds) for node in fleet.nodes)


def outcome(p, rid):
    """What a request came to: "ack" or the code of its error. Other messages are passed over."""
    while True:
        m = p.get()
        if m.get("rid") == rid:
            return m["type"] if m["type"] != "error" else m["code"]


def ask(p, target, rid, candidate="c"):
    p.send(type="ice", target=target, candidate=candidate, rid=rid)
    return outcome(p, rid)


# --- cases ---------------------------------------------------------------------------------------

def call():
    with Fleet(3) as f:
        a, b = f.join(0, "a", role="drone"), f.join(1, "b")
        agree(f, ["a", "b"])
        a.send(type="offer", target="b", sdp="v=0", rid=1, extra=[1, 2])
        ack = a.get("ack")
        offer = b.get("offer")
        equal((offer["from"], offer["sdp"], offer["extra"]), ("a", "v=0", [1, 2]))
        equal(offer["sessionId"], ack["sessionId"])
        b.send(type="answer", target="a", sdp="v=1")
        equal(a.get("answer")["sessionId"], ack["sessionId"])
        for i in range(500):
            a.send(type="ice", target="b", candidate=str(i))
        for i in range(500):
            equal(b.get("ice")["candidate"], str(i))
        a.send(type="bye", target="b", rid=2)
        a.get("ack")
        b.get("bye")
        w = Peer(f.nodes[2].port)
        w.send(type="list", detail=True)
        equal({p["id"]: p["node"] for p in w.get("clients")["peers"]}, {"a": "n0", "b": "n1"})
        w.send(type="watch", rid=3)
        w.get("ack")
        c = f.join(1, "c")
        equal((w.get("presence")["event"]), "join")
        w.send(type="kick", target="c", rid=4)
        w.get("ack")
        c.closed(4502)
        equal((w.get("presence")["event"]), "leave")
        again = f.join(2, "a")
        a.closed(4501)
        equal(ask(b, "a", 5), "ack")
        equal(again.get("ice")["from"], "b")
        equal(ask(b, "nobody", 6), "target_not_found")


def watched():
    """A monitor sees what happens on every node, each event once and with its node."""
    with Fleet(2) as f:
        m = Peer(f.nodes[1].port)
        m.send(type="monitor", filter="event=register,relay", rid=1)
        m.get("ack")
        until(lambda: f.nodes[0].metric("sigd_cluster_nodes") == 1)
        a, b = f.join(0, "a"), f.join(1, "b")
        agree(f, ["a", "b"])
        equal(ask(a, "b", 2), "ack")
        equal(ask(b, "a", 3), "ack")
        got = []
        while len(got) < 4:
            got += m.get("events")["events"]
        equal(sorted((e["event"], e.get("id") or e["from"], e["node"]) for e in got),
              [("register", "a", "n0"), ("register", "b", "n1"), ("relay", "a", "n0"),
               ("relay", "b", "n1")])


def local_lives(f, x, y, what):
    """Two clients of one node talk to each other without a delay while `what` goes on."""
    begin = time.monotonic()
    for i in range(50):
        equal(ask(x, "y", f"{what}{i}"), "ack")
        y.get("ice")
    assert time.monotonic() - begin < 0.5, f"50 local messages took {time.monotonic() - begin:.3f} s"


def told(a, seconds=2.5):
    """How long until a sender to another node is told that it cannot be reached."""
    begin, n = time.monotonic(), 0
    while True:
        n += 1
        got = ask(a, "b", f"t{n}")
        if got in ("cluster_unavailable", "route_timeout"):
            return time.monotonic() - begin
        equal(got, "ack")
        assert time.monotonic() - begin < seconds


def outage(fail, heal):
    with Fleet(3) as f:
        a, b = f.join(0, "a"), f.join(1, "b")
        x, y = f.join(0, "x"), f.join(0, "y")
        agree(f, ["a", "b", "x", "y"])
        equal(ask(a, "b", 1), "ack")
        b.get("ice")
        fail(f)
        took = told(a)
        assert took < 2.5, took
        local_lives(f, x, y, "down")
        c = f.join(2, "c")  # joins while nobody else can hear of it
        y.bye()
        heal(f)
        healed = agree(f, ["a", "b", "c", "x"], 5.0)
        until(lambda: ask(a, "b", f"h{time.monotonic()}") == "ack", 5.0)
        equal(ask(c, "b", 9), "ack")
        lag = max(n.metric("sigd_loop_lag_seconds") for n in f.nodes)
        print(f"told after {took:.2f} s, agreed {healed:.2f} s after it healed, lag {lag:.3f} s")
        assert lag < 0.05, lag


def killed():
    outage(lambda f: f.redis.kill(), lambda f: f.redis.start())


def stopped():
    def wait(f):
        f.redis.signal(signal.SIGSTOP)

    def go_on(f):
        end = time.monotonic() + float(os.environ.get("STOPPED_S", "5"))
        until(lambda: time.monotonic() > end, 60)
        f.redis.signal(signal.SIGCONT)
    outage(wait, go_on)


def flushed():
    """Redis keeps nothing of ours."""
    with Fleet(2) as f:
        a, b = f.join(0, "a"), f.join(1, "b")
        agree(f, ["a", "b"])
        f.redis.say("FLUSHALL")
        f.redis.say("CONFIG", "SET", "maxmemory", "1")
        for i in range(100):
            equal(ask(a, "b", i), "ack")
            equal(b.get("ice")["from"], "a")
        assert f.redis.say("DBSIZE").startswith(b":0"), "something is stored"


def forged():
    """Who can publish but has no key says nothing that is heard."""
    with Fleet(2) as f:
        a, b = f.join(0, "a"), f.join(1, "b")
        agree(f, ["a", "b"])
        for i in range(200):
            f.redis.say("PUBLISH", "sigkit:node:n1", os.urandom(i))
            f.redis.say("PUBLISH", "sigkit:all", b"n0" + os.urandom(200))
        refused = sum(f.nodes[1].metric(f'sigd_bus_refused_total{{reason="{r}"}}')
                      for r in ("malformed", "forged", "replayed", "untimely"))
        assert refused >= 400, refused
        equal(ask(a, "b", 1), "ack")
        equal(b.get("ice")["from"], "a")
        agree(f, ["a", "b"])


def deaths():
    """A node is killed again and again under load: each send has an outcome, and the list is right."""
    with Fleet(3) as f:
        a, c = f.join(0, "a"), f.join(2, "c")
        rid = acked = failed = got = 0
        for life in range(int(os.environ.get("DEATHS", "20"))):
            b = f.join(1, "b")
            until(lambda: "b" in listed(f.nodes[0]))
            waits = set()  # answers of different nodes come as they come
            for i in range(60):
                rid += 1
                a.send(type="ice", target="b" if i % 2 else "c", candidate=str(rid), rid=rid)
                waits.add(rid)
                if i == 40:
                    f.nodes[1].kill()
                while waits and (i == 30 or i == 59):
                    m = a.get()
                    if m.get("rid") in waits:
                        waits.remove(m["rid"])
                        acked += m["type"] == "ack"
                        failed += m["type"] == "error"
            try:
                while True:
                    if b.get()["type"] == "ice":
                        got += 1
            except Gone:
                pass
            took = agree_but(f, 1, ["a", "c"])
            assert took < 5.0, took
            f.nodes[1].start()
            f.meet()
        assert acked > rid / 2 and failed > 0, (acked, failed)
        print(f"{rid} sent: {acked} acked, {failed} refused")


def agree_but(fleet, dead, want):
    return max(until(lambda node=node: listed(node) == want, 6.0)
               for i, node in enumerate(fleet.nodes) if i != dead)


class Nginx:
    """The shipped way to balance, without its TLS: by id, or in turn."""

    def __init__(self, nodes, sticky):
        with socket.create_server(("127.0.0.1", 0)) as s:
            self.port = s.getsockname()[1]
        here = os.getcwd()
        servers = "".join(f"server 127.0.0.1:{n.port} max_fails=0;" for n in nodes)
        by = "hash $arg_id consistent;" if sticky else ""
        temp = "".join(f"{x}_temp_path {here}/tmp;" for x in ("client_body", "proxy", "fastcgi",
                                                             "uwsgi", "scgi"))
        with open("nginx.conf", "w") as f:
            f.write(f"""daemon off; pid {here}/nginx.pid; error_log {here}/nginx.log; worker_processes 1;
{"user root;" if os.getuid() == 0 else ""}
events {{ worker_connections 1000; }}
http {{ {temp} access_log off;
upstream sigd {{ {by} {servers} }}
server {{ listen 127.0.0.1:{self.port};
location / {{ proxy_pass http://sigd; proxy_http_version 1.1; proxy_set_header Upgrade websocket;
proxy_set_header Connection upgrade; proxy_set_header Host $host; proxy_connect_timeout 2s;
proxy_set_header X-Forwarded-For $remote_addr; proxy_read_timeout 90s; proxy_buffering off;
proxy_next_upstream error timeout http_503; }} }} }}
""")
        path = os.environ["PATH"] + ":/usr/sbin:/sbin"
        self.p = subprocess.Popen(["nginx", "-e", f"{here}/nginx.log", "-c", f"{here}/nginx.conf"],
                                  env={**os.environ, "PATH": path}, stderr=open("nginx.err", "w"))
        until(self.listens)

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def end(self):
        self.p.terminate()
        self.p.wait()


class Client(threading.Thread):
    """Comes back by itself, wherever it is let in; keeps what it hears."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.port, self.name, self.p = port, name, None
        self.heard, self.answers, self.lives, self.over = [], {}, 0, False
        self.start()

    def run(self):
        while not self.over:
            try:
                p = Peer(self.port, path=f"/?id={self.name}")
                p.register(self.name)
                self.lives += 1
                self.p = p
                while True:
                    m = p.get()
                    if m["type"] == "ice":
                        self.heard.append(int(m["candidate"]))
                    elif "rid" in m:
                        self.answers[m["rid"]] = m["type"]
            except (Gone, OSError, AssertionError):
                self.p = None
                time.sleep(0.02)

    def send(self, target, n):
        p = self.p
        if p:
            try:
                p.send(type="ice", target=target, candidate=str(n), rid=n)
            except OSError:
                pass


def rolling(sticky):
    """The nodes are ended and begun again one after the other: all clients come back by themselves,
    and what was acked is heard, once and in order."""
    with Fleet(3, "--reconnect-window", "200ms", "--trusted-proxy", "127.0.0.1/32",
               "--allow-anonymous") as f:
        nginx = Nginx(f.nodes, sticky == "sticky")
        senders = [Client(nginx.port, f"s{i}") for i in range(6)]
        hearers = [Client(nginx.port, f"h{i}") for i in range(6)]
        everybody = sorted(c.name for c in senders + hearers)
        agree(f, everybody)
        stop, sent = threading.Event(), [0]

        def load():
            while not stop.wait(0.002):
                sent[0] += 1
                senders[sent[0] % 6].send(f"h{sent[0] % 6}", sent[0])
        loader = threading.Thread(target=load)
        loader.start()
        for node in f.nodes:
            before = sent[0]
            until(lambda: sent[0] > before + 200)
            node.end()
            node.start()
            f.meet()
            took = agree(f, everybody, 10.0)
            print(f"{node.name} again, all are there {took:.2f} s after the nodes met")
        before = sent[0]
        until(lambda: sent[0] > before + 200)
        stop.set()
        loader.join()
        until(lambda: all(c.answers.get(sent[0] - i) for i in range(6)
                          for c in [senders[(sent[0] - i) % 6]]))
        acked = {n for c in senders for n, t in c.answers.items() if t == "ack"}
        heard = [n for c in hearers for n in c.heard]
        until(lambda: acked <= {n for c in hearers for n in c.heard})
        equal(len(heard), len(set(heard)), "heard twice:")
        for c in hearers:
            equal(c.heard, sorted(c.heard), f"{c.name} heard in order:")
        print(f"{sent[0]} sent, {len(acked)} acked, {sum(c.lives for c in senders + hearers)} lives")
        assert len(acked) > sent[0] / 2
        for c in senders + hearers:
            c.over = True
        nginx.end()


if __name__ == "__main__":
    main({f.__name__: f for f in (call, watched, killed, stopped, flushed, forged, deaths,
                                 rolling)})
