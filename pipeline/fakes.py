"""Engines without weights, for ``engines = "fake"``: media benchmarks, and a first look.

They answer every request with the same plausible result after a fixed delay. They are no measure of
anything but what surrounds them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Generic, TypeVar

import numpy as np

from pipeline.audio import LINE_RATE, AudioFrame
from pipeline.turn import Clause, Prompt, Say, Speech, ToolCall, Transcript

Req_contra = TypeVar("Req_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

_CHUNK_S = 0.2
_LETTERS_PER_S = 14.0


class Scripted(Generic[Req_contra, Out_co]):
    """An engine that plays what ``script`` gives for a request: pairs of delay and result.

    A delay is in seconds before its result. A result that is an exception is raised.
    """

    def __init__(
        self, script: Callable[[Req_contra], Iterable[tuple[float, Out_co | Exception]]]
    ) -> None:
        self._script = script
        self.opened = 0
        self.closed = 0

    async def stream(self, request: Req_contra, /) -> AsyncGenerator[Out_co, None]:
        """Play the script. If cancelled or closed, the rest of it is dropped."""
        self.opened += 1
        try:
            for delay, result in self._script(request):
                await asyncio.sleep(delay)
                if isinstance(result, Exception):
                    raise result
                yield result
        finally:
            self.closed += 1


def fake_asr(delay_s: float = 0.1) -> Scripted[Speech, Transcript]:
    """Understands the same words in everything."""
    return Scripted(lambda speech: [(delay_s, Transcript("Tell me more about it."))])


def fake_llm(
    reply: str = "Sure. We bring fresh coffee to your office every week.",
    first_s: float = 0.05,
    token_s: float = 0.01,
) -> Scripted[Prompt, Say | ToolCall]:
    """Says ``reply`` word by word."""

    def script(prompt: Prompt) -> Iterable[tuple[float, Say | ToolCall]]:
        for index, word in enumerate(reply.split(" ")):
            yield (token_s if index else first_s), Say(word if index == 0 else f" {word}")

    return Scripted(script)


def fake_tts(first_s: float = 0.03, chunk_s: float = 0.005) -> Scripted[Clause, AudioFrame]:
    """Hums for as long as it would take to say the text."""

    def script(clause: Clause) -> Iterable[tuple[float, AudioFrame]]:
        return [
            (chunk_s if index else first_s, frame)
            for index, frame in enumerate(hum_frames(clause.text))
        ]

    return Scripted(script)


def hum_frames(text: str) -> list[AudioFrame]:
    """A soft 220 Hz tone as long as ``text`` would take to say, in frames of at most 200 ms."""
    count = int(max(1, len(text)) / _LETTERS_PER_S * LINE_RATE)
    tone = 4000 * np.sin(2 * np.pi * 220 * np.arange(count) / LINE_RATE)
    pcm = tone.astype(np.int16)
    step = int(_CHUNK_S * LINE_RATE)
    return [
        AudioFrame(pcm[start : start + step], LINE_RATE, start / LINE_RATE)
        for start in range(0, count, step)
    ]
