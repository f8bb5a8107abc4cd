"""The media door on real sockets: who gets in, and that no call notices another's trouble."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import uvloop
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pipeline.audio import AudioFrame
from pipeline.config import Settings, parse_settings
from pipeline.errors import LineError, SettingsError
from pipeline.line import CallInfo, Line
from telephony.server import MediaServer
from telephony.twilio_auth import StreamTokens, signature_of
from tests.telephony.wire import dial, local_settings, media, receive, start, stop


async def echo(line: Line) -> None:
    """Says back what it hears, until the caller hangs up."""
    async for event in line:
        if isinstance(event, AudioFrame):
            await line.play(event.pcm)


def media_server(
    answer: Callable[[Line], Awaitable[None]] = echo,
    settings: Settings | None = None,
    tokens: StreamTokens | None = None,
    **options: Any,
) -> MediaServer:
    return MediaServer(
        settings or local_settings(), answer, tokens=tokens or StreamTokens(), **options
    )


async def refused(server: MediaServer, path: str = "/twilio", **options: Any) -> int:
    """The status with which a connection is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        async with dial(server.port, path, **options):
            pass
    return refusal.value.response.status_code


# -- A call -----------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_whole_call(run: Callable[..., None]) -> None:
    infos: list[CallInfo] = []

    async def answer(line: Line) -> None:
        infos.append(line.info)
        await echo(line)

    async def main() -> None:
        async with media_server(answer) as server, dial(server.port) as socket:
            await socket.send('{"event": "connected", "protocol": "Call", "version": "1.0.0"}')
            await socket.send(start("CA7", phone="+15125550100", token="spare"))
            await socket.send(media(0, "CA7"))
            echoed = await receive(socket)
            assert echoed["streamSid"] == "MZ-CA7"
            assert server.live == 1
            await socket.send(stop("CA7"))
            await socket.wait_closed()
            assert socket.close_code == 1000
            assert (server.live, server.statistics().answered) == (0, 1)

    run(main())
    assert infos == [CallInfo("CA7", "twilio", "CA7", {"phone": "+15125550100"})]


def test_the_agent_may_hang_up() -> None:
    async def answer(line: Line) -> None:
        await line.hang_up()

    async def main() -> None:
        async with media_server(answer) as server, dial(server.port) as socket:
            await socket.send(start())
            await socket.wait_closed()
            assert socket.close_code == 1000

    asyncio.run(main())


@pytest.mark.parametrize("call_sid", ["", "../../etc/passwd", "a b", "x" * 65, "ü"])
def test_an_id_that_is_not_safe_becomes_one_of_ours(call_sid: str) -> None:
    infos: list[CallInfo] = []

    async def answer(line: Line) -> None:
        infos.append(line.info)

    async def main() -> None:
        async with media_server(answer) as server, dial(server.port) as socket:
            await socket.send(start(call_sid))
            await socket.wait_closed()

    asyncio.run(main())
    assert infos[0].carrier_id == call_sid
    assert len(infos[0].id) == 32


def test_a_second_stream_of_a_call_gets_an_id_of_its_own() -> None:
    ids: list[str] = []

    async def answer(line: Line) -> None:
        ids.append(line.info.id)

    async def main() -> None:
        async with media_server(answer) as server:
            for _ in range(2):
                async with dial(server.port) as socket:
                    await socket.send(start("CA1"))
                    await socket.wait_closed()

    asyncio.run(main())
    assert ids[0] == "CA1"
    assert ids[1] != "CA1"


# -- Who is refused ---------------------------------------------------------------------------


def test_other_paths_and_other_pages_are_refused() -> None:
    async def main() -> None:
        async with media_server(origins=["http://127.0.0.1:8080"]) as server:
            assert await refused(server, "/") == 404
            assert await refused(server, origin="https://evil.example") == 403
            async with dial(server.port, origin="http://127.0.0.1:8080"):
                pass
            assert server.statistics().refused["path"] == 1
            assert server.statistics().refused["origin"] == 1

    asyncio.run(main())


def test_a_crowd_at_the_door_fills_the_places_and_no_more() -> None:
    async def main() -> None:
        async with media_server(settings=local_settings(max_calls=3)) as server:
            results = await asyncio.gather(
                *(asyncio.ensure_future(_try(server.port)) for _ in range(40))
            )
            taken = [result for result in results if isinstance(result, ClientConnection)]
            assert len(taken) == 3
            assert results.count(503) == 37
            assert server.live == 3
            assert server.statistics().refused == {"full": 37}
            await taken[0].close()
            async with asyncio.timeout(5):
                while isinstance(await _try(server.port), int):
                    pass  # The server has yet to see it go.
            assert server.live == 3

    asyncio.run(main())


