"""Each engine alone: first result and total, under 1, 4 and 16 callers at once.

What the ledger shows as one number is here taken apart: how fast an engine is when nobody else
asks, and how it shares itself when many do. Requests differ, so that no cache answers twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.console import Console

from bench.alone import (
    EngineName,
    alone_asr,
    alone_llm,
    alone_tts,
    prompts,
    replies,
    seconds_of_frame,
    seconds_of_speech,
    utterances,
)
from bench.plots import draw_stages
from bench.report import Report, table
from bench.stats import Summary, shown, summary
from pipeline.audio import AudioFrame
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.errors import EngineFailed
from pipeline.turn import Clause, Prompt, Say, Speech, ToolCall, Transcript

CALLERS = (1, 4, 16)

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StageLoad:
    """One engine under one number of callers."""

    callers: int
    first_ms: Summary
    """From asking to the first result."""

    total_ms: Summary
    per_s: float
    """Requests answered per second."""

    audio_per_s: float | None
    """Seconds of speech read or made per second; None for text."""

    failures: int

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "callers": self.callers,
            "first_ms": self.first_ms,
            "total_ms": self.total_ms,
            "per_s": self.per_s,
            "audio_per_s": self.audio_per_s,
            "failures": self.failures,
        }


@dataclass(frozen=True, slots=True)
class Measuring(Generic[R, T]):
    """How an engine is measured."""

    seconds_of: Callable[[R | T], float] | None = None
    """How much sound is in a request or result; None for text."""

    single: bool = False
    """The engine gives one result, and is left as soon as it has, as ``only`` does."""

    clock: Callable[[], float] = time.monotonic


async def measure(
    engine: Engine[R, T], requests: Iterator[R], callers: int, count: int, how: Measuring[R, T]
) -> StageLoad:
    """Let ``callers`` ask at once, each its next request when the last one is answered.

    ``count`` requests in all. If cancelled, all requests are abandoned.
    """
    tally = _Tally()
    shared = islice(requests, count)
    began = how.clock()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(_ask(engine, shared, tally, how))
    lasted = how.clock() - began
    return StageLoad(
        callers,
        summary(tally.firsts),
        summary(tally.totals),
        round(len(tally.totals) / lasted, 2),
        round(tally.sound_s / lasted, 2) if how.seconds_of else None,
        tally.failures,
    )


@dataclass(slots=True)
class _Tally:
    """What the callers of one load have seen; milliseconds."""

    firsts: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    failures: int = 0
    sound_s: float = 0.0


async def _ask(
    engine: Engine[R, T], requests: Iterator[R], tally: _Tally, how: Measuring[R, T]
) -> None:
    """One caller: asks until the requests, which all share, are used up."""
    for request in requests:
        asked = how.clock()
        first = None
        sound_s = how.seconds_of(request) if how.seconds_of else 0.0
        try:
            async with aclosing(engine.stream(request)) as results:
                async for result in results:
                    first = first or how.clock() - asked
                    sound_s += how.seconds_of(result) if how.seconds_of else 0.0
                    if how.single:
                        break
        except EngineFailed:
            tally.failures += 1
            continue
        if first is not None:
            tally.firsts.append(first * 1000)
            tally.totals.append((how.clock() - asked) * 1000)
            tally.sound_s += sound_s


async def run_stages(
    settings: Settings,
    config: Path,
    folder: Path,
    names: Sequence[EngineName],
    console: Console,
) -> dict[str, list[StageLoad]]:
    """Open each named engine, one after the other, and measure it.

    If cancelled, what was opened is closed.

    Raises:
        WeightsError, SettingsError, ServerFailed: an engine cannot be opened.
    """
    loads: dict[str, list[StageLoad]] = {}
    for name in names:
        console.print(f"{name}: opening")
        match name:
            case EngineName.ASR:
                hearing: Measuring[Speech, Transcript] = Measuring(seconds_of_speech, single=True)
                async with alone_asr(settings) as asr:
                    loads[name.value] = await _ramp(asr, utterances(), console, hearing)
            case EngineName.LLM:
                thinking: Measuring[Prompt, Say | ToolCall] = Measuring()
                async with alone_llm(settings, config, folder, console) as llm:
                    loads[name.value] = await _ramp(llm, prompts(settings), console, thinking)
            case EngineName.TTS:
                speaking: Measuring[Clause, AudioFrame] = Measuring(seconds_of_frame)
                async with alone_tts(settings) as tts:
                    loads[name.value] = await _ramp(tts, replies(), console, speaking)
    return loads


def report_of(loads: dict[str, list[StageLoad]], settings: Settings) -> Report:
    """Table and picture."""
    columns = ("callers", "first p50", "p95", "total p50", "p95", "a second", "audio s/s", "failed")
    tables = [
        table(
            f"{name}, ms",
            columns,
            [
                (
                    load.callers,
                    *shown(load.first_ms, "p50", "p95"),
                    *shown(load.total_ms, "p50", "p95"),
                    load.per_s,
                    "-" if load.audio_per_s is None else load.audio_per_s,
                    load.failures,
                )
                for load in measured
            ],
        )
        for name, measured in loads.items()
    ]
    drawn = {
        name: {
            load.callers: {"first_ms": load.first_ms, "total_ms": load.total_ms}
            for load in measured
            if load.first_ms["n"]
        }
        for name, measured in loads.items()
    }
    return Report(
        bench="stages",
        results={name: [load.as_json() for load in measured] for name, measured in loads.items()},
        tables=tables,
        draw=lambda figure: draw_stages(figure, drawn),
        settings=settings,
    )


async def _ramp(
    engine: Engine[R, T], requests: Iterator[R], console: Console, how: Measuring[R, T]
) -> list[StageLoad]:
    loads = []
    for callers in CALLERS:
        load = await measure(engine, requests, callers, max(12, 2 * callers), how)
        loads.append(load)
        console.print(f"  {callers} callers: {load.per_s} a second")
    return loads
