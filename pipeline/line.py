"""Line: a phone line as the pipeline sees it. Twilio, SIP and a browser tab all look like this."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.audio import Pcm
from pipeline.turn import LineEvent


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What is known of a call when it is answered."""

    id: str
    """Ours: unique, safe in a URL."""

    carrier: str
    """Which door it came through: ``twilio``, ``sip``, ..."""

    carrier_id: str = ""
    """The carrier's own name of the call (Twilio's CallSid); empty when it has none."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the carrier passed along, for instance TwiML ``<Parameter>`` values. ``phone`` is the
    other party's number in E.164 where it is known."""


class Line(Protocol):
    """One answered call's audio, both ways, at 8 kHz mono."""

    @property
    def info(self) -> CallInfo: ...

    def __aiter__(self) -> AsyncIterator[LineEvent]:
        """Frames of 20 ms, keys and played marks in order; ends when the caller hangs up.

        May be iterated once. If cancelled, no event is lost that was not yet taken.
        """

    async def play(self, pcm: Pcm) -> None:
        """Queue sound, int16 (samples,) at 8 kHz, behind what waits at the carrier.

        Returns when it is handed to the line, long before it is heard. On a line that has hung up
        it does nothing. If cancelled, the sound was sent whole or not at all.
        """

    async def mark(self, name: str) -> None:
        """Ask to be told, by :class:`MarkPlayed`, when all that was queued so far has played.

        A mark that returns because its sound was cleared is not reported.
        """

    async def clear(self) -> None:
        """Drop all queued sound that has not been heard."""

    async def hang_up(self) -> None:
        """End the call. Doing it twice does nothing."""
