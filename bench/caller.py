"""A caller on Twilio's wire in real time: the thin shell around ear, mouth and manners.

Frames leave on an absolute schedule, one every 20 ms from the answer on, whatever the server does.
A frame that we send late is caught up, never skipped, and its lateness is counted, because a caller
that limps would flatter the server. Where it is the server that does not take our frames, the wait
is counted as its own (``held_up_s``).

The clock is ``time.monotonic`` and not the event loop's, which uvloop reads once per iteration: a
busy loop would not see its own lateness.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from bench.audible import line_noise
from bench.carrier import Carrier, ClearSent, MarkSent, MediaSent, payload_of
from bench.conversation import FRAME_S, Conversation, ConversationEvent, Greeted, Script
from bench.corpus import Clip
from bench.ear import Ear
from bench.echo_path import EchoPath
from bench.exchange import Exchange, Manners
from bench.pacing import Pacing
from pipeline.audio import FRAME_SAMPLES, Pcm
from pipeline.errors import LineError

Clock = Callable[[], float]
Told = Callable[[ConversationEvent], None]


class Wire(Protocol):
    """A websocket, as far as a caller needs it."""

    async def send(self, message: str) -> None:
        """If cancelled, the message was sent whole or not at all."""

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...


class LineNoise:
    """What a line carries when nobody speaks, and under everything else. Calls share one."""

    def __init__(self, dbfs: float = -65.0, frames: int = 250, seed: int = 1) -> None:
        noise = line_noise(dbfs, frames * FRAME_S, seed).reshape(frames, FRAME_SAMPLES)
        self._noise = noise
        self._silent = [payload_of(frame) for frame in noise]

    def payload(self, index: int, voice: Pcm | None) -> str:
        """Frame ``index`` of the line, with 20 ms of ``voice`` on it or none."""
        index %= len(self._silent)
        return self._silent[index] if voice is None else payload_of(self._with(index, voice))

    def track(self, voices: Sequence[Pcm | None]) -> Pcm:
        """The whole line as it was sent, int16 (samples,), one entry of ``voices`` per frame."""
        frames = [self._noise[:0].reshape(-1)]
        for index, voice in enumerate(voices):
            at = index % len(self._silent)
            frames.append(self._noise[at] if voice is None else self._with(at, voice))
        return np.concatenate(frames)

    def _with(self, index: int, voice: Pcm) -> Pcm:
        louder = voice.astype(np.int32) + self._noise[index]
        mixed: Pcm = np.clip(louder, -32768, 32767).astype(np.int16)
        return mixed


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A call to be placed."""

    call_id: str
    """Its Twilio CallSid: letters, digits, ``_`` and ``-``."""

    clips: Sequence[Clip]
    manners: Manners = field(default_factory=Manners)
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What TwiML would pass along, for instance ``phone``."""

    keep: bool = False
    """Whether the sound of both sides is kept."""

    script: Callable[[Ear], Script] | None = None
    """What the caller does instead of saying ``clips`` with ``manners``."""

    echo: EchoPath | None = None
    """How the caller's line returns what the caller hears; None: not at all."""

    def follow_with(self, ear: Ear) -> Script:
        """The caller's script, with ``ear`` to listen."""
        if self.script is not None:
            return self.script(ear)
        return Conversation(self.clips, ear, self.manners)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What a call was like from outside."""

    call_id: str
    connect_s: float
    """From dialling until the stream was up."""

    greeting_s: float | None
    """From there to the first audible sample of the greeting; None without one."""

    exchanges: Sequence[Exchange]
    unasked: int
    """Clips that could not be spoken because the call ended before."""

    duration_s: float
    pacing: Pacing
    held_up_s: float
    """Seconds for which the server did not take our frames."""

    problem: str | None = None
    """What went wrong with the call as a whole."""

    sound: tuple[Pcm, Pcm] | None = None
    """Caller and agent as they were spoken and heard, int16 (samples,) at 8 kHz each."""

    @property
    def all_answered(self) -> bool:
        """Whether every clip was spoken and answered."""
        return self.unasked == 0 and all(exchange.answered for exchange in self.exchanges)

    def as_json(self) -> dict[str, Any]:
        """For the report. Seconds."""
        return {
            "call": self.call_id,
            "connect_s": round(self.connect_s, 4),
            "greeting_s": None if self.greeting_s is None else round(self.greeting_s, 4),
            "duration_s": round(self.duration_s, 2),
            "turns": [exchange.as_json() for exchange in self.exchanges],
            "unasked": self.unasked,
            "answered": self.all_answered,
            "held_up_s": round(self.held_up_s, 3),
            "problem": self.problem,
            "pacing": self.pacing.as_json(),
        }


async def place_call(
    url: str, order: CallOrder, noise: LineNoise, told: Told = lambda event: None
) -> CallRecord:
    """Call ``url`` (ws or wss) and hold the conversation. Never raises for what the server does.

    If cancelled, the socket is closed.
    """
    dialled = time.monotonic()
    try:
        # No compression, because Twilio offers none; no pings, because they are not our subject; no
        # proxy, because we would measure it.
        async with connect(
            url, compression=None, ping_interval=None, proxy=None, close_timeout=2
        ) as socket:
            connect_s = time.monotonic() - dialled
            return await hold_call(
                socket, order, noise, told, clock=time.monotonic, connect_s=connect_s
            )
    except (OSError, InvalidHandshake, InvalidURI, ConnectionClosed) as error:
        problem = f"no call came about: {str(error) or type(error).__name__}"
        waited = time.monotonic() - dialled
        return CallRecord(
            order.call_id, waited, None, (), len(order.clips), 0.0, Pacing(), 0.0, problem
        )


async def hold_call(
    wire: Wire, order: CallOrder, noise: LineNoise, told: Told, *, clock: Clock, connect_s: float
) -> CallRecord:
    """A whole call on an open wire: connected, start, media, stop.

    If cancelled, it just ends: the carrier dropped the line.

    Raises:
        ConnectionClosed: the server hung up before the call was set up.
    """
    call = _HeldCall(order, noise, told)
    for text in call.carrier.opening(order.parameters):
        await wire.send(text)
    call.answered = clock()
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(call.listen(wire, clock))
        await call.speak(wire, clock)
        listening.cancel()
    return call.record(connect_s)


class _HeldCall:
    """The state of one call between its two tasks."""

    def __init__(self, order: CallOrder, noise: LineNoise, told: Told) -> None:
        self.carrier = Carrier(order.call_id)
        # Clock reading of the call's zero; set when the stream is open.
        self.answered = 0.0
        self._order = order
        self._noise = noise
        self._told = told
        self._ear = Ear(keep=order.keep or order.echo is not None)
        self._conversation = order.follow_with(self._ear)
        self._pacing = Pacing()
        self._greeting_s: float | None = None
        self._held_up_s = 0.0
        self._frames = 0
        # What was spoken, frame by frame; None for silence. Kept only for a recording.
        self._spoken: list[Pcm | None] = []
        # Why the call is over, once the server has ended it.
        self._problem: str | None = None

    async def speak(self, wire: Wire, clock: Clock) -> None:
        """A frame every 20 ms until every clip was said, then ``stop``.

        If cancelled, frames stop.
        """
        free_at = self.answered
        try:
            while not self._conversation.is_done and self._problem is None:
                due = self.answered + (self._frames + 1) * FRAME_S
                await asyncio.sleep(due - clock())
                now = clock()
                self._pacing.sent(now - max(due, free_at))
                for name in self._ear.hear(now - self.answered):
                    await wire.send(self.carrier.mark(name))
                await wire.send(self.carrier.media(self._next_payload(now - self.answered)))
                taken = clock() - now
                if taken > FRAME_S:
                    # The socket's buffers were full. What follows is late by the server's doing.
                    self._held_up_s += taken
                    free_at = now + taken
            if self._problem is None:
                await wire.send(self.carrier.stop())
        except ConnectionClosed as error:
            self._ended(f"the server dropped the line ({error})")
        self._tell(self._conversation.hang_up())

    async def listen(self, wire: Wire, clock: Clock) -> None:
        """Queue what the server sends, until it closes the line. If cancelled, nothing is lost."""
        try:
            async for text in wire:
                now = clock() - self.answered
                if isinstance(text, bytes):
                    raise LineError("the server sent a binary message; Twilio reads only text")
                match self.carrier.receive(text):
                    case MediaSent(pcm):
                        self._ear.play(pcm, now)
                    case MarkSent(name):
                        self._ear.mark(name, now)
                    case ClearSent():
                        for name in self._ear.clear(now):
                            await wire.send(self.carrier.mark(name))
            self._ended("the server hung up")
        except ConnectionClosed as error:
            self._ended(f"the server dropped the line ({error})")
        except LineError as error:
            self._ended(str(error))

    def record(self, connect_s: float) -> CallRecord:
        """What the call was like."""
        samples = self._frames * FRAME_SAMPLES
        return CallRecord(
            self._order.call_id,
            connect_s,
            self._greeting_s,
            self._conversation.exchanges,
            self._conversation.unasked,
            self._frames * FRAME_S,
            self._pacing,
            self._held_up_s,
            self._problem,
            (self._noise.track(self._spoken), self._ear.track(samples))
            if self._order.keep
            else None,
        )

    def _next_payload(self, now: float) -> str:
        self._tell(self._conversation.follow(now))
        voice = self._with_echo(self._conversation.next_frame())
        if self._order.keep:
            self._spoken.append(voice)
        payload = self._noise.payload(self._frames, voice)
        self._frames += 1
        return payload

    def _with_echo(self, voice: Pcm | None) -> Pcm | None:
        """The frame that is sent next, with what the line returns in it."""
        if self._order.echo is None:
            return voice
        echo = self._order.echo.returned(self._ear, self._frames * FRAME_SAMPLES)
        if voice is None:
            return echo
        both: Pcm = np.clip(voice.astype(np.int32) + echo, -32768, 32767).astype(np.int16)
        return both

    def _tell(self, events: list[ConversationEvent]) -> None:
        for event in events:
            if isinstance(event, Greeted):
                self._greeting_s = event.after_s
            self._told(event)

    def _ended(self, problem: str) -> None:
        # Only the first reason counts: what follows it is its consequence.
        if self._problem is None and not self._conversation.is_done:
            self._problem = problem
