# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a server on this machine seem far away: hands on TCP connections, with a delay in each direction.

By hand: ``python3 tests/bench/relay.py 4141 0.05`` prints the port through which 4141 is 50 ms of round trip away.
"""

from __future__ import annotations

import asyncio
import sys

CHUNK = 65536


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Hand on all data, each piece ``delay`` seconds after it came; pieces under way do not wait for each other."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    delivery = asyncio.create_task(deliver())
    try:
        while data := await reader.read(CHUNK):
            under_way.put_nowait((loop.time() + delay, data))
    finally:
        under_way.put_nowait((loop.time() + delay, b""))
        await delivery


async def serve(port: int, round_trip: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(round_trip)  # the handshake's
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            carry(reader, upstream_writer, round_trip / 2),
            carry(upstream_reader, writer, round_trip / 2),
            return_exceptions=True,  # an end that goes away ends its connection, no more
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
