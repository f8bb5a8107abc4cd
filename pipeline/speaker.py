"""The outgoing side of one call: sound to the line, paced a little ahead of the caller's ear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable

from pipeline.audio import AudioFrame, Pcm
from pipeline.line import Line
from pipeline.playout import Playout
from pipeline.turn import Turn

Sound = str | AudioFrame | None
"""What a voice hands over: a clause's text, then its frames, then None for its end."""


class Speaker:
    """Plays one reply at a time, and knows what was heard of it."""

    def __init__(
        self,
        line: Line,
        lead_s: float,
        sounding: Callable[[Pcm, float], None] = lambda pcm, ahead: None,
    ) -> None:
        """``lead_s``: how far ahead audio is sent. A stall shorter than this is not heard, and
        what was sent too far is dropped by ``clear``, so much lead costs little. ``sounding`` is
        told what is sent, and in how many seconds it leaves for the caller's ear."""
        self._line = line
        self._sounding = sounding
        self._lead_s = lead_s
        self._playout = Playout()
        # Held while a clause is being sent, so that a filler falls between clauses.
        self._clause = asyncio.Lock()
        # Texts of the last reply's clauses that were heard whole when it was silenced.
        self.heard_whole: list[str] = []

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

    def unsaid(self, turn: Turn) -> list[str]:
        """Clauses of a silenced reply that were not heard to their end, in order."""
        whole = list(self.heard_whole)
        unsaid: list[str] = []
        for clause in turn.planned:
            if clause in whole:
                whole.remove(clause)
            else:
                unsaid.append(clause)
        return unsaid

    async def say(self, turn: Turn, sounds: AsyncIterable[Sound]) -> None:
        """Play a whole reply, once its turn is committed; stamps ``sent``.

        Returns when all of it is sent, up to ``lead_s`` before it is heard. If cancelled, nothing
        more is sent; what the line still holds goes on sounding until :meth:`hush`.
        """
        await turn.committed.wait()
        self._playout.begin_reply()
        # Whether the lock is ours: when we are cancelled, it may be a filler's.
        in_clause = False
        try:
            async for sound in sounds:
                match sound:
                    case str():
                        await self._clause.acquire()
                        in_clause = True
                        turn.said.append(sound)
                        self._playout.begin_clause(sound, _now())
                    case AudioFrame():
                        await self._play(turn, sound)
                    case None:
                        await self._line.mark(self._playout.end_clause())
                        self._clause.release()
                        in_clause = False
        finally:
            if in_clause:
                self._clause.release()

    async def fill(self, turn: Turn, text: str, frames: Iterable[AudioFrame]) -> bool:
        """Play ready-made words ahead of a reply that is late. Returns whether it did.

        It does nothing when the reply has begun after all. :meth:`say` must be running, and its
        next clause waits for the end of this one. Cancelled as ``say`` is.
        """
        if "first_audio" in turn.marks:
            return False
        async with self._clause:
            turn.said.append(text)
            self._playout.begin_clause(text, _now())
            for frame in frames:
                await self._play(turn, frame)
            await self._line.mark(self._playout.end_clause())
        return True

    async def hush(self) -> bool:
        """Silence what the line still holds. Returns whether there was anything to silence.

        Call it when no :meth:`say` is running: cancel that first, and wait for its end. If
        cancelled, the line may have been cleared without our having noted it.
        """
        now = _now()
        self.heard_whole = self._playout.heard_whole(now)
        if not self._playout.is_heard(now):
            return False
        await self._line.clear()
        self._playout.cleared(now)
        return True

    async def _play(self, turn: Turn, frame: AudioFrame) -> None:
        too_far_s = self._playout.lead(_now()) - self._lead_s
        if too_far_s > 0:
            await asyncio.sleep(too_far_s)
        self._sounding(frame.pcm, self._playout.lead(_now()))
        await self._line.play(frame.pcm)
        self._playout.sent(frame.duration, _now())
        turn.mark("sent", _now())


def _now() -> float:
    return asyncio.get_running_loop().time()
