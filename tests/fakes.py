"""A line without a telephone: plays a scripted caller, notes what the agent does, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np

from pipeline.audio import FRAME_SAMPLES, LINE_RATE, AudioFrame, Pcm
from pipeline.line import CallInfo
from pipeline.turn import KeyPressed, LineEvent, MarkPlayed

FRAME_S = FRAME_SAMPLES / LINE_RATE


def speech(seconds: float) -> Pcm:
    """Something that webrtcvad takes for a voice: a 130 Hz buzz with a syllable's swell."""
    time = np.arange(round(seconds * LINE_RATE)) / LINE_RATE
    buzz = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 20))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    return (5000 * buzz * swell).astype(np.int16)


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * LINE_RATE), np.int16)


@dataclass
class FakeLine:
    """Yields ``script`` in real time of the loop's clock, then hangs up.

    A script's numbers are seconds: positive speech, negative silence; a string is keys pressed.
    The far end plays what it is sent without a gap, returns marks when they are played, and drops
    everything, marks too, when told to clear.
    """

    script: list[float | str]
    info: CallInfo = field(default_factory=lambda: CallInfo("test", "fake"))
    log: list[tuple[float, str, float | str]] = field(default_factory=list)
    """(clock reading, "play" | "mark" | "clear" | "hang_up", seconds of sound or name)."""

    _dry_at: float = 0.0
    _marks: list[tuple[float, str]] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[LineEvent]:
        loop = asyncio.get_running_loop()
        answered = loop.time()
        index = 0
        for step in self.script:
            if isinstance(step, str):
                for digit in step:
                    yield KeyPressed(digit)
                continue
            pcm = speech(step) if step > 0 else silence(-step)
            for start in range(0, len(pcm), FRAME_SAMPLES):
                due = answered + (index + 1) * FRAME_S
                await asyncio.sleep(max(0.0, due - loop.time()))
                while self._marks and self._marks[0][0] <= loop.time():
                    yield MarkPlayed(self._marks.pop(0)[1])
                yield AudioFrame(pcm[start : start + FRAME_SAMPLES], LINE_RATE, index * FRAME_S)
                index += 1

    async def play(self, pcm: Pcm) -> None:
        seconds = len(pcm) / LINE_RATE
        self._dry_at = max(self._dry_at, self._note("play", seconds)) + seconds

    async def mark(self, name: str) -> None:
        self._marks.append((max(self._dry_at, self._note("mark", name)), name))

    async def clear(self) -> None:
        self._dry_at = self._note("clear", "")
        self._marks.clear()

    async def hang_up(self) -> None:
        self._note("hang_up", "")

    def _note(self, kind: str, what: float | str) -> float:
        now = asyncio.get_running_loop().time()
        self.log.append((now, kind, what))
        return now

    def times(self, kind: str) -> list[float]:
        return [at for at, what, _ in self.log if what == kind]
