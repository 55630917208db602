# SPDX-License-Identifier: MIT
# TLS peers, good and bad ones.

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

from peer import (TEXT, WAIT, Bystanders, Gone, Peer, Wire, dial, equal, frame, health_port,
                  http, main, request)

CERTS = os.environ["E2E_CERTS"]
GARBAGE = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 500,
           b"\x16\x03\x01\x00\x04\xff\xff\xff\xff", b"\x15\x03\x01\x00\x02\x02\x00", b"\x80\x2e\x01")


def tls_port():
    return int(os.environ["E2E_TLS"])


def context(name=None, ca="ca"):
    """Trusts the authority; shows the certificate of that client."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.load_verify_locations(f"{CERTS}/{ca}.pem")
    if name:
        ctx.set_ciphers("DEFAULT:@SECLEVEL=0")  # or it would not even load the bad ones
        ctx.load_cert_chain(f"{CERTS}/client-{name}.pem", f"{CERTS}/client-{name}.key")
    return ctx


def shake(ctx, where=None):
    """A socket whose handshake is done, as far as the client can tell."""
    return ctx.wrap_socket(dial(where or tls_port()), server_hostname="localhost")


class TlsPeer(Peer):
    def __init__(self, ctx=None, where=None):
        Wire.__init__(self, shake(ctx or context(), where))
        self.pongs = True
        self.s.sendall(request())
        status, self.headers, _ = self.response()
        equal(status, 101, "upgrade")

    def more(self):
        try:
            super().more()
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as e:
            raise Gone(str(e)) from e

    def raw(self, data):
        try:
            super().raw(data)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass


def refused(ctx):
    """The handshake fails, or with TLS 1.3 the first read behind it. Gives the server's alert."""
    try:
        s = shake(ctx)
        s.sendall(request())
        got = s.recv(100)
    except ssl.SSLError as e:
        return e.reason
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    raise AssertionError(f"let in: {got!r}")


def connections():
    return json.loads(http(health_port(), request(path="/health", upgrade=False))[2])["connections"]


def until(condition, what):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def versions():
    """What is offered is what is wanted, and nothing else."""
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        ctx = context()
        ctx.minimum_version = ctx.maximum_version = version
        ctx.set_alpn_protocols(["h2", "http/1.1"])
        p = TlsPeer(ctx)
        equal((p.s.version(), p.s.selected_alpn_protocol()), (name, "http/1.1"))
        equal(p.s.session_reused, False)
        again = ctx.wrap_socket(dial(tls_port()), server_hostname="localhost", session=p.s.session)
        equal(again.session_reused, False, name)
        p.register(name)
        p.bye()
    warnings.simplefilter("ignore", DeprecationWarning)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        ctx = context()
        ctx.set_ciphers("ALL:@SECLEVEL=0")
        ctx.minimum_version = ctx.maximum_version = version
        equal(refused(ctx), "TLSV1_ALERT_PROTOCOL_VERSION")
    for weak in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256",
                 "DHE-RSA-AES128-GCM-SHA256"):
        ctx = context()
        ctx.maximum_version = ssl.TLSVersion.TLSv1_2
        ctx.set_ciphers(weak + ":@SECLEVEL=0")
        equal(refused(ctx), "SSLV3_ALERT_HANDSHAKE_FAILURE", weak)
    ctx = context()
    ctx.set_alpn_protocols(["h2"])
    refused(ctx)
    try:  # what is not TLS is not answered as if it were
        got = http(tls_port(), request())
    except (Gone, AssertionError):
        pass
    else:
        raise AssertionError(f"plain HTTP was answered: {got}")


def large():
    """The largest messages both ways, whole, in fragments and cut anywhere: the same bytes."""
    a, b = TlsPeer(), TlsPeer()
    a.register("a")
    b.register("b")
    text = "".join(chr(33 + i * 7 % 90) if i * 7 % 90 not in (1, 59) else "_" for i in range(65000))
    for sender, receiver, name in ((a, b, "b"), (b, a, "a"), (a, b, "b")):
        offer = json.dumps({"type": "offer", "target": name, "sdp": text, "sessionId": "s"})
        sender.say(offer)
        equal(receiver.get("offer")["sdp"], text)
        third = len(offer) // 3
        sender.raw(frame(TEXT, offer[:third], fin=False) + frame(0, offer[third:2 * third], fin=False))
        sender.raw(frame(0, offer[2 * third:]))
        equal(receiver.get("offer")["sdp"], text)
        whole = frame(TEXT, offer)
        for size in (16384, 3072, 3071, 4096, 1021):  # TLS records that end anywhere
            for at in range(0, len(whole), size):
                sender.raw(whole[at:at + size])
            equal(receiver.get("offer")["sdp"], text)
    a.bye()
    b.bye()


def pipelined():
    """Many small messages in few records: none is left behind in a buffer."""
    a, b = TlsPeer(), TlsPeer()
    a.register("a")
    b.register("b")
    for burst in (1, 2, 10, 100, 240) * 8:
        a.raw(b"".join(frame(TEXT, json.dumps({"type": "ice", "target": "b", "rid": i,
                                               "candidate": str(i)})) for i in range(burst)))
        for i in range(burst):
            equal(b.get("ice")["candidate"], str(i))
            equal(a.get("ack")["rid"], i)
    a.bye()
    b.bye()


