# SPDX-License-Identifier: MIT
# A peer of aiortc, that of examples/, which exchanges numbered messages with one peer.
"""call.py WHO answer|TARGET [bye]: answers a call, or calls TARGET; each side sends COUNT messages and,
when it has heard those of the other, one that says so. With bye it hangs up after that one; else it
waits until the other side does. Prints the session's id."""

import asyncio
import os
import sys
from pathlib import Path

import aioice.ice
import websockets

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from aiortc_peer import Peer  # noqa: E402

WAIT = 20
COUNT = int(os.environ.get("E2E_COUNT", "100"))


class Party:
    """What a side hears and says over its channel."""

    def __init__(self, name):
        self.name, self.heard, self.call = name, [], None
        self.all, self.done = asyncio.Event(), asyncio.Event()

    def use(self, call, channel):
        self.call = call
        channel.on("message", lambda text: self.hear(channel, text))
        if channel.readyState == "open":
            self.say(channel)
        else:
            channel.on("open", lambda: self.say(channel))

    def say(self, channel):
        for i in range(COUNT):
            channel.send(f"{self.name} {i}")

    def hear(self, channel, text):
        self.heard.append(text)
        if len(self.heard) == COUNT:
            channel.send(f"{self.name} done")
            self.all.set()
        elif len(self.heard) > COUNT:
            self.done.set()


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


async def main(name, what, bye=None):
    party = Party(name)
    async with websockets.connect(f"ws://127.0.0.1:{os.environ['E2E_PORT']}") as ws:
        peer = Peer(ws, party.use)
        await peer.register(name)
        peer.spawn(peer.run())
        if what != "answer":
            party.use(*await peer.call(what))
        await party.all.wait()
        other = party.call.target
        assert party.heard[:COUNT] == [f"{other} {i}" for i in range(COUNT)], party.heard
        if bye:
            await party.done.wait()
            await party.call.hang_up()
        else:
            await until(lambda: not peer.calls)
        print(party.call.session)
        await peer.close()


# Only loopback, which aioice leaves out.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), WAIT))