async def _try(port: int) -> ClientConnection | int:
    try:
        return await dial(port)
    except InvalidStatus as refusal:
        return refusal.response.status_code


def test_a_socket_that_starts_nothing_is_closed() -> None:
    async def main() -> None:
        async with media_server(start_s=0.05) as server, dial(server.port) as socket:
            await socket.send(media())
            await socket.wait_closed()
            assert socket.close_code == 1008
            assert server.statistics().refused == {"no start": 1}
            assert server.statistics().oddities == {"before start": 1}

    asyncio.run(main())


def test_a_port_in_use_names_the_setting() -> None:
    async def main() -> None:
        async with media_server() as server:
            taken = local_settings(media_port=server.port)
            with pytest.raises(SettingsError, match=r"server\.media_port"):
                await media_server(settings=taken).__aenter__()

    asyncio.run(main())


def test_with_an_auth_token_a_call_needs_signature_and_stream_token(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TEST_AUTH_TOKEN", "secret")
    raw: dict[str, Any] = {
        "server": {"media_port": 0},
        "twilio": {"auth_token_env": "TEST_AUTH_TOKEN", "public_host": "agent.example"},
    }
    signature = signature_of("secret", "wss://agent.example/twilio")
    signed = {"X-Twilio-Signature": signature}
    tokens = StreamTokens()

    async def close_code(server: MediaServer, token: str) -> int | None:
        async with dial(server.port, additional_headers=signed) as socket:
            await socket.send(start("CA1", token=token))
            await socket.send(stop("CA1"))
            await socket.wait_closed()
            return socket.close_code

    async def main() -> str:
        async with media_server(settings=parse_settings(raw), tokens=tokens) as server:
            assert await refused(server) == 403
            bad = {"X-Twilio-Signature": "bad"}
            assert await refused(server, additional_headers=bad) == 403
            token = tokens.issue("CA1", asyncio.get_running_loop().time())
            assert token is not None
            assert await close_code(server, "") == 1008
            assert await close_code(server, "guess") == 1008
            assert await close_code(server, token) == 1000
            assert await close_code(server, token) == 1008
            assert server.statistics().refused == {"signature": 2, "token": 3}
            return token

    token = asyncio.run(main())
    # The log of our server; the client's, in the same process, is not ours to silence.
    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name != "websockets.client"
    )
    assert token not in ours
    assert signature not in ours
    assert "secret" not in ours


# -- Trouble stays where it is ----------------------------------------------------------------


async def _talk(socket: ClientConnection, call: str, frames: int) -> None:
    """A caller who hears every frame echoed before saying the next."""
    await socket.send(start(call))
    for index in range(frames):
        await socket.send(media(index, call))
        assert (await receive(socket))["streamSid"] == f"MZ-{call}"


def _rude() -> dict[str, list[str | bytes]]:
    """Callers who misbehave, by how: what they send after their start."""
    odd_start = json.dumps({"event": "start", "streamSid": "MZ-other", "start": {"callSid": "x"}})
    return {
        "rubbish": ["rubbish"] * 150,
        "binary": [b"\xff\x00" * 100] * 150,
        "no base64": [media(0, "rude").replace(media(0), "?")] * 5 + [stop("rude")],
        "too long": ["x" * 70_000],
        "second stream": [odd_start],
        "other stream": [media(0, "polite")] * 20 + [stop("polite"), stop("rude")],
        "flood": [media(index, "rude") for index in range(3000)],
    }


@pytest.mark.parametrize("how", _rude())
def test_a_misbehaving_call_is_not_noticed_by_another(how: str) -> None:
    async def misbehave(port: int) -> None:
        async with dial(port, close_timeout=0.01) as socket:
            with suppress(ConnectionClosed):
                await socket.send(start("rude"))
                for message in _rude()[how]:
                    await socket.send(message)
                await socket.wait_closed()

    async def main() -> None:
        async with media_server() as server:
            async with asyncio.TaskGroup() as group, dial(server.port) as socket:
                rude = group.create_task(misbehave(server.port))
                async with asyncio.timeout(10):
                    await _talk(socket, "polite", 80)
                rude.cancel()
            assert server.statistics().failed == 0

    asyncio.run(main())


