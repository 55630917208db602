# SPDX-License-Identifier: MIT
# Hundreds of WebSocket peers on one epoll, and what the stress tests measure with: daemons of their
# own, /metrics, CPU time, relay latency.
"""A Swarm turns its loop for as long as a condition does not hold."""

import atexit
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import time

from peer import CLOSE, PING, PONG, TEXT, WAIT, Peer, equal, frame, http, request

SMALL = os.environ.get("E2E_SCALE") == "small"  # a build with sanitizers


def scaled(full, small):
    return small if SMALL else full


def trusting():
    """A client's TLS that takes any certificate: what it proves is tested elsewhere."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    return ctx


class Conn:
    """One peer of a swarm. Its life: dialing, shaking (TLS), asking (HTTP), open, gone."""

    def __init__(self, swarm, where, tls, hello):
        self.swarm, self.hello = swarm, hello
        self.state = "dialing"
        self.buf, self.out = b"", b""
        self.reading = True
        self.texts = self.on_text = None
        self.name = self.status = self.end = self.trouble = None
        self.began = time.monotonic()
        self.opened = self.ended = self.registered = None
        self.s = socket.socket()
        self.s.setblocking(False)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if swarm.receive_buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, swarm.receive_buffer)
        self.s.connect_ex(("127.0.0.1", where))
        self.tls = tls
        self.fd = self.s.fileno()
        swarm.conns[self.fd] = self
        swarm.epoll.register(self.fd, select.EPOLLOUT | select.EPOLLIN)

    def send(self, **members):
        self.say(json.dumps(members))

    def say(self, text):
        self.write(frame(TEXT, text))

    def write(self, data):
        if self.state != "gone":
            self.out += data
            self.flush()

    def flush(self):
        try:
            while self.out:
                self.out = self.out[self.s.send(self.out):]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as e:
            self.over(e)
        self.watch()

    def watch(self):
        if self.state != "gone":
            writes = self.out or self.state == "dialing"
            self.swarm.epoll.modify(self.fd, (select.EPOLLIN if self.reading else 0) |
                                    (select.EPOLLOUT if writes else 0))

    def pause(self, reading=False):
        self.reading = reading
        self.watch()

    def over(self, why=None):
        if self.state != "gone":
            self.state = "gone"
            self.ended = time.monotonic()
            self.trouble = why
            del self.swarm.conns[self.fd]
            self.swarm.epoll.unregister(self.fd)
            self.s.close()

    def ready(self, events):
        try:
            if self.state == "dialing":
                self.dialed()
            if self.state == "shaking":
                self.s.do_handshake()
                self.ask()
            if events & select.EPOLLOUT and self.out:
                self.flush()
            if self.state in ("asking", "open") and self.reading:
                self.read()
        except (BlockingIOError, ssl.SSLWantReadError):
            self.watch()
        except ssl.SSLWantWriteError:
            self.swarm.epoll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)
        except OSError as e:
            self.over(e)

    def dialed(self):
        error = self.s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        self.state = "shaking"
        if not self.tls:
            self.ask()
            return
        self.s = self.tls.wrap_socket(self.s, do_handshake_on_connect=False)
        self.watch()

    def ask(self):
        self.state = "asking"
        self.write(self.hello)

    def read(self):
        while self.state != "gone":
            got = self.s.recv(65536)
            if not got:
                self.over()
                return
            self.buf += got
            self.parse()
            if not self.tls and len(got) < 65536:
                return

    def parse(self):
        if self.state == "asking":
            if b"\r\n\r\n" not in self.buf:
                return
            head, self.buf = self.buf.split(b"\r\n\r\n", 1)
            self.status = int(head.split()[1])
            self.state = "open"
            self.opened = time.monotonic()
            if self.name:
                self.send(type="register", id=self.name)
        if self.status == 101:
            self.frames()

    def frames(self):
        buf, at = self.buf, 0
        while len(buf) - at >= 2:
            n, head = buf[at + 1], 2
            if n == 126:
                n, head = int.from_bytes(buf[at + 2:at + 4], "big"), 4
            elif n == 127:
                n, head = int.from_bytes(buf[at + 2:at + 10], "big"), 10
            if len(buf) - at < head + n:
                break
            self.heard(buf[at] & 15, buf[at + head:at + head + n])
            at += head + n
        self.buf = buf[at:]

    def heard(self, op, payload):
        if op == TEXT:
            if self.registered is None and payload.startswith(b'{"type":"registered"'):
                self.registered = time.monotonic()
            elif self.on_text:
                self.on_text(self, payload)
        elif op == PING:
            self.write(frame(PONG, payload))
        elif op == CLOSE:
            self.end = (int.from_bytes(payload[:2], "big"), payload[2:].decode())
            self.write(frame(CLOSE, payload[:2]))


class Swarm:
    def __init__(self):
        self.epoll = select.epoll()
        self.conns = {}
        self.receive_buffer = 0

    def dial(self, where, name=None, tls=None, hello=None):
        """A peer that upgrades and, given a name, registers; or says hello instead."""
        c = Conn(self, where, tls, request() if hello is None else hello)
        c.name = name
        return c

    def turn(self, seconds):
        for fd, events in self.epoll.poll(seconds):
            c = self.conns.get(fd)
            if c:
                c.ready(events)

    def until(self, condition, wait=3 * WAIT, what="condition"):
        end = time.monotonic() + wait
        while not condition():
            assert time.monotonic() < end, f"never became true: {what}"
            self.turn(0.02)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.turn(min(left, 0.02))

    def register(self, where, names, tls=None):
        """Peers of these names, all dialed at once; back when all are registered."""
        got = [self.dial(where, name, tls) for name in names]
        self.until(lambda: all(c.registered or c.state == "gone" for c in got), what="registered")
        for c in got:
            assert c.registered, (c.name, c.status, c.trouble)
        return got

    def close(self):
        for c in list(self.conns.values()):
            c.over()


# ---------------------------------------------------------------- the daemon, looked at

def metrics(port):
    """All samples of /metrics by their name with labels."""
    status, _, body = http(port, request(path="/metrics", upgrade=False))
    equal(status, 200)
    lines = [line.rsplit(" ", 1) for line in body.decode().splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in lines}


def document(port):
    """Status code and document of /health."""
    status, _, body = http(port, request(path="/health", upgrade=False))
    return status, json.loads(body)


def ready(port):
    return http(port, request(path="/ready", upgrade=False))[0]


def until(condition, wait=WAIT, what="condition"):
    """Looks every 10 ms; gives what the condition gave."""
    end = time.monotonic() + wait
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < end, f"never became true: {what}"
        time.sleep(0.01)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy(pid, seconds, meanwhile=None):
    """The share of a core that a process takes, over a window."""
    cpu, began = cpu_seconds(pid), time.monotonic()
    while time.monotonic() - began < seconds:
        if meanwhile:
            meanwhile()
        time.sleep(0.02)
    return (cpu_seconds(pid) - cpu) / (time.monotonic() - began)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))]


class Pair:
    """Two peers, and how long a message takes from one to the other."""

    def __init__(self, where, prefix):
        self.a, self.b = Peer(where), Peer(where)
        self.a.register(prefix + "-a")
        self.b.register(prefix + "-b")
        self.name = prefix + "-b"

    def latency(self):
        began = time.monotonic()
        self.a.send(type="ice", target=self.name, candidate="c")
        self.b.get("ice")
        return time.monotonic() - began

    def latencies(self, seconds, pause=0.002):
        """Over a window, one after the other with a pause between."""
        got, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            got.append(self.latency())
            time.sleep(pause)
        return got

    def cut(self):
        self.a.cut()
        self.b.cut()


class Daemon:
    """A sigd of its own, in a process whose end is waited for."""

    def __init__(self, name, *options, listen=("127.0.0.1:0",), prepare=None,
                 stderr=None):
        self.port_file = f"{name}.port"
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.err = f"{name}.err"
        args = [os.environ["E2E_SIGD"], "--no-env-file", "--health", "127.0.0.1:0",
                "--port-file", self.port_file, *options]
        for address in listen:
            args += ["-l", address]
        with open(self.err, "ab") as err:
            self.p = subprocess.Popen(args, stdout=subprocess.DEVNULL,
                                      stderr=stderr or err, preexec_fn=prepare)
        atexit.register(self.kill)  # after a failure nobody else does
        until(lambda: os.path.exists(self.port_file) or self.p.poll() is not None,
              what="the port file")
        assert self.p.poll() is None, self.log()
        with open(self.port_file, encoding="ascii") as f:
            self.ports = [int(line) for line in f]
        self.port, self.health = self.ports[0], self.ports[-1]

    def log(self):
        with open(self.err, encoding="utf-8") as f:
            return f.read()

    def signal(self, number):
        self.p.send_signal(number)

    def end(self):
        self.signal(signal.SIGTERM)
        equal(self.p.wait(WAIT), 0, self.log()[-2000:])

    def kill(self):
        self.p.kill()
        self.p.wait(WAIT)


def exited(pidfd, wait):
    """Waits for the end of a process that is not a child; gives the time of it."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(wait * 1000), "still running"
    return time.monotonic()


def report(**figures):
    """Figures for whoever runs the tests by hand: bats shows them for `--show-output-of-passing`."""
    print(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}))
