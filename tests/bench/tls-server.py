#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that registers everybody, over TLS with tickets: CERT KEY PORTFILE."""
import asyncio
import json
import ssl
import sys

import websockets


async def serve(connection, *_):
    async for text in connection:
        message = json.loads(text)
        reply = {"type": "registered", "id": message.get("id")}
        await connection.send(json.dumps(reply, separators=(",", ":")))


async def main(cert, key, port_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with websockets.serve(serve, "127.0.0.1", 0, ssl=context) as server:
        with open(port_file, "w") as f:
            f.write(str(server.sockets[0].getsockname()[1]))
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:]))
