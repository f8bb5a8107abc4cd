"""The outgoing side of one call: sound to the line, paced a little ahead of the caller's ear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

from pipeline.audio import AudioFrame
from pipeline.line import Line
from pipeline.playout import Playout
from pipeline.turn import Turn

Sound = str | AudioFrame | None
"""What a voice hands over: a clause's text, then its frames, then None for its end."""


class Speaker:
    """Plays one reply at a time, and knows what was heard of it."""

    def __init__(self, line: Line, lead_s: float) -> None:
        """``lead_s``: how far ahead audio is sent. A stall shorter than this is not heard, and
        what was sent too far is dropped by ``clear``, so much lead costs little."""
        self._line = line
        self._lead_s = lead_s
        self._playout = Playout()

    @property
    def is_heard(self) -> bool:
        """Whether the caller is hearing the agent now."""
        return self._playout.is_heard(_now())

    def played(self, mark: str) -> None:
        """The line reports a played mark."""
        self._playout.played(mark, _now())

    def heard(self) -> str:
        """The text of the last reply, as far as it was heard by now."""
        return self._playout.heard(_now())

    async def say(self, turn: Turn, sounds: AsyncIterable[Sound]) -> None:
        """Play a whole reply, once its turn is committed; stamps ``sent``.

        Returns when all of it is sent, up to ``lead_s`` before it is heard. If cancelled, nothing
        more is sent; what the line still holds goes on sounding until :meth:`hush`.
        """
        await turn.committed.wait()
        self._playout.begin_reply()
        async for sound in sounds:
            match sound:
                case str():
                    turn.said.append(sound)
                    self._playout.begin_clause(sound, _now())
                case AudioFrame():
                    await self._play(turn, sound)
                case None:
                    await self._line.mark(self._playout.end_clause())

    async def hush(self) -> bool:
        """Silence what the line still holds. Returns whether there was anything to silence.

        Call it when no :meth:`say` is running: cancel that first, and wait for its end. If
        cancelled, the line may have been cleared without our having noted it.
        """
        now = _now()
        if not self._playout.is_heard(now):
            return False
        await self._line.clear()
        self._playout.cleared(now)
        return True

    async def _play(self, turn: Turn, frame: AudioFrame) -> None:
        too_far_s = self._playout.lead(_now()) - self._lead_s
        if too_far_s > 0:
            await asyncio.sleep(too_far_s)
        await self._line.play(frame.pcm)
        self._playout.sent(frame.duration, _now())
        turn.mark("sent", _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
