"""The desk on a jumping clock: who is answered, what is kept of it, what is shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from parley.desk import Desk
from parley.house import House
from pipeline.build import fakes
from pipeline.config import Settings
from pipeline.errors import LineError, ToolFailed
from pipeline.fakes import hum_frames
from pipeline.line import CallInfo
from pipeline.metrics import Metrics
from pipeline.reply import Engines
from pipeline.tools.crm import Contact
from pipeline.tools.registry import Toolbox
from tests import clock
from tests.fakes import FakeLine
from tests.stage import AllSpeech

DANA = Contact(1, "+13125550142", "Dana Reyes")


class Phrases:
    def get(self, text: str) -> Any:
        return tuple(hum_frames(text))


class Crm:
    """Knows Dana, takes its time, or fails."""

    def __init__(self, takes_s: float = 0.0, fails: bool = False) -> None:
        self.takes_s = takes_s
        self.fails = fails

    async def caller(self, phone: str) -> Contact | None:
        await asyncio.sleep(self.takes_s)
        if self.fails:
            raise ToolFailed("crm", "the database is away")
        return DANA if phone == DANA.phone else None


class Store:
    def __init__(self) -> None:
        self.saved: dict[str, dict[str, Any]] = {}

    async def save_call(self, record: dict[str, Any]) -> None:
        await asyncio.sleep(0.1)
        self.saved[record["id"]] = record

    async def load_call(self, call_id: str) -> dict[str, Any] | None:
        return self.saved.get(call_id)

    async def recent_calls(self, limit: int) -> list[dict[str, Any]]:
        return list(self.saved.values())[:limit]


def desk_with(crm: Crm | None = None, store: Store | None = None, **server: Any) -> Desk:
    desk = Desk(Settings.model_validate({"server": server}), Metrics())
    engines = Engines(*fakes(), Phrases(), Toolbox(()), AllSpeech())  # type: ignore[arg-type]
    desk.house = House(engines, crm, store)  # type: ignore[arg-type]
    return desk


def line(script: list[float | str], phone: str = DANA.phone) -> FakeLine:
    return FakeLine(script, CallInfo("CA1", "twilio", "CA1", {"phone": phone}))


def test_a_call_before_everything_is_ready_is_refused_with_the_reason() -> None:
    desk = Desk(Settings(), Metrics())
    desk.opened("asr")
    assert not all(desk.ready().values())
    with pytest.raises(LineError, match="llm, tts, database"):
        clock.run(desk.answer(line([-1.0])))


def test_an_ended_call_is_saved_as_the_api_showed_it() -> None:
    store = Store()
    desk = desk_with(Crm(), store)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(desk.answer(line([-6.0, 1.0, -6.0, "5"])))
            await asyncio.sleep(12.0)
            live = await desk.call("CA1")
            assert live is not None
            assert (live["ended_by"], len(live["turns"])) == (None, 2)
            assert (await desk.calls())[0]["turns"] == 2
        ended = await desk.call("CA1")
        assert ended == store.saved["CA1"]
        assert ended["ended_by"] == "caller"
        assert ended["contact"]["name"] == "Dana Reyes"
        assert ended["keys"] == "5"
        assert ended["turns"][1]["caller"] == "Tell me more about it."
        assert ended["turns"][1]["marks"]["sent"] > 0

    clock.run(main())


@pytest.mark.parametrize("crm", [Crm(takes_s=5.0), Crm(fails=True), None])
def test_a_slow_or_broken_database_does_not_keep_the_caller_waiting(crm: Crm | None) -> None:
    answered = line([-2.0])
    clock.run(desk_with(crm).answer(answered))
    assert answered.times("play")[0] <= 0.31


def test_a_call_that_lasts_too_long_is_ended() -> None:
    long_line = line([-60.0])
    desk = desk_with(max_call_s=10.0)
    clock.run(desk.answer(long_line))
    assert long_line.times("hang_up") == [10.0]

    async def ended_by() -> Any:
        return ((await desk.call("CA1")) or {})["ended_by"]

    assert clock.run(ended_by()) == "limit"


def test_a_call_that_our_shutdown_ends_is_saved_too() -> None:
    store = Store()
    desk = desk_with(Crm(), store)

    async def main() -> None:
        call = asyncio.create_task(desk.answer(line([-60.0])))
        await asyncio.sleep(5.0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(1.0)

    clock.run(main())
    assert store.saved["CA1"]["ended_by"] == "server"


def test_metrics_count_calls_and_turns() -> None:
    desk = desk_with(Crm(), Store())
    clock.run(desk.answer(line([-6.0, 1.0, -6.0])))
    value = desk.registry.get_sample_value
    assert value("parley_calls_total", {"by": "caller"}) == 1
    assert value("parley_calls_live") == 0
    assert value("parley_turns_total", {"outcome": "answered"}) == 1
    assert value("parley_turn_mark_seconds_count", {"mark": "sent"}) == 1


def test_a_recording_is_offered_when_the_call_has_ended(tmp_path: Path) -> None:
    desk = desk_with(record_dir=tmp_path)
    assert desk.recording("CA1") is None
    clock.run(desk.answer(line([-1.0])))
    assert desk.recording("CA1") == tmp_path / "CA1.wav"
