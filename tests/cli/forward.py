#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""forward.py PORT PORTFILE: a wire to a server on loopback that SIGUSR1 cuts.

Takes connections on a port of its own, which it writes to PORTFILE, and carries bytes both ways.
SIGUSR1 resets all connections there are; new ones are taken as before."""

import asyncio
import signal
import socket
import struct
import sys

writers = set()


def cut():
    for w in list(writers):
        w.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                              struct.pack("ii", 1, 0))
        w.transport.abort()


async def carry(reader, writer):
    writers.add(writer)
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writers.discard(writer)
        writer.close()


async def main(port, port_file):
    async def on_connection(reader, writer):
        there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, cut)
    with open(port_file, "w", encoding="ascii") as f:
        f.write(f"{server.sockets[0].getsockname()[1]}\n")
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
