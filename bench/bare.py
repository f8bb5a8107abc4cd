"""A websocket server that reads and forgets: what any server on this stack pays for a message.

Run as a child of ``python -m bench frames``; prints its port and serves until it is told to stop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import uvloop
from websockets.asyncio.server import ServerConnection, serve

from bench.under_test import ServerFailed, ServerUnderTest


@asynccontextmanager
async def bare_server() -> AsyncIterator[ServerUnderTest]:
    """Such a server as a process of its own. If cancelled, it is stopped.

    Raises:
        ServerFailed: it did not start.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bare"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        port = (await child.stdout.readline()).decode().strip()
        if not port:
            raise ServerFailed("the bare websocket server ended before it listened")
        yield ServerUnderTest(f"ws://127.0.0.1:{port}/", "", psutil.Process(child.pid))
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def _forget(socket: ServerConnection) -> None:
    async for _ in socket:
        pass


async def _serve() -> None:
    async with serve(_forget, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
