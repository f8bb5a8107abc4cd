"""Short clauses that were said before, as ready-made audio.

"Sure.", "I'm sorry.", "Of course.": replies begin alike, and it is the beginning that the caller
waits for. So the sound of short clauses is kept, the one unused for longest makes room for a new
one, and whoever asks the voice need not know.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pipeline.audio import AudioFrame
from pipeline.threaded import Threaded
from pipeline.turn import Clause

LONGEST_LETTERS = 48
"""Longer clauses hardly ever come again word for word."""

MOST_CLAUSES = 256
"""A clause of that length is 3 s or 48 KB, so all of them are at most 12 MB."""


class Remembered:
    """``Engine[Clause, AudioFrame]`` before another; use as an async context manager."""

    def __init__(self, voice: Threaded[Clause, AudioFrame], most: int = MOST_CLAUSES) -> None:
        """``voice`` is opened and closed along. ``most`` clauses are kept."""
        self._voice = voice
        self._most = most
        # Text to its whole sound; the one that was used last stands last.
        self._sounds: OrderedDict[str, tuple[AudioFrame, ...]] = OrderedDict()

    async def __aenter__(self) -> Remembered:
        """As the voice does."""
        await self._voice.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """As the voice does."""
        await self._voice.__aexit__(*exc_info)

    async def stream(self, request: Clause, /) -> AsyncGenerator[AudioFrame, None]:
        """The clause's frames; at once where it was said before.

        If cancelled or closed, so is the voice, and a clause that was not said to its end is not
        kept.

        Raises:
            EngineFailed: as the voice does.
        """
        known = self._sounds.get(request.text)
        if known is not None:
            self._sounds.move_to_end(request.text)
            for frame in known:
                yield frame
            return
        made: list[AudioFrame] = []
        async with aclosing(self._voice.stream(request)) as frames:
            async for frame in frames:
                made.append(frame)
                yield frame
        self._keep(request.text, tuple(made))

    def _keep(self, text: str, made: tuple[AudioFrame, ...]) -> None:
        if len(text) > LONGEST_LETTERS:
            return
        self._sounds[text] = made
        while len(self._sounds) > self._most:
            self._sounds.popitem(last=False)
