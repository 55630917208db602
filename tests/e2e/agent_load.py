#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Offers at a given rate to the peers of "sigctl agent"; each must be answered exactly once.
"""Callers on one epoll set send offers of 2 KB with a rid on a schedule, each in a session of its
own that ends with a bye, and count what comes back. Prints one line of JSON; exit 1 when an answer
is missing, double, or not followed by its candidates."""

import argparse
import json
import re
import select
import sys
import time
from urllib.parse import urlsplit

from peer import CLOSE, PING, PONG, TEXT, dial, frame, request

KIND = re.compile(rb'"type":"([a-z]+)"')
SESSION = re.compile(rb'"sessionId":"load-(\d+)"')


class Caller:
    def __init__(self, load, name):
        self.load, self.name = load, name
        self.s = dial(load.port)
        self.s.sendall(request())
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.s.recv(4096)
        assert got.startswith(b"HTTP/1.1 101"), got
        self.s.sendall(frame(TEXT, json.dumps({"type": "register", "id": name})))
        self.s.setblocking(False)
        self.buf, self.out = b"", b""
        load.epoll.register(self.s.fileno(), select.EPOLLIN)
        load.callers[self.s.fileno()] = self

    def write(self, data):
        self.out += data
        try:
            self.out = self.out[self.s.send(self.out):]
        except BlockingIOError:
            pass
        wanted = select.EPOLLIN | (select.EPOLLOUT if self.out else 0)
        self.load.epoll.modify(self.s.fileno(), wanted)

    def read(self):
        try:
            got = self.s.recv(1 << 20)
        except BlockingIOError:
            return
        if not got:
            sys.exit(f"{self.name}: the server ended the connection")
        buf, at = self.buf + got, 0
        while len(buf) - at >= 2:
            n, head = buf[at + 1] & 0x7F, 2
            if n == 126:
                n, head = int.from_bytes(buf[at + 2:at + 4], "big"), 4
            elif n == 127:
                n, head = int.from_bytes(buf[at + 2:at + 10], "big"), 10
            if len(buf) - at < head + n:
                break
            self.on_frame(buf[at] & 0x0F, buf[at + head:at + head + n])
            at += head + n
        self.buf = buf[at:]

    def on_frame(self, op, payload):
        if op == PING:
            self.write(frame(PONG, payload))
        elif op == CLOSE:
            sys.exit(f"{self.name}: closed, {payload[2:]!r}")
        elif op == TEXT:
            self.load.on_message(self, payload)


class Load:
    def __init__(self, args):
        self.args, self.port = args, urlsplit(args.url).port
        self.epoll, self.callers = select.epoll(), {}
        self.sent, self.due, self.late = 0, {}, 0.0
        self.seen = dict.fromkeys(("answer", "ice", "ack", "bye", "error", "registered"), 0)
        self.first_error = None
        self.total = args.count or int(args.rate * args.seconds)
        self.answers = bytearray(self.total)
        self.candidates = [0] * self.total
        self.took = []
        sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
        self.sdp = json.dumps(sdp + "a=x:" + "y" * (2048 - len(sdp) - 6) + "\r\n")

    def on_message(self, caller, text):
        kind = KIND.search(text).group(1).decode()
        self.seen[kind] += 1
        if kind == "error" and not self.first_error:
            self.first_error = text.decode()
        if kind not in ("answer", "ice"):
            return
        n = int(SESSION.search(text).group(1))
        if kind == "answer":
            self.answers[n] += 1
            self.took.append(time.monotonic() - self.due[n])
        elif b'"candidate":null' not in text:
            self.candidates[n] += 1
            return
        if kind == "ice" or self.args.ice == 0:
            bye = f'{{"type":"bye","target":"{self.agent(n)}","sessionId":"load-{n}"}}'
            caller.write(frame(TEXT, bye))

    def agent(self, n):
        number = str(n % self.args.agents + 1).zfill(self.args.digits)
        return self.args.agent.replace("%", number, 1)

    def send(self, callers, now):
        n = self.sent
        self.sent += 1
        self.due[n] = now
        callers[n % len(callers)].write(frame(TEXT, (
            f'{{"type":"offer","target":"{self.agent(n)}","sessionId":"load-{n}","rid":{n},'
            f'"sdp":{self.sdp}}}')))

    def turn(self, wait):
        for fd, events in self.epoll.poll(wait):
            if events & select.EPOLLOUT:
                self.callers[fd].write(b"")
            if events & ~select.EPOLLOUT:
                self.callers[fd].read()

    def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self.turn(0.01)
        return condition()

    def settled(self):
        sessions = self.seen["answer"] + self.seen["bye"]
        ends = self.total * self.args.ice + self.total if self.args.ice else 0
        if self.args.faults:
            return self.seen["ack"] >= self.total
        return (sessions >= self.total and self.seen["ice"] >= ends and
                self.seen["ack"] >= self.total)

    def run(self):
        callers = [Caller(self, f"caller-{i}") for i in range(self.args.callers)]
        if not self.until(lambda: self.seen["registered"] == len(callers), 20):
            sys.exit("the callers were not registered")
        start = time.monotonic()
        while self.sent < self.total:
            now = time.monotonic()
            while self.sent < self.total and start + self.sent / self.args.rate <= now:
                self.late = max(self.late, now - start - self.sent / self.args.rate)
                self.send(callers, time.monotonic())
            self.turn(max(0, min(0.005, start + self.sent / self.args.rate - time.monotonic())))
        sending = time.monotonic() - start
        self.until(self.settled, self.args.wait)
        return sending

    def report(self, sending):
        took = sorted(self.took) or [0]
        missing = self.answers.count(0)
        double = sum(n > 1 for n in self.answers)
        short = sum(c != self.args.ice for c, a in zip(self.candidates, self.answers) if a)
        print(json.dumps({
            "offers": self.sent, "rate": round(self.sent / sending), "answers": len(self.took),
            "missing": missing, "double": double, "wrong_candidates": short,
            "byes": self.seen["bye"], "errors": self.seen["error"], "acks": self.seen["ack"],
            "p50_ms": round(took[len(took) // 2] * 1e3, 2),
            "p99_ms": round(took[len(took) * 99 // 100] * 1e3, 2),
            "late_ms": round(self.late * 1e3, 1), "first_error": self.first_error}))
        if self.args.faults:
            return double + self.seen["error"] == 0 and self.seen["ack"] == self.total
        return missing + double + short + self.seen["error"] == 0


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("url")
    p.add_argument("--agent", default="agent-%", help="id of an agent, %% is its number")
    p.add_argument("--digits", type=int, default=0, help="least digits of the number")
    p.add_argument("--agents", type=int, required=True)
    p.add_argument("--callers", type=int, default=20)
    p.add_argument("--rate", type=float, default=200)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--count", type=int, help="offers, instead of rate times seconds")
    p.add_argument("--ice", type=int, default=0, help="candidates that each answer must have")
    p.add_argument("--faults", action="store_true",
                   help="offers may be left unanswered: report once all are acked")
    p.add_argument("--stay", action="store_true", help="keep the connections after the report")
    p.add_argument("--wait", type=float, default=10, help="seconds for the last answers")
    args = p.parse_args()
    load = Load(args)
    good = load.report(load.run())
    sys.stdout.flush()
    while args.stay and good:
        load.turn(None)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
