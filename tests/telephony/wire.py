"""What a carrier writes, for tests on real sockets."""

from __future__ import annotations

import base64
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from pipeline.config import Settings, parse_settings

TONE = bytes(range(160))


def local_settings(**server: Any) -> Settings:
    """Settings of a server on a free loopback port."""
    return parse_settings({"server": {"media_port": 0, "control_port": 0, **server}})


def dial(port: int, path: str = "/twilio", **options: Any) -> connect:
    """A carrier's connection; use it with ``async with``."""
    return connect(f"ws://127.0.0.1:{port}{path}", compression=None, proxy=None, **options)


def start(call: str = "CA1", **parameters: str) -> str:
    """The start message of a stream that is named after its call."""
    body = {"callSid": call, "customParameters": parameters}
    return json.dumps({"event": "start", "streamSid": f"MZ-{call}", "start": body})


def media(index: int = 0, call: str = "CA1", sound: bytes = TONE) -> str:
    """The 20 ms of this index."""
    body = {
        "track": "inbound",
        "chunk": str(index + 1),
        "timestamp": str(20 * index),
        "payload": base64.b64encode(sound).decode(),
    }
    return json.dumps({"event": "media", "streamSid": f"MZ-{call}", "media": body})


def stop(call: str = "CA1") -> str:
    """The caller hung up."""
    return json.dumps({"event": "stop", "streamSid": f"MZ-{call}", "stop": {"callSid": call}})


async def receive(socket: ClientConnection) -> dict[str, Any]:
    """The server's next message."""
    message: dict[str, Any] = json.loads(await socket.recv())
    return message