def test_a_bug_in_a_call_ends_that_call_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(line: Line) -> None:
        if line.info.id == "CA-bug":
            async with asyncio.TaskGroup() as group:
                group.create_task(_break())
        await echo(line)

    async def _break() -> None:
        raise ZeroDivisionError("our bug")

    async def main() -> None:
        async with (
            media_server(answer) as server,
            dial(server.port) as polite,
            dial(server.port) as victim,
        ):
            await victim.send(start("CA-bug"))
            await victim.wait_closed()
            assert victim.close_code == 1011
            await _talk(polite, "polite", 2)
            assert (server.live, server.statistics().failed) == (1, 1)

    asyncio.run(main())
    (report,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "call CA-bug" in report.getMessage()
    assert report.exc_info is not None


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_the_peers_fault_is_no_bug_however_deep_in_groups(
    depth: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(line: Line) -> None:
        error: Exception = LineError("the peer's fault")
        for _ in range(depth):
            error = ExceptionGroup("children", [error])
        raise error

    async def main() -> None:
        async with media_server(answer) as server, dial(server.port) as socket:
            await socket.send(start())
            await socket.wait_closed()
            assert socket.close_code == 1002
            assert (server.statistics().broken, server.statistics().failed) == (1, 0)

    asyncio.run(main())
    assert [record.levelname for record in caplog.records if record.exc_info] == []
    assert "the peer's fault" in caplog.text


def test_a_bug_among_the_peers_faults_is_a_bug() -> None:
    async def answer(line: Line) -> None:
        raise ExceptionGroup("children", [LineError("the peer's fault"), KeyError("ours")])

    async def main() -> None:
        async with media_server(answer) as server, dial(server.port) as socket:
            await socket.send(start())
            await socket.wait_closed()
            assert socket.close_code == 1011

    asyncio.run(main())


def test_a_caller_who_reads_nothing_is_not_given_more_than_a_bounded_amount() -> None:
    sent = 0

    async def pour(line: Line) -> None:
        nonlocal sent
        while True:
            await line.play(np.zeros(8000, np.int16))
            sent += 1

    async def main() -> None:
        async with media_server(pour) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
            writer.write(
                b"GET /twilio HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            await reader.readuntil(b"\r\n\r\n")
            text = start().encode()
            # One masked text frame, the mask being zero.
            writer.write(b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)
            before = -1
            while sent != before:
                before = sent
                await asyncio.sleep(0.1)
            assert server.live == 1
            writer.transport.abort()

    asyncio.run(main())
    # What the kernel takes differs; ours on top of it is six seconds.
    assert 0 < sent < 2000


# -- Going down -------------------------------------------------------------------------------


def test_draining_refuses_new_calls_and_waits_for_the_live_one() -> None:
    async def main() -> None:
        async with media_server() as server, dial(server.port) as socket:
            await _talk(socket, "CA1", 1)
            async with asyncio.TaskGroup() as group:
                draining = group.create_task(server.drain())
                await asyncio.sleep(0)
                assert await refused(server) == 503
                await socket.send(media(1))
                assert (await receive(socket))["event"] == "media"
                assert not draining.done()
                await socket.send(stop())
            assert server.live == 0
            await socket.wait_closed()
            assert socket.close_code == 1000

    asyncio.run(main())


def test_draining_ends_the_calls_that_outlast_it() -> None:
    ended: list[str] = []

    async def answer(line: Line) -> None:
        try:
            await echo(line)
        finally:
            ended.append(line.info.id)

    async def main() -> None:
        settings = local_settings(drain_s=0.05)
        async with media_server(answer, settings) as server, dial(server.port) as socket:
            await _talk(socket, "CA1", 1)
            await server.drain()
            assert (ended, server.live) == (["CA1"], 0)
            await socket.wait_closed()
            assert socket.close_code == 1001

    asyncio.run(main())


def test_leaving_ends_all_calls_and_leaves_no_task() -> None:
    async def main() -> None:
        async with media_server() as server:
            sockets = [await dial(server.port) for _ in range(3)]
            for index, socket in enumerate(sockets):
                await _talk(socket, f"CA{index}", 1)
        for socket in sockets:
            await socket.wait_closed()
            assert socket.close_code == 1001
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_an_error_of_the_servers_owner_passes_as_it_is() -> None:
    async def main() -> None:
        async with media_server():
            raise KeyError("the owner's")

    with pytest.raises(KeyError, match="owner"):
        asyncio.run(main())
