# SPDX-License-Identifier: MIT
# Peers that come through a proxy over TLS, which must look to them as sigd itself does.

import itertools
import json
import os
import socket
import ssl
import time

import peer
from peer import PING, PONG, Bystanders, Gone, Peer, Wire, equal, frame, main

PROXY = int(os.environ["E2E_PORT"])
TLS = ssl.create_default_context(cafile=os.environ["E2E_CA"])
source = "127.0.0.1"
plain_dial, plain_request = peer.dial, peer.request


def dial(where=None):
    """To the proxy over TLS, and from the address in `source`; elsewhere as ever."""
    if where is not None:
        return plain_dial(where)
    s = socket.create_connection(("127.0.0.1", PROXY), peer.WAIT, (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return TLS.wrap_socket(s, server_hostname="127.0.0.1")


def request(*args, **kwargs):
    """With the port in the Host, as clients name one that is not 443."""
    host = f"Host: 127.0.0.1:{PROXY}".encode()
    return plain_request(*args, **kwargs).replace(b"Host: 127.0.0.1", host, 1)


peer.dial, peer.request = dial, request


def endpoint(text):
    host, port = text.split(":")
    return host, int(port)


def health():
    """Connections of each node."""
    counts = []
    for node in os.environ["E2E_NODES"].split():
        _, _, body = peer.http(endpoint(node), plain_request(path="/health", upgrade=False))
        counts.append(json.loads(body)["connections"])
    return counts


def node_of(path="/"):
    """Opens a connection through the proxy: the connection, and the number of its node."""
    before = health()
    p = Peer(path=path)
    grown = [after - was for after, was in zip(health(), before)]
    equal(sorted(grown)[-1:] + sorted(grown)[:-1], [1] + [0] * (len(grown) - 1), "one node:")
    return p, grown.index(1)


def ask(path="/", upgrade=True, method="GET", headers=(), body=b""):
    """One request: status and headers."""
    w = Wire(dial())
    w.s.sendall(request(headers, method, path, upgrade) + body)
    status, got, _ = w.response()
    w.s.close()
    return status, got


def alone():
    Bystanders().alone()


def big():
    """64 KiB pass byte for byte; one byte more is refused by sigd and not by the proxy."""
    a, b = Peer(), Peer()
    a.register("a")
    b.register("b")
    text = '{"type":"offer","target":"b","rid":1,"sdp":"%s"}'
    sdp = "s" * (65536 - len(text % ""))
    a.say(text % sdp)
    a.get("ack")
    equal(b.get("offer")["sdp"], sdp)
    a.say(text % (sdp + "s"))
    a.error("too_large")
    a.closed(1009)


def idle(limit):
    """A silent client outlives the proxy's time-out (limit, in seconds) thanks to the pings."""
    p = Peer()
    p.register("silent")
    start, pings = time.monotonic(), 0
    while time.monotonic() - start < 2.5 * float(limit):
        op, payload = p.frame()
        equal(op, PING)
        p.raw(frame(PONG, payload))
        pings += 1
    assert pings > 2, pings
    p.pinged()


def cut():
    """Without pings the proxy gives a silent client up."""
    p = Peer()
    p.register("silent")
    try:
        op, payload = p.frame()
    except Gone:
        return
    raise AssertionError(f"frame {op}: {payload!r}")


def outlive():
    """Its server or the proxy goes away: told at once, and served again when it comes back."""
    p = Peer()
    p.register("survivor")
    open("connected", "w").close()
    try:
        p.hear()
    except Gone:
        open("gone", "w").close()
    end = time.monotonic() + peer.WAIT
    while True:
        try:
            p = Peer()
            break
        except (OSError, Gone, AssertionError):
            if time.monotonic() > end:
                raise
    p.register("survivor")
    p.pinged()


def sticky():
    """All connections of one address go to one node, those of many to both."""
    global source
    held = [node_of() for _ in range(8)]
    equal(len({node for _, node in held}), 1, "nodes of one address:")
    nodes = {}
    for host in range(2, 26):
        source = f"127.0.0.{host}"
        first, nodes[host] = node_of()
        second, again = node_of()
        equal(again, nodes[host], source)
        first.cut()
        second.cut()
        wait_until(lambda: sum(health()) == len(held))
    equal(set(nodes.values()), {0, 1}, "nodes of 24 addresses:")


def sticky_by_id():
    """With an id in the URL the address does not matter."""
    global source
    nodes = {}
    wait_until(lambda: sum(health()) == 0)
    for i, host in itertools.product(range(20), (1, 2)):
        source = f"127.0.0.{host}"
        p, node = node_of(f"/?id=drone-{i}")
        equal(nodes.setdefault(i, node), node, f"drone-{i}")
        p.cut()
        wait_until(lambda: sum(health()) == 0)
    equal(set(nodes.values()), {0, 1}, "nodes of 20 ids:")


def wait_until(condition):
    end = time.monotonic() + peer.WAIT
    while not condition():
        assert time.monotonic() < end, "never became true"


def not_local():
    """The proxy is on this machine, its clients are not."""
    p = Peer()
    p.send(type="monitor", rid=1)
    p.error("forbidden")


def exposed():
    for path in ("/health", "/ready", "/metrics", "/health/", "/metrics/x", "/health?x=1"):
        equal(ask(path, upgrade=False)[0], 404, path)
    equal(ask("/", upgrade=False)[0], 426)
    equal(ask("/", upgrade=False, headers=["Upgrade: h2c", "Connection: Upgrade"])[0], 426)
    for upgrade in (True, False):
        status, _ = ask("/", upgrade, "POST", ["Content-Length: 5000"], b"x" * 5000)
        assert status in (403, 413, 426), status


def harmless():
    """Whatever a client sends, the next one is served at once."""
    odd = [
        request(["Content-Length: 5000"]) + b"x" * 5000,
        request(["Transfer-Encoding: chunked"]) + b"zz\r\nnonsense\r\n",
        request(["Transfer-Encoding: chunked"]) + b"5\r\nhello\r\n0\r\n\r\n",
        request(key="short"),
        request(["Sec-WebSocket-Protocol: chat"]),
        request(upgrade=False, headers=["Upgrade: websocket"]),
        request(upgrade=False, headers=["Upgrade: websocket", "Connection: Upgrade"]),
        request(["Upgrade: h2c"]),
        request(path="/%00%ff/../../x"),
        request(["Cookie: " + "c" * 6000]),
        request([f"X-{i}: {'x' * 3000}" for i in range(4)]),
        request([f"X-{i}: y" for i in range(400)]),
        request([f"X-{i}: {'x' * 4000}" for i in range(12)]),
        request(path="/?" + "x" * 6500, headers=["Filler: " + "x" * 6500]),
        request(path="/?" + "x" * 20000),
    ]
    for data in odd * 2:
        w = Wire(dial())
        w.s.sendall(data)
        status, _, _ = w.response()
        assert status == 101 or 400 <= status < 600, data[:200]
        w.s.close()
        start = time.monotonic()
        p = Peer()
        p.pinged()
        p.cut()
        assert time.monotonic() - start < 2, data[:200]


def full():
    """One client too many: sigd's own answer, with the time to come back."""
    p = Peer()
    p.register("only")
    status, headers = ask()
    equal(status, 503)
    assert int(headers["retry-after"]) > 0, headers
    p.pinged()


def flood(burst):
    """More connections at once than the proxy lets one address open."""
    got = [ask()[0] for _ in range(int(burst) + 60)]
    equal(set(got), {101, 429})
    assert got[:50] == [101] * 50, got


def crowd(most):
    """More connections open at a time than the proxy lets one address have."""
    held = [Peer() for _ in range(int(most))]
    equal(ask()[0], 429)
    held[0].pinged()
    held[-1].pinged()


def secret(word, *want):
    """The word as a token, in each place where a client may put one."""
    for path, headers in ((f"/?token={word}", ()), (f"/?id=a&token={word}", ()),
                          ("/", [f"Authorization: Bearer {word}"]),
                          ("/", [f"Referer: https://x/?token={word}"]),
                          (f"/health?token={word}", ())):
        status, _ = ask(path, headers=headers)
        assert str(status) in (*want, "404"), (path, status)
    # too much for either proxy: refused before it is forwarded
    s = dial()
    s.sendall(request([f"X-{i}: {word}{'x' * 4000}" for i in range(12)], path=f"/?token={word}"))
    while s.recv(65536):
        pass


def address(host, *claims):
    """Connects from host and claims to be somebody else."""
    global source
    source = host
    p = Peer(headers=[f"X-Forwarded-For: {claim}" for claim in claims])
    p.register("claimant")


def direct(node, *claims):
    """Passes by the proxy."""
    p = Peer(endpoint(node), headers=[f"X-Forwarded-For: {claim}" for claim in claims])
    p.register("claimant")


main({f.__name__: f for f in (alone, big, idle, cut, outlive, sticky, sticky_by_id, not_local,
                              exposed, harmless, full, flood, crowd, secret, address, direct)})
