"""Answers begun before their turn is over, against a real PostgreSQL: no write is ever seen early.

Another connection looks at the tables all the time. Real time: a database has no fake clock.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from pipeline.call import Call
from pipeline.config import DatabaseSettings
from pipeline.fakes import Scripted, fake_tts
from pipeline.reply import Engines
from pipeline.tools.callbacks import callback_tool
from pipeline.tools.crm import Crm
from pipeline.tools.database import open_database
from pipeline.tools.registry import Toolbox
from pipeline.turn import Prompt, Say, Speech, ToolCall, Transcript
from tests.fakes import FakeLine
from tests.stage import SETTINGS, AllSpeech, Ready

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)

SAYS = "call me back tomorrow at three pm"

# The caller pauses four times for long enough that an answer is begun, and goes on each time.
PAUSING: list[float | str] = [-1.5, 0.6, -0.2, 0.4, -0.3, 0.4, -0.16, 0.4, -0.34, 0.5, -2.5]


def seen_at(rows: list[tuple[float, int]]) -> float | None:
    """When the first row was seen."""
    return next((at for at, count in rows if count), None)


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_write_of_an_uncommitted_turn_is_never_visible(database_url: str, hangs_up: bool) -> None:
    rows: list[tuple[float, int]] = []
    call, effects = asyncio.run(_carry(database_url, rows, hangs_up))
    counts = call.speculation
    assert counts.discarded == 4
    if hangs_up:  # in the last pause, before the turn is over
        assert seen_at(rows) is None
        assert effects == 0
        return
    (turn,) = call.turns[1:]
    seen = seen_at(rows)
    assert seen is not None
    assert seen >= turn.speech_end + turn.marks["committed"]
    assert max(count for _, count in rows) == 1
    assert effects == 1
    assert [result.committed for result in turn.tools] == [True]


async def _carry(url: str, rows: list[tuple[float, int]], hangs_up: bool) -> tuple[Call, int]:
    async with open_database(url, DatabaseSettings(pool_size=4)) as database:
        contact = await Crm(database, "America/Chicago").demo_contact()
        asr: Scripted[Speech, Transcript] = Scripted(lambda speech: [(0.02, Transcript(SAYS))])
        llm: Scripted[Prompt, Say | ToolCall] = Scripted(
            lambda prompt: [(0.02, ToolCall("schedule_callback", {"at": "tomorrow at three pm"}))]
        )
        tools = Toolbox([callback_tool(database)])
        engines = Engines(asr, llm, fake_tts(), Ready(), tools, AllSpeech())  # type: ignore[arg-type]
        script = [*PAUSING[:-1], -0.2 if hangs_up else -2.5]
        call = Call(FakeLine(script), engines, SETTINGS, contact=contact, clock=lambda: NOW)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_watch(url, rows))
            await call.run()
            await asyncio.sleep(0.2)
            watching.cancel()
        return call, len(await database.fetch("SELECT 1 FROM effects"))


async def _watch(url: str, rows: list[tuple[float, int]]) -> None:
    """Note how many callbacks others can see, every few milliseconds."""
    connection = await asyncpg.connect(url)
    loop = asyncio.get_running_loop()
    try:
        while True:
            count = await connection.fetchval("SELECT count(*) FROM callbacks")
            rows.append((loop.time(), count))
            await asyncio.sleep(0.005)
    finally:
        connection.terminate()
