import asyncio
import io
from collections.abc import AsyncGenerator
from itertools import count
from pathlib import Path

import pytest
from rich.console import Console

from bench.alone import EngineName
from bench.report import publish
from bench.stages import Measuring, StageLoad, measure, report_of, run_stages
from pipeline.config import parse_settings
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


def test_every_engine_of_the_settings_is_measured_under_every_load(tmp_path: Path) -> None:
    settings = parse_settings({"engines": "fake"})
    console = Console(file=io.StringIO())
    loads = run(run_stages(settings, Path("unused"), Path("unused"), list(EngineName), console))
    assert list(loads) == ["asr", "llm", "tts"]
    for measured_loads in loads.values():
        assert [load.callers for load in measured_loads] == [1, 4, 16]
        assert [load.first_ms["n"] for load in measured_loads] == [12, 12, 32]
        assert all(load.failures == 0 for load in measured_loads)
    report = report_of(loads, settings)
    assert report.results["tts"][0]["audio_per_s"] > 0
    publish(report, tmp_path)
    assert len(list(tmp_path.glob("*-stages.png"))) == 1
