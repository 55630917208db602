# SPDX-License-Identifier: MIT
# What the cases about tokens, limits and reloads share: HS256 tokens, metrics, the log.

import base64
import hashlib
import hmac
import json
import os
import re
import time

from peer import WAIT, Gone, Peer, equal, health_port, http, request

SECRET = "an e2e secret that has more than 32 bytes"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(who="drone-1", secret=SECRET, life=600, drop=(), **claims):
    """A token of HS256; who is its sub, and claims stand beside it."""
    body = {"sub": who, "exp": time.time() + life, **claims}
    body = {k: v for k, v in body.items() if k not in drop}
    head = {"alg": "HS256", "typ": "JWT"}
    data = ".".join(b64(json.dumps(part).encode()) for part in (head, body))
    mac = hmac.new(secret.encode(), data.encode(), hashlib.sha256).digest()
    return data + "." + b64(mac)


def bearer(text):
    return [f"Authorization: Bearer {text}"]


def enter(who="drone-1", text=None, where=None, headers=(), members=(), **claims):
    """A registered peer with a token of its own in the header."""
    p = Peer(where, headers=[*bearer(text or token(who, **claims)), *headers])
    p.register(who, **dict(members))
    return p


def rest(p):
    """All messages until the close, and (code, reason), or None for a bare end."""
    got = []
    while True:
        try:
            got.append(p.get())
        except Gone:
            return got, p.closed()


def unauthorized(p, in_band=False, rid=None, code="unauthorized"):
    """The connection ends as the original's clients expect it of a refused token."""
    got, end = rest(p)
    equal(end, (1008, "Unauthorized"))
    equal([m["type"] for m in got], ["error"] if in_band else [])
    if in_band:
        equal((got[0]["code"], got[0].get("rid")), (code, rid))
        return got[0]
    return None


def until(condition, what="never became true"):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


def pid():
    return int(os.environ["E2E_PID"])


def log_lines(text):
    with open(os.environ["E2E_ERR"], encoding="utf-8") as f:
        return [line for line in f if text in line]


def metrics():
    """The samples of /metrics by their name with labels."""
    status, headers, body = http(health_port(), request(path="/metrics", upgrade=False))
    equal(status, 200)
    equal(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
    rows = re.findall(r"^([^# ]+) (\S+)$", body.decode(), re.M)
    return {name: float(value) for name, value in rows}


def metric(name):
    return metrics()[name]


def events(p, count):
    """The next count events of a monitor."""
    got = []
    while len(got) < count:
        got += p.get("events")["events"]
    equal(len(got), count, f"events {got}:")
    return got


def monitor(p=None, **members):
    p = p or Peer()
    p.send(type="monitor", rid="m", **members)
    equal(p.get("ack")["rid"], "m")
    return p
