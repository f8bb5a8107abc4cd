import asyncio
from collections.abc import AsyncGenerator
from itertools import count

import pytest

from bench.stages import Measuring, StageLoad, measure
from pipeline.errors import EngineFailed
from pipeline.fakes import Scripted
from tests.clock import run


class OneAtATime:
    """An engine with one worker: 100 ms to the first of two results, 50 ms to the second."""

    def __init__(self) -> None:
        self._worker = asyncio.Lock()

    async def stream(self, request: int, /) -> AsyncGenerator[str, None]:
        async with self._worker:
            await asyncio.sleep(0.1)
            yield "first"
            await asyncio.sleep(0.05)
            yield "second"


def measured(callers: int, requests: int = 8) -> StageLoad:
    async def main() -> StageLoad:
        clock = asyncio.get_running_loop().time
        return await measure(OneAtATime(), count(), callers, requests, Measuring(clock=clock))

    return run(main())


def test_first_result_and_total_are_told_apart() -> None:
    load = measured(callers=1)
    assert load.first_ms["n"] == 8
    assert load.first_ms["p50"] == pytest.approx(100)
    assert load.total_ms["p50"] == pytest.approx(150)
    assert load.per_s == pytest.approx(1 / 0.15, rel=0.01)


def test_callers_ask_at_once_and_wait_for_each_other() -> None:
    load = measured(callers=4)
    assert load.first_ms["max"] == pytest.approx(3 * 150 + 100)
    assert load.per_s == pytest.approx(1 / 0.15, rel=0.01)


def test_failures_are_counted_and_not_timed() -> None:
    async def main() -> StageLoad:
        engine: Scripted[int, str] = Scripted(
            lambda request: [(0.1, EngineFailed("it", "broke") if request % 2 else "result")]
        )
        return await measure(
            engine, count(), 2, 10, Measuring(clock=asyncio.get_running_loop().time)
        )

    load = run(main())
    assert load.failures == 5
    assert load.first_ms["n"] == 5


def test_sound_is_counted_in_requests_and_results() -> None:
    async def main() -> StageLoad:
        engine: Scripted[int, str] = Scripted(lambda request: [(0.5, "sound")])
        clock = asyncio.get_running_loop().time
        seconds = lambda item: 2.0 if isinstance(item, str) else 0.0  # noqa: E731
        return await measure(engine, count(), 1, 4, Measuring(seconds, clock=clock))

    assert run(main()).audio_per_s == pytest.approx(4.0)
