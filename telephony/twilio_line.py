"""A websocket that speaks Media Streams, as a Line.

Memory per call is bounded both ways: what we do not read stays in the peer's kernel, and what the
peer does not read makes ``play`` wait, and ends the call when it goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from pipeline.audio import AudioFrame, Pcm
from pipeline.line import CallInfo
from pipeline.turn import KeyPressed, LineEvent, MarkPlayed
from telephony.twilio import Oddity, StreamStarted, StreamStopped, TwilioEvent, TwilioStream

_LOG = logging.getLogger(__name__)

STUCK_S = 10.0
"""How long a peer may leave its end unread before its call is over. Twilio reads all the time."""

AHEAD_S = 2.0
"""How far a peer's sound may run ahead of life. What is sent faster waits on the wire, so that one
call's flood is not every call's work."""


async def wait_start(connection: ServerConnection, stream: TwilioStream) -> StreamStarted | None:
    """Read until the stream starts; None when the peer leaves before that.

    If cancelled, what was read is lost: close the connection.

    Raises:
        LineError: the peer does not speak Media Streams.
    """
    while True:
        try:
            message = await connection.recv(decode=False)
        except ConnectionClosed:
            return None
        for event in stream.receive(message):
            if isinstance(event, StreamStarted):
                return event
            _log_oddity(stream, event, "a stream that has not started")


async def close_unread(connection: ServerConnection, code: int, reason: str = "") -> None:
    """Close a socket that nobody reads from any more; returns when it is closed.

    The peer's answer to our close lies behind the sound that it sent before, so that is read and
    thrown away. If cancelled, the close is on its way and unconfirmed.
    """
    async with asyncio.TaskGroup() as group:
        group.create_task(_read_away(connection))
        await connection.close(code, reason)


async def _read_away(connection: ServerConnection) -> None:
    try:
        while True:
            await connection.recv(decode=False)
    except ConnectionClosed:
        return


class TwilioLine:
    """One answered call. Its events come by iteration, once."""

    def __init__(self, connection: ServerConnection, stream: TwilioStream, info: CallInfo) -> None:
        """``stream`` has started; see :func:`wait_start`."""
        self._connection = connection
        self._stream = stream
        self._info = info
        self._loop = asyncio.get_running_loop()
        self._answered = self._loop.time()
        # Events of messages already read, in order. At most one message's worth.
        self._ready: deque[LineEvent] = deque()
        # Whether a task waits for a message in the iteration.
        self._reading = False
        # Whether there will be no more sound from the caller, or none from us.
        self._ended = False
        self._hung_up = False

    @property
    def info(self) -> CallInfo:
        """Who called, by which door."""
        return self._info

    def __aiter__(self) -> AsyncIterator[LineEvent]:
        """Frames, keys and played marks in order, until either side hangs up."""
        return self

    async def __anext__(self) -> LineEvent:
        """The next event. If cancelled, it is still the next event.

        Raises:
            LineError: the peer broke the protocol so badly that the call is over.
        """
        while not self._ready:
            if self._ended or self._hung_up:
                raise StopAsyncIteration
            await self._read()
        event = self._ready[0]
        if isinstance(event, AudioFrame):
            ahead_s = event.at - AHEAD_S - (self._loop.time() - self._answered)
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
        else:
            # Only sound is paced by its own time; a flood of anything else lets others go first.
            await asyncio.sleep(0)
        return self._ready.popleft()

    async def _read(self) -> None:
        """One message into events; at the connection's end, the end of the iteration."""
        self._reading = True
        try:
            message = await self._connection.recv(decode=False)
            while self._hung_up:
                message = await self._connection.recv(decode=False)
        except ConnectionClosed as closed:
            self._ended = True
            _LOG.info("call %s: the socket is closed: %s", self._info.id, closed)
            return
        finally:
            self._reading = False
        for event in self._stream.receive(message):
            match event:
                case AudioFrame() | KeyPressed() | MarkPlayed():
                    self._ready.append(event)
                case StreamStopped():
                    self._ended = True
                case _:
                    _log_oddity(self._stream, event, f"call {self._info.id}")
        if not self._ready:
            await asyncio.sleep(0)

    async def play(self, pcm: Pcm) -> None:
        """Send sound, int16 (samples,) at 8 kHz, as one message.

        Waits while the peer reads nothing. If cancelled, the sound was sent whole or not at all.
        """
        await self._send(self._stream.media(pcm))

    async def mark(self, name: str) -> None:
        """Ask for a :class:`MarkPlayed`. If cancelled, it was asked or not."""
        await self._send(self._stream.mark(name))

    async def clear(self) -> None:
        """Drop what the carrier has not played. If cancelled, it was told to or not."""
        await self._send(self._stream.clear())

    async def hang_up(self) -> None:
        """Close the socket, whereupon Twilio goes on in its TwiML; returns when it is closed.

        If cancelled, the close is on its way, and the server sees it through.
        """
        if self._hung_up:
            return
        self._hung_up = True
        if self._reading:
            await self._connection.close(1000)  # The iteration reads what is still under way.
        else:
            await close_unread(self._connection, 1000)

    async def _send(self, message: bytes) -> None:
        if self._hung_up:
            return
        try:
            async with asyncio.timeout(STUCK_S):
                await self._connection.send(message, text=True)
        except ConnectionClosed:
            return  # The iteration ends too; there is nothing that the speaker could do.
        except TimeoutError:
            _LOG.warning("call %s: the carrier read nothing for %g s", self._info.id, STUCK_S)
            self._connection.transport.abort()


def _log_oddity(stream: TwilioStream, event: TwilioEvent, whose: str) -> None:
    # Once per kind: a peer that is odd fifty times a second must not fill the disk.
    if isinstance(event, Oddity) and stream.oddities[event.kind] == 1:
        _LOG.warning("%s: %s (%s); more of these are only counted", whose, event.kind, event.detail)
