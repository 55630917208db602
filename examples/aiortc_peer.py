#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# A peer in Python: answers calls and sends back what it is told, or calls somebody.
"""Needs Debian's python3-aiortc and python3-websockets. The messages are those of sig-protocol(7)."""

import argparse
import asyncio
import json
import os
import sys

import websockets
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from aiortc.sdp import candidate_from_sdp

CANDIDATES_WAIT = 5  # seconds for the end of the other side's candidates, which not everybody tells


def echo(call, channel):
    """Every message goes back."""
    channel.on("message", lambda text: (print(f"{call.target}: {text}"), channel.send(text)))


class Call:
    """An RTCPeerConnection with the client target. aiortc (1.4) knows no trickle ICE: it fails when
    it starts without candidates. So a description waits here until all of them are known."""

    def __init__(self, peer, target, session=None):
        self.peer, self.target, self.session = peer, target, session
        self.candidates, self.complete, self.over = [], asyncio.Event(), asyncio.Event()
        self.pc = RTCPeerConnection(RTCConfiguration(peer.ice_servers))
        self.pc.on("datachannel", lambda channel: peer.on_channel(self, channel))
        self.pc.on("track", self.on_track)
        self.pc.on("connectionstatechange", self.on_state)

    def on_track(self, track):
        sink = MediaBlackhole()
        sink.addTrack(track)
        self.peer.spawn(sink.start())

    async def on_state(self):
        if self.over.is_set():
            return
        print(f"{self.target}: {self.pc.connectionState}")
        if self.pc.connectionState == "failed":
            await self.hang_up("ice-failed")

    async def tell(self, kind, **members):
        if self.session:
            members["sessionId"] = self.session
        await self.peer.send(type=kind, target=self.target, **members)

    async def describe(self, description):
        """Sends our description, which has all our candidates, and says that these are all."""
        await self.pc.setLocalDescription(description)
        await self.tell(description.type, sdp=self.pc.localDescription.sdp)
        await self.tell("ice", candidate=None)

    async def offer(self):
        await self.describe(await self.pc.createOffer())

    def on_candidate(self, candidate):
        text = candidate["candidate"] if isinstance(candidate, dict) else candidate
        if not text:
            self.complete.set()
            return
        parsed = candidate_from_sdp(text.partition(":")[2])
        parsed.sdpMid = candidate.get("sdpMid")
        parsed.sdpMLineIndex = candidate.get("sdpMLineIndex")
        self.candidates.append(parsed)

    async def on_description(self, kind, sdp):
        if "a=end-of-candidates" not in sdp:
            try:
                await asyncio.wait_for(self.complete.wait(), CANDIDATES_WAIT)
            except asyncio.TimeoutError:
                pass  # with those that have come
        if kind == "answer":  # starts ICE, so the candidates go first
            await self.add_candidates()
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        if kind == "offer":
            await self.add_candidates()
            await self.describe(await self.pc.createAnswer())

    async def add_candidates(self):
        for candidate in self.candidates:
            await self.pc.addIceCandidate(candidate)
        self.candidates.clear()
        self.complete.clear()

    async def hang_up(self, reason="hangup"):
        if self.peer.forget(self):
            await self.tell("bye", reason=reason)
            await self.pc.close()

    async def on_bye(self, reason):
        if self.peer.forget(self):
            print(f"{self.target}: over, {reason}")
            await self.pc.close()


class Peer:
    """A client that is registered, and its calls, one for each other client. on_channel(call,
    channel) is told of the data channels of calls that come."""

    def __init__(self, ws, on_channel=echo):
        self.ws, self.on_channel = ws, on_channel
        self.calls, self.tasks, self.ice_servers = {}, set(), []

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.done)

    def done(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and task.exception():
            print(f"failed: {task.exception()!r}", file=sys.stderr)

    async def send(self, **message):
        await self.ws.send(json.dumps(message))

    async def register(self, name, token=None):
        await self.send(type="register", id=name, **({"token": token} if token else {}))
        answer = json.loads(await self.ws.recv())
        if answer["type"] != "registered":
            raise SystemExit(f"not registered: {answer['message']}: {answer.get('details', '')}")
        self.ice_servers = [
            RTCIceServer(s["urls"], s.get("username"), s.get("credential"))
            for s in answer.get("iceServers", [])
        ]

    async def run(self):
        """Until the connection ends."""
        async for text in self.ws:
            message = json.loads(text)
            if message["type"] in ("offer", "answer", "ice", "bye"):
                self.relayed(message)
            elif message["type"] == "error":
                print(f"{message['message']}: {message.get('details', '')}", file=sys.stderr)
                call = self.calls.get(message.get("target"))
                if call and not call.session:
                    self.drop(call)  # the call did not come about

    def relayed(self, message):
        kind, sender, session = message["type"], message["from"], message.get("sessionId")
        call = self.calls.get(sender)
        if call and not call.session:
            call.session = session
        if kind == "offer":
            if call and call.session == session and call.pc.signalingState != "stable":
                if not message["polite"]:
                    return  # both offered, and ours counts
                self.drop(call)
                call = None
            elif call and call.session != session:
                self.drop(call)  # it calls anew
                call = None
            call = call or self.add(Call(self, sender, session))
        elif not call or call.session != session:
            return  # of a call that is over
        if kind == "ice":
            call.on_candidate(message["candidate"])
        elif kind == "bye":
            self.spawn(call.on_bye(message["reason"]))
        else:
            self.spawn(call.on_description(kind, message["sdp"]))

    def add(self, call):
        self.calls[call.target] = call
        return call

    def forget(self, call):
        """True when it was still ours."""
        if self.calls.get(call.target) is not call:
            return False
        del self.calls[call.target]
        call.over.set()
        return True

    def drop(self, call):
        self.forget(call)
        self.spawn(call.pc.close())

    async def call(self, target):
        """Calls; gives the call and its data channel, which opens later."""
        call = self.add(Call(self, target))
        channel = call.pc.createDataChannel("chat")
        await call.offer()
        return call, channel

    async def close(self):
        for call in list(self.calls.values()):
            await call.hang_up()
        await self.ws.close()


async def type_lines(call, channel):
    """Each line of standard input is a message; its end hangs up."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        channel.send(line.decode().rstrip("\n"))
    await call.hang_up()


async def converse(peer, target):
    """Calls; false when nobody took part in it."""
    call, channel = await peer.call(target)
    channel.on("open", lambda: peer.spawn(type_lines(call, channel)))
    channel.on("message", lambda text: print(f"{target}: {text}"))
    await call.over.wait()
    return call.session is not None


async def main(args):
    async with websockets.connect(args.url) as ws:
        peer = Peer(ws)
        await peer.register(args.id, os.environ.get("SIGD_TOKEN"))
        print(f"registered as {args.id}")
        running = asyncio.ensure_future(peer.run())
        try:
            if not args.call:
                await running
            elif not await converse(peer, args.call):
                return 1
        finally:
            await peer.close()
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="a peer that echoes; SIGD_TOKEN may hold a token")
    parser.add_argument("--url", default="ws://localhost:8081", help="sigd [%(default)s]")
    parser.add_argument("--id", default="python-1", help="who to be [%(default)s]")
    parser.add_argument("--call", metavar="ID", help="call this one, and send it what is typed")
    try:
        sys.exit(asyncio.run(main(parser.parse_args())))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"aiortc_peer: {error}")
