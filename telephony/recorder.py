"""A call's recording: a Line that writes down both directions while passing them on.

Stereo WAV at the line's rate, caller left, agent right, aligned as the caller heard them. Blocks of
five seconds go to disk from a thread, so memory is bounded and no disk delays another call. Only
the last block, 160 kB at most, is written on the event loop: a cancelled call cannot wait.
"""

from __future__ import annotations

import asyncio
import threading
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np

from pipeline.audio import LINE_RATE, AudioFrame, Pcm
from pipeline.line import CallInfo, Line
from pipeline.turn import LineEvent

_BLOCK_SAMPLES = 5 * LINE_RATE


class RecordedLine:
    """Wraps a line. Iterate it once; the file is complete when the iteration has ended."""

    def __init__(self, line: Line, path: Path) -> None:
        self._line = line
        self._path = path
        # Agent's sound that the caller has not heard yet, oldest first.
        self._queued = np.zeros(0, np.int16)
        # Frames heard and not yet written, (caller, agent), and their samples.
        self._block: list[tuple[Pcm, Pcm]] = []
        self._block_samples = 0
        self._writing = threading.Lock()

    @property
    def info(self) -> CallInfo:
        return self._line.info

    async def __aiter__(self) -> AsyncIterator[LineEvent]:
        """As the line's. If cancelled, what was heard so far is written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = wave.open(str(self._path), "wb")  # noqa: SIM115 - closed below, in a thread
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(LINE_RATE)
        try:
            async for event in self._line:
                if isinstance(event, AudioFrame):
                    self._hear(event.pcm)
                    if self._block_samples >= _BLOCK_SAMPLES:
                        await asyncio.to_thread(self._write, file, self._take_block())
                yield event
        finally:
            # A block whose thread was left behind by a cancellation is finished first.
            self._write(file, self._take_block())
            file.close()

    async def play(self, pcm: Pcm) -> None:
        await self._line.play(pcm)
        self._queued = np.concatenate((self._queued, pcm))

    async def mark(self, name: str) -> None:
        await self._line.mark(name)

    async def clear(self) -> None:
        await self._line.clear()
        self._queued = self._queued[:0]

    async def hang_up(self) -> None:
        await self._line.hang_up()

    def _write(self, file: wave.Wave_write, block: bytes) -> None:
        with self._writing:
            file.writeframes(block)

    def _hear(self, caller: Pcm) -> None:
        agent = np.zeros_like(caller)
        heard = self._queued[: len(caller)]
        agent[: len(heard)] = heard
        self._queued = self._queued[len(caller) :]
        self._block.append((caller, agent))
        self._block_samples += len(caller)

    def _take_block(self) -> bytes:
        block, self._block, self._block_samples = self._block, [], 0
        if not block:
            return b""
        caller = np.concatenate([left for left, _ in block])
        agent = np.concatenate([right for _, right in block])
        return np.column_stack((caller, agent)).astype("<i2").tobytes()
