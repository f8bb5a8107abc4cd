"""A Line on a websocket: on a fake one where timing matters, on a real one where sockets do."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedOK

from pipeline.audio import AudioFrame
from pipeline.errors import LineError
from pipeline.line import CallInfo, Line
from pipeline.turn import KeyPressed, MarkPlayed
from telephony import twilio_line
from telephony.twilio import TwilioStream
from telephony.twilio_line import TwilioLine, wait_start
from tests import clock
from tests.telephony.wire import dial, media, receive, start, stop

INFO = CallInfo("c1", "twilio")
SOUND = np.arange(-80, 80, dtype=np.int16) * 100


class FakeSocket:
    """A websocket whose peer wrote ``inbox`` in advance, and reads only while ``reads``."""

    def __init__(self, *inbox: str) -> None:
        self.inbox = deque(inbox)
        self.sent: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.closed = asyncio.Event()
        self.close_code: int | None = None
        self.transport = self

    async def recv(self, decode: bool) -> bytes:
        assert not decode
        if not self.inbox:
            await self.closed.wait()
            raise ConnectionClosedOK(None, None)
        return self.inbox.popleft().encode()

    async def send(self, message: bytes, text: bool) -> None:
        assert text
        if self.closed.is_set():
            raise ConnectionClosedOK(None, None)
        self.sent.append(json.loads(message))
        await self.reads.wait()

    async def close(self, code: int, reason: str = "") -> None:
        self.close_code = code
        self.closed.set()

    def abort(self) -> None:
        self.closed.set()


async def line_on(socket: FakeSocket) -> TwilioLine:
    socket.inbox.appendleft(start())
    stream = TwilioStream()
    connection: Any = socket
    assert await wait_start(connection, stream) is not None
    return TwilioLine(connection, stream, INFO)


def test_it_is_a_line() -> None:
    async def main() -> None:
        line: Line = await line_on(FakeSocket())
        assert line.info is INFO

    clock.run(main())


def test_events_come_in_order_and_end_with_stop() -> None:
    async def main() -> None:
        digit = json.dumps({"event": "dtmf", "streamSid": "MZ-CA1", "dtmf": {"digit": "5"}})
        line = await line_on(FakeSocket(media(0), "rubbish", digit, media(1), stop(), media(2)))
        events = [event async for event in line]
        assert [type(event) for event in events] == [AudioFrame, KeyPressed, AudioFrame]

    clock.run(main())


def test_only_what_was_played_is_reported_as_played() -> None:
    async def main() -> None:
        socket = FakeSocket()
        line = await line_on(socket)
        await line.play(SOUND)
        await line.mark("a")
        await line.clear()
        await line.mark("b")
        names = [sent["mark"]["name"] for sent in socket.sent if sent["event"] == "mark"]
        for name in names:
            mark = {"event": "mark", "streamSid": "MZ-CA1", "mark": {"name": name}}
            socket.inbox.append(json.dumps(mark))
        socket.inbox.append(stop())
        assert [event async for event in line] == [MarkPlayed("b")]
        assert [sent["event"] for sent in socket.sent] == ["media", "mark", "clear", "mark"]

    clock.run(main())


def test_a_cancelled_wait_loses_no_event() -> None:
    async def main() -> None:
        line = await line_on(FakeSocket(*(media(index) for index in range(150)), stop()))
        at = []
        while True:
            try:
                # The last 50 frames run ahead of life and are held back: interrupt that, too.
                async with asyncio.timeout(0.007):
                    event = await anext(line)
            except TimeoutError:
                continue
            except StopAsyncIteration:
                break
            assert isinstance(event, AudioFrame)
            at.append(round(event.at * 50))
        assert at == list(range(150))

    clock.run(main())


def test_sound_cannot_run_ahead_of_life() -> None:
    async def main() -> None:
        line = await line_on(FakeSocket(*(media(index) for index in range(500)), stop()))
        loop = asyncio.get_running_loop()
        async for event in line:
            assert isinstance(event, AudioFrame)
            assert event.at <= loop.time() + twilio_line.AHEAD_S + 1e-6
        assert loop.time() == pytest.approx(499 * 0.02 - twilio_line.AHEAD_S, abs=0.001)

    clock.run(main())


def test_other_tasks_run_between_messages_without_sound() -> None:
    async def main() -> None:
        line = await line_on(FakeSocket(*["rubbish"] * 50, stop()))
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async with asyncio.TaskGroup() as group:
            bystander = group.create_task(other())
            assert [event async for event in line] == []
            bystander.cancel()
        assert turns >= 50

    clock.run(main())


def test_too_much_rubbish_ends_the_iteration_with_the_peers_fault() -> None:
    async def main() -> None:
        line = await line_on(FakeSocket(*["rubbish"] * 200))
        with pytest.raises(LineError):
            await anext(line)

    clock.run(main())


def test_a_peer_that_stops_reading_ends_its_call() -> None:
    async def main() -> None:
        socket = FakeSocket(media(0))
        line = await line_on(socket)
        socket.reads.clear()
        await line.play(SOUND)
        assert asyncio.get_running_loop().time() == pytest.approx(twilio_line.STUCK_S)
        assert socket.closed.is_set()
        await line.play(SOUND)
        assert len(socket.sent) == 1
        assert len([event async for event in line]) == 1

    clock.run(main())


def test_a_slow_peer_makes_play_wait_and_no_more() -> None:
    async def main() -> None:
        socket = FakeSocket()
        line = await line_on(socket)
        socket.reads.clear()
        asyncio.get_running_loop().call_later(twilio_line.STUCK_S - 1, socket.reads.set)
        await line.play(SOUND)
        assert asyncio.get_running_loop().time() == pytest.approx(twilio_line.STUCK_S - 1)
        assert not socket.closed.is_set()

    clock.run(main())


def test_after_hanging_up_nothing_is_sent_and_nothing_heard() -> None:
    async def main() -> None:
        socket = FakeSocket(media(0), media(1))
        line = await line_on(socket)
        await line.hang_up()
        await line.hang_up()
        await line.play(SOUND)
        await line.mark("a")
        await line.clear()
        assert (socket.sent, socket.close_code) == ([], 1000)
        assert [event async for event in line] == []

    clock.run(main())


def test_oddities_are_logged_once_a_kind(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        line = await line_on(FakeSocket(*["rubbish"] * 9, media(0), media(0), stop()))
        assert len([event async for event in line]) == 1

    clock.run(main())
    told = [record.getMessage() for record in caplog.records]
    assert len([line for line in told if "malformed" in line]) == 1
    assert len([line for line in told if "late chunk" in line]) == 1
    assert all("call c1" in line for line in told if "malformed" in line)


# -- On a real websocket ----------------------------------------------------------------------


async def answered_by(connection: ServerConnection) -> TwilioLine:
    stream = TwilioStream()
    assert await wait_start(connection, stream) is not None
    return TwilioLine(connection, stream, INFO)


def test_hanging_up_is_confirmed_by_a_peer_that_goes_on_talking() -> None:
    took: list[float] = []

    async def answer(connection: ServerConnection) -> None:
        line = await answered_by(connection)
        await anext(aiter(line))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await line.hang_up()
        took.append(loop.time() - began)

    async def main() -> None:
        async with (
            serve(answer, "127.0.0.1", 0, compression=None, close_timeout=5) as server,
            dial(server.sockets[0].getsockname()[1]) as socket,
        ):
            # Far more than the 16 messages that websockets reads ahead lie before our answer.
            for text in (start(), *(media(index) for index in range(400))):
                await socket.send(text)
            await socket.wait_closed()
            assert socket.close_code == 1000

    asyncio.run(main())
    assert took[0] < 2.5


def test_hanging_up_while_the_call_is_listening_ends_the_listening() -> None:
    async def answer(connection: ServerConnection) -> None:
        line = await answered_by(connection)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(line))
            await asyncio.sleep(0)
            await line.hang_up()
            heard.append(await listening)

    async def main() -> None:
        async with (
            serve(answer, "127.0.0.1", 0, compression=None) as server,
            dial(server.sockets[0].getsockname()[1]) as socket,
        ):
            await socket.send(start())
            await socket.wait_closed()

    heard: list[int] = []
    asyncio.run(main())
    assert heard == [0]


async def _listen(line: TwilioLine) -> int:
    return len([event async for event in line])


def test_a_caller_who_drops_in_mid_answer_ends_the_call_quietly() -> None:
    async def answer(connection: ServerConnection) -> None:
        line = await answered_by(connection)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(line))
            while not listening.done():
                await line.play(SOUND)
                await asyncio.sleep(0)
            for _ in range(3):
                await line.play(SOUND)
                await line.mark("gone")
        over.set()

    async def main() -> None:
        async with serve(answer, "127.0.0.1", 0, compression=None) as server:
            async with dial(server.sockets[0].getsockname()[1]) as socket:
                await socket.send(start())
                assert (await receive(socket))["event"] == "media"
                socket.transport.abort()
            await asyncio.wait_for(over.wait(), 5)

    over = asyncio.Event()
    asyncio.run(main())
