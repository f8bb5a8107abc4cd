"""A short clause is made once, and never half."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import aclosing

import numpy as np
import pytest

from pipeline.audio import LINE_RATE, AudioFrame
from pipeline.errors import EngineFailed
from pipeline.threaded import Threaded
from pipeline.tts.remembered import LONGEST_LETTERS, Remembered
from pipeline.turn import Clause


class Voice:
    """Three frames for each text, and a count of the texts that were made."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def work(self, request: Clause) -> Generator[AudioFrame, None, None]:
        text = request.text
        self.made.append(text)
        for index in range(3):
            if text == "bad" and index == 2:
                raise RuntimeError("no more memory")
            yield AudioFrame(np.full(1600, len(text), np.int16), LINE_RATE, index * 0.2)

    def remembered(self, most: int = 8) -> Remembered:
        voice: Threaded[Clause, AudioFrame] = Threaded(
            "voice", self.work, threads=1, timeout_s=10.0, failures=(RuntimeError,)
        )
        return Remembered(voice, most)


async def said(voice: Remembered, request: Clause) -> list[AudioFrame]:
    async with aclosing(voice.stream(request)) as frames:
        return [frame async for frame in frames]


def run(main: Coroutine[None, None, None]) -> None:
    asyncio.run(main)


def test_the_second_time_it_is_the_same_sound_and_costs_the_voice_nothing() -> None:
    maker = Voice()

    async def main() -> None:
        async with maker.remembered() as voice:
            first = await said(voice, Clause("Sure."))
            assert await said(voice, Clause("Sure.", due=3.0)) == first
            assert len(first) == 3

    run(main())
    assert maker.made == ["Sure."]


def test_a_long_clause_is_not_kept() -> None:
    maker = Voice()
    text = "a" * (LONGEST_LETTERS + 1)

    async def main() -> None:
        async with maker.remembered() as voice:
            assert len(await said(voice, Clause(text))) == len(await said(voice, Clause(text)))

    run(main())
    assert maker.made == [text, text]


def test_the_one_unused_for_longest_makes_room() -> None:
    maker = Voice()

    async def main() -> None:
        async with maker.remembered(most=2) as voice:
            for text in ("one", "two", "one", "three", "one", "two"):
                await said(voice, Clause(text))

    run(main())
    assert maker.made == ["one", "two", "three", "two"]


def test_a_clause_that_was_cut_off_is_not_kept() -> None:
    maker = Voice()

    async def main() -> None:
        async with maker.remembered() as voice:
            async with aclosing(voice.stream(Clause("Sure."))) as frames:
                await anext(frames)
            assert len(await said(voice, Clause("Sure."))) == 3

    run(main())
    assert maker.made == ["Sure.", "Sure."]


def test_a_clause_that_failed_is_not_kept() -> None:
    maker = Voice()

    async def main() -> None:
        async with maker.remembered() as voice:
            for _ in range(2):
                with pytest.raises(EngineFailed, match="no more memory"):
                    await said(voice, Clause("bad"))

    run(main())
    assert maker.made == ["bad", "bad"]


def test_it_closes_the_voice() -> None:
    async def main() -> None:
        async with Voice().remembered() as voice:
            pass
        with pytest.raises(EngineFailed, match="was shut down"):
            await said(voice, Clause("late"))

    run(main())
