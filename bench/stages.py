"""Each engine alone: first result and total, under 1, 4 and 16 callers at once.

What the ledger shows as one number is here taken apart: how fast an engine is when nobody else
asks, and how it shares itself when many do. Requests differ, so that no cache answers twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from bench.alone import (
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
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.errors import EngineFailed

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


async def measure(
    engine: Engine[R, T],
    requests: Iterator[R],
    callers: int,
    count: int,
    *,
    seconds_of: Callable[[R | T], float] | None = None,
    single: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> StageLoad:
    """Let ``callers`` ask at once, each its next request when the last one is answered.

    ``count`` requests in all; ``seconds_of`` tells how much sound is in a request or result;
    ``single``: the engine gives one result, and is left as soon as it has, as ``only`` does. If
    cancelled, all requests are abandoned.
    """
    firsts: list[float] = []
    totals: list[float] = []
    failures = 0
    sound_s = 0.0
    left = count

    async def ask() -> None:
        nonlocal failures, sound_s, left
        while left > 0:
            left -= 1
            request = next(requests)
            asked = clock()
            first = None
            sound_s += seconds_of(request) if seconds_of else 0.0
            try:
                async with aclosing(engine.stream(request)) as results:
                    async for result in results:
                        first = first or clock() - asked
                        sound_s += seconds_of(result) if seconds_of else 0.0
                        if single:
                            break
            except EngineFailed:
                failures += 1
                continue
            if first is not None:
                firsts.append(first * 1000)
                totals.append((clock() - asked) * 1000)

    began = clock()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(ask())
    lasted = clock() - began
    return StageLoad(
        callers,
        summary(firsts),
        summary(totals),
        round(len(totals) / lasted, 2),
        round(sound_s / lasted, 2) if seconds_of else None,
        failures,
    )


async def run_stages(
    settings: Settings, config: Path, folder: Path, names: Sequence[str], console: Console
) -> dict[str, list[StageLoad]]:
    """Open each named engine (``asr``, ``llm``, ``tts``), one after the other, and measure it.

    If cancelled, what was opened is closed.

    Raises:
        WeightsError, SettingsError, ServerFailed: an engine cannot be opened.
    """
    loads: dict[str, list[StageLoad]] = {}
    for name in names:
        console.print(f"{name}: opening")
        async with AsyncExitStack() as stack:
            match name:
                case "asr":
                    asr = await stack.enter_async_context(alone_asr(settings))
                    loads[name] = await _ramp(
                        asr, utterances(), console, seconds_of=seconds_of_speech, single=True
                    )
                case "tts":
                    tts = await stack.enter_async_context(alone_tts(settings))
                    loads[name] = await _ramp(tts, replies(), console, seconds_of=seconds_of_frame)
                case "llm":
                    opening = alone_llm(settings, config, folder, console)
                    llm = await stack.enter_async_context(opening)
                    loads[name] = await _ramp(llm, prompts(settings), console)
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
    engine: Engine[R, T],
    requests: Iterator[R],
    console: Console,
    *,
    seconds_of: Callable[[R | T], float] | None = None,
    single: bool = False,
) -> list[StageLoad]:
    loads = []
    for callers in CALLERS:
        load = await measure(
            engine, requests, callers, max(12, 2 * callers), seconds_of=seconds_of, single=single
        )
        loads.append(load)
        console.print(f"  {callers} callers: {load.per_s} a second")
    return loads