def slow():
    """--send-queue 8M --send-queue-messages 1000: a reader that pauses gets every byte."""
    a, b = TlsPeer(), TlsPeer()
    a.register("a")
    b.register("b")
    for i in range(100):
        a.send(type="ice", target="b", candidate=f"{i} " * 12000, rid=i)
        equal(a.get("ack")["rid"], i)
    for i in range(100):
        equal(b.get("ice")["candidate"], f"{i} " * 12000)
    a.bye()
    b.bye()


def beside():
    """Plain and TLS listeners, of one server: the ways of the one are closed on the other."""
    plain, secure = Peer(), TlsPeer()
    plain.register("plain")
    secure.register("secure")
    plain.send(type="ice", target="secure", candidate="1")
    equal(secure.get("ice")["from"], "plain")
    secure.send(type="ice", target="plain", candidate="2")
    equal(plain.get("ice")["from"], "secure")
    try:
        shake(context(), int(os.environ["E2E_PORT"]))
    except (ssl.SSLError, ConnectionResetError):
        pass
    else:
        raise AssertionError("TLS on the plain listener")
    plain.bye()
    secure.bye()


def unix(path):
    p = TlsPeer(where=path)
    p.register("u")
    p.bye()


def accepted(name):
    p = TlsPeer(context(name))
    p.register(name)
    p.bye()


def nobody():
    """Without a certificate there is a connection, but no authority."""
    p = TlsPeer()
    p.send(type="register", id="nobody")
    p.error("unauthorized")
    p.closed(1008)


def denied(name):
    """That certificate is refused, with both versions; "-" is none."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        ctx = context(name if name != "-" else None)
        ctx.minimum_version = ctx.maximum_version = version
        refused(ctx)
    until(lambda: connections() == 0, "connections are left")


def stalled():
    """--max-clients 2000: a thousand handshakes that go nowhere."""
    by = Bystanders()
    begin = time.monotonic()
    idle = []
    for i in range(1000):
        s = dial(tls_port())
        if i % 2:
            s.sendall(GARBAGE[0])  # the beginning of a hello
        idle.append(s)
    for _ in range(5):
        start = time.monotonic()
        p = TlsPeer()
        p.register("newcomer")
        assert time.monotonic() - start < 1, "newcomers wait"
        p.bye()
    by.served()
    for s in idle:
        equal(s.recv(1), b"", "a stalled one")
        s.close()
    assert 9 < time.monotonic() - begin < 15, time.monotonic() - begin
    by.served()


def garbage():
    """First bytes that are no hello, there before the connection is accepted and after."""
    pid = int(os.environ["E2E_PID"])
    for _ in range(5):
        os.kill(pid, signal.SIGSTOP)
        early = []
        for i in range(60):
            s = dial(tls_port())
            s.sendall(GARBAGE[i % len(GARBAGE)])
            if i % 5 == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                s.close()
            elif i % 5 == 1:
                s.shutdown(socket.SHUT_WR)
            early.append(s)
        os.kill(pid, signal.SIGCONT)
        for bytes_ in GARBAGE:
            s = dial(tls_port())
            s.sendall(bytes_)
            early.append(s)
        p = TlsPeer()
        p.register("in-between")
        p.bye()
        for s in early:
            s.close()
    until(lambda: connections() == 0, "connections are left")


class Listener(threading.Thread):
    """A client that stays until the server closes."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.peer = TlsPeer()
        self.peer.register(name)
        self.end = None

    def run(self):
        self.end = self.peer.closed()


def stopped():
    """The daemon ends: each client is told, and some never finished their handshakes."""
    half = [dial(tls_port()) for _ in range(10)]
    for s in half:
        s.sendall(GARBAGE[0])
    all_ = [Listener(f"c{i}") for i in range(50)]
    for one in all_:
        one.start()
    os.kill(int(os.environ["E2E_PID"]), signal.SIGTERM)
    for one in all_:
        one.join(WAIT)
        equal(one.end and one.end[0], 1001)
    for s in half:
        equal(s.recv(1), b"")


def exchanged():
    """SIGHUP with a certificate of another authority: who is in stays in, newcomers see the new."""
    p = TlsPeer()
    p.register("old")
    for name in ("server.pem", "server.key"):
        os.replace(f"{CERTS}/new-{name}", f"{CERTS}/{name}")
    os.kill(int(os.environ["E2E_PID"]), signal.SIGHUP)
    new = context(ca="new-ca")

    def is_new():
        try:
            shake(new).close()
            return True
        except ssl.SSLCertVerificationError:
            return False
    until(is_new, "the old certificate is still shown")
    q = TlsPeer(new)
    q.register("new")
    q.send(type="ice", target="old", candidate="1")
    equal(p.get("ice")["from"], "new")
    p.bye()
    q.bye()


def revoked(command):
    """SIGHUP with a list that names one of two clients: only that one is out, also where it had
    shaken hands before and asks for the upgrade later."""
    stays, gone = TlsPeer(context("drone-1")), TlsPeer(context("gone"))
    early = shake(context("gone"))
    stays.register("drone-1")
    gone.register("gone")
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
    os.kill(int(os.environ["E2E_PID"]), signal.SIGHUP)
    gone.closed(4503)
    late = Wire(early)
    late.s.sendall(request())
    equal(late.response()[0], 101)
    until(lambda: late.s.recv(100)[:4] == b"\x88\x0e\x03\xf0", "let in")  # 1008 Unauthorized
    stays.pinged()
    stays.bye()


main({f.__name__: f for f in (versions, large, pipelined, slow, beside, unix, accepted, nobody,
                              denied, stalled, garbage, stopped, exchanged, revoked)})
