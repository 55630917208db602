# SPDX-License-Identifier: MIT
# sigd under a service manager that is this program: a real notification socket, a watchdog, and
# listening sockets handed over. Starts sigd itself; the bats file gives its path and options.

import atexit
import os
import re
import select
import signal
import socket
import subprocess
import time

import peer
from peer import Peer, Wire, dial, equal, http, main, request

SIGD = [os.environ["E2E_SIGD"], "--no-env-file"]


class Manager:
    """A notification socket, and one sigd that talks to it."""

    def __init__(self, *options, sockets=(), names=None, watchdog_us=None, pid=None):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.s.bind("\0sigkit-notify-%d" % os.getpid())
        self.s.settimeout(peer.WAIT)
        env = dict(os.environ, NOTIFY_SOCKET="@sigkit-notify-%d" % os.getpid())
        # the shell's pid is that of sigd
        script = 'exec "$@"'
        if sockets:
            env.update(LISTEN_FDS=str(len(sockets)))
            script = f"export LISTEN_PID={pid or '$$'}; {script}"
        if names:
            env["LISTEN_FDNAMES"] = names
        if watchdog_us:
            env["WATCHDOG_USEC"] = str(watchdog_us)
            script = f"export WATCHDOG_PID={pid or '$$'}; {script}"
        for i, sock in enumerate(sockets):
            script = f"exec {i + 3}<&{sock.fileno()}; {script}"
        self.p = subprocess.Popen(["bash", "-c", script, "sh", *SIGD, *options], env=env,
                                  pass_fds=[s.fileno() for s in sockets],
                                  stderr=open("err", "ab"), stdout=open("out", "wb"))
        atexit.register(self.p.kill)

    def hear(self):
        return self.s.recv(4096).decode()

    def expect(self, want):
        """The next state, of those that are not a status or a ping of the watchdog."""
        while True:
            got = self.hear()
            if not re.match(r"^(STATUS=[^\n]*|WATCHDOG=1)$", got):
                assert re.fullmatch(want, got), (got, want)
                return

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        self.expect("STOPPING=1")
        equal(self.p.wait(peer.WAIT), 0)
        self.s.close()


def ports():
    with open("port", encoding="ascii") as f:
        return [int(line) for line in f]


FREE = ("-l", "127.0.0.1:0", "--health", "127.0.0.1:0", "--port-file", "port")


def ready():
    m = Manager(*FREE)
    m.expect("READY=1")
    p = Peer(ports()[0])  # at once: it said so
    p.pinged()
    p.bye()
    with open(f"/proc/{m.p.pid}/cmdline", "rb") as f:
        assert b"sigd" in f.read()
    m.end()


def reload():
    """RELOADING with the time, then READY again; the same when the new configuration is bad."""
    for text in ("log-level = debug\n", "no-such-key = 1\n"):
        with open("sigd.conf", "w", encoding="ascii") as f:
            f.write("log-level = info\n")
        m = Manager(*FREE, "-c", "sigd.conf")
        m.expect("READY=1")
        with open("sigd.conf", "w", encoding="ascii") as f:
            f.write(text)
        m.p.send_signal(signal.SIGHUP)
        m.expect(r"RELOADING=1\nMONOTONIC_USEC=[0-9]+")
        m.expect("READY=1")
        Peer(ports()[0]).pinged()
        m.end()


def watchdog():
    """Pings come within the time asked for, and stop with a loop that stands still."""
    m = Manager(*FREE, watchdog_us=3000000)
    m.expect("READY=1")
    last, pings = time.monotonic(), 0
    while pings < 2:
        if m.hear() == "WATCHDOG=1":
            now = time.monotonic()
            assert now - last < 3, now - last
            last, pings = now, pings + 1
    m.p.send_signal(signal.SIGSTOP)
    while select.select([m.s], [], [], 0)[0]:
        m.s.recv(4096)
    assert not select.select([m.s], [], [], 3)[0], "a stopped daemon pings"
    m.p.send_signal(signal.SIGCONT)
    m.end()


def no_watchdog():
    """One that is meant for another process is not served."""
    m = Manager(*FREE, watchdog_us=50000, pid=1)
    m.expect("READY=1")
    assert not select.select([m.s], [], [], 0.5)[0]
    m.end()


def listening():
    s = socket.create_server(("127.0.0.1", 0), backlog=16)
    return s, s.getsockname()[1]


def activated():
    """Sockets are taken over, and who connected before sigd ran is served."""
    ws, port = listening()
    health, health_port = listening()
    early = Wire(dial(port))
    early.s.sendall(request())
    m = Manager("--port-file", "port", sockets=(ws, health), names="ws:health")
    m.expect("READY=1")
    equal(ports(), [port, health_port])
    equal(early.response()[0], 101)
    early.s.close()
    Peer(port).pinged()
    equal(http(health_port, request(path="/health", upgrade=False))[0], 200)
    m.end()


def restarted():
    """The manager's socket outlives sigd: who connects meanwhile waits for the next one."""
    ws, port = listening()
    for _ in range(2):
        waiting = Wire(dial(port))
        waiting.s.sendall(request())
        m = Manager("--health", "none", sockets=(ws,))
        m.expect("READY=1")
        equal(waiting.response()[0], 101)
        waiting.s.close()
        m.end()


def activated_unix():
    """A unix socket of the manager's is not removed at the end."""
    s = socket.socket(socket.AF_UNIX)
    s.bind("sock")
    s.listen(16)
    m = Manager("--health", "none", sockets=(s,))
    m.expect("READY=1")
    Peer(os.path.abspath("sock")).pinged()
    m.end()
    assert os.path.exists("sock")


def refused():
    """What is no listening stream socket, or not there, is a wrong configuration."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    idle = socket.socket()
    idle.bind(("127.0.0.1", 0))
    for sock in (udp, idle):
        m = Manager("--health", "none", sockets=(sock,))
        assert m.p.wait(peer.WAIT) in (2, 3, 9)
        m.s.close()


main({f.__name__: f for f in (ready, reload, watchdog, no_watchdog, activated, restarted,
                              activated_unix, refused)})
