"""Callbacks in a real PostgreSQL: one row a wish, the last wish of a call wins, nothing vague."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from pipeline.config import DatabaseSettings
from pipeline.tools.callbacks import callback_tool
from pipeline.tools.crm import Contact, Crm
from pipeline.tools.database import Database, open_database
from pipeline.tools.registry import Toolbox, ToolContext, open_question
from pipeline.turn import ToolCall, ToolResult

NOW = datetime.fromisoformat("2026-03-02T10:00:00-06:00")  # a Monday


class Desk:
    """One caller, one toolbox, one database."""

    def __init__(self, database: Database, contact: Contact) -> None:
        self.database = database
        self.contact: Contact | None = contact
        self.tool = callback_tool(database)
        self.toolbox = Toolbox([self.tool])

    async def ask(self, at: str, turn: int = 1, call: str = "call", **more: Any) -> ToolResult:
        context = ToolContext(call, turn, self.contact, NOW, **more)
        return await self.toolbox.use(context, ToolCall("schedule_callback", {"at": at}))

    async def rows(self, status: str = "waiting") -> list[str]:
        """Local times of the callbacks of this status."""
        rows = await self.database.fetch(
            "SELECT to_char(due_at AT TIME ZONE timezone, 'YYYY-MM-DD\"T\"HH24:MI') AS at "
            "FROM callbacks WHERE status = $1 ORDER BY id",
            status,
        )
        return [row["at"] for row in rows]

    async def effects(self) -> int:
        return len(await self.database.fetch("SELECT 1 FROM effects"))

    def spoken(self, result: ToolResult) -> str:
        assert self.tool.speak is not None
        return self.tool.speak(result)


def on(url: str, steps: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_database(url, DatabaseSettings(pool_size=4)) as database:
            contact = await Crm(database, "America/Chicago").demo_contact()
            await steps(Desk(database, contact))

    asyncio.run(main())


@pytest.mark.real
def test_a_spoken_time_becomes_one_row_and_one_true_sentence(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        result = await desk.ask("tomorrow at three")
        assert result.committed
        assert result.resolved == {"at": "2026-03-03T15:00"}
        assert result.result["scheduled"] is True
        assert desk.spoken(result) == ("Good, I will call you back on Tuesday, March 3rd, at 3 PM.")
        assert await desk.rows() == ["2026-03-03T15:00"]
        row = await desk.database.fetchrow("SELECT * FROM effects")
        assert row is not None
        assert row["key"] == "call/1/schedule_callback/2026-03-03T21:00:00+00:00"
        assert row["resolved"] == {"at": "2026-03-03T15:00"}

    on(database_url, steps)


@pytest.mark.real
def test_the_same_request_twice_is_one_row_however_it_is_worded(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        first = await desk.ask("tomorrow at three")
        second = await desk.ask("three p.m. tomorrow")
        later = await desk.ask("tomorrow at three", turn=4)
        assert first.result == second.result == later.result
        assert second.committed
        assert later.committed
        assert await desk.rows() == ["2026-03-03T15:00"]
        assert await desk.effects() == 1

    on(database_url, steps)


@pytest.mark.real
def test_twenty_of_the_same_request_at_once_are_one_row(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        async with asyncio.TaskGroup() as group:
            asks = [group.create_task(desk.ask("tomorrow at three")) for _ in range(20)]
        assert all(ask.result().committed for ask in asks)
        assert await desk.rows() == ["2026-03-03T15:00"]
        assert await desk.effects() == 1

    on(database_url, steps)


@pytest.mark.real
def test_a_changed_mind_in_a_later_turn_replaces_the_earlier_time(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        await desk.ask("tomorrow at three", turn=1)
        await desk.ask("thursday at ten", turn=3)
        assert await desk.rows() == ["2026-03-05T10:00"]
        assert await desk.rows("superseded") == ["2026-03-03T15:00"]

    on(database_url, steps)


@pytest.mark.real
def test_a_mind_changed_back_within_a_turn_stands_at_the_last_value(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        for at in ("tomorrow at three", "tomorrow at four", "tomorrow at three"):
            result = await desk.ask(at)
        assert result.resolved == {"at": "2026-03-03T15:00"}
        assert await desk.rows() == ["2026-03-03T15:00"]
        assert await desk.rows("superseded") == ["2026-03-03T16:00"]

    on(database_url, steps)


@pytest.mark.real
def test_a_write_that_was_overtaken_by_a_later_turns_changes_nothing(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        await desk.ask("thursday at ten", turn=3)
        late = await desk.ask("tomorrow at three", turn=1)
        assert not late.committed
        assert late.result["scheduled"] is False
        assert "Thursday, March 5th, at 10 AM" in desk.spoken(late)
        assert await desk.rows() == ["2026-03-05T10:00"]

    on(database_url, steps)


@pytest.mark.real
def test_two_calls_have_a_callback_each(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        await desk.ask("tomorrow at three", call="one")
        await desk.ask("tomorrow at three", call="two")
        assert await desk.rows() == ["2026-03-03T15:00", "2026-03-03T15:00"]

    on(database_url, steps)


@pytest.mark.real
@pytest.mark.parametrize(
    "span", ["later", "tomorrow", "sometime next week", "after three", "zebra"]
)
def test_a_vague_time_is_asked_about_and_nothing_is_written(database_url: str, span: str) -> None:
    async def steps(desk: Desk) -> None:
        result = await desk.ask(span)
        assert not result.committed
        assert result.resolved == {}
        assert desk.spoken(result).endswith("?")
        assert await desk.rows() == []
        assert await desk.effects() == 0

    on(database_url, steps)


@pytest.mark.real
def test_the_answer_to_the_question_completes_it(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        said = "call me tomorrow"
        assert desk.toolbox.cued_by(said) is desk.tool
        question = await desk.ask("tomorrow", said=said)
        assert desk.spoken(question) == "What time tomorrow?"
        asked = open_question([question])
        assert desk.toolbox.cued_by("three o'clock", asked) is desk.tool
        answer = await desk.ask("three o'clock", turn=2, said="three o'clock", asked=asked)
        assert answer.resolved == {"at": "2026-03-03T15:00"}

    on(database_url, steps)


@pytest.mark.real
def test_a_time_is_the_contacts_local_time(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        crm = Crm(desk.database, "UTC")
        desk.contact = await crm.upsert_contact(phone="+442079460018", timezone="Europe/London")
        assert (await desk.ask("tomorrow at three")).resolved == {"at": "2026-03-03T15:00"}
        row = await desk.database.fetchrow("SELECT due_at FROM callbacks")
        assert row is not None
        assert row["due_at"] == datetime.fromisoformat("2026-03-03T15:00:00+00:00")

    on(database_url, steps)


@pytest.mark.real
def test_a_number_on_the_do_not_call_list_is_promised_nothing(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        assert desk.contact is not None
        await desk.database.fetch("INSERT INTO do_not_call (phone) VALUES ($1)", desk.contact.phone)
        result = await desk.ask("tomorrow at three")
        assert "do-not-call" in result.result["error"]
        assert await desk.rows() == []

    on(database_url, steps)


@pytest.mark.real
def test_a_caller_without_a_number_is_told_so(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        desk.contact = None
        result = await desk.ask("tomorrow at three")
        assert desk.spoken(result) == "Sorry, there is no number on file to call back."

    on(database_url, steps)


@pytest.mark.real
def test_a_write_cancelled_at_any_moment_is_whole_or_nothing(database_url: str) -> None:
    async def steps(desk: Desk) -> None:
        for rounds in range(40):
            asking = asyncio.create_task(desk.ask("tomorrow at three", call=f"call {rounds}"))
            for _ in range(rounds):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
        pairs = await desk.database.fetch(
            "SELECT callbacks.key AS callback, effects.key AS effect "
            "FROM callbacks FULL JOIN effects USING (key)"
        )
        assert all(pair["callback"] and pair["effect"] for pair in pairs)
        assert (await desk.ask("tomorrow at three", call="call 0")).committed

    on(database_url, steps)


@pytest.mark.real
def test_arguments_that_do_not_fit_write_nothing_and_the_caller_hears_a_question(
    database_url: str,
) -> None:
    async def steps(desk: Desk) -> None:
        context = ToolContext("call", 1, desk.contact, NOW)
        for arguments in ({}, {"at": 3}, {"at": ""}, {"at": "three", "for": "me"}):
            call = ToolCall("schedule_callback", arguments)
            result = await desk.toolbox.use(context, call)
            assert "argument" in result.result
            assert desk.spoken(result) == "What day and time would suit you?"
        assert await desk.rows() == []

    on(database_url, steps)


@pytest.mark.parametrize(
    ("said", "cued"),
    [
        ("call me tomorrow at three", True),
        ("Could you ring me back on Thursday?", True),
        ("just call me back", True),
        ("give me a call next week", True),
        ("I can't talk now, phone me at four", True),
        ("Can you call me in twenty minutes.", True),
        ("please schedule a callback", True),
        ("don't call me again", False),
        ("never call me back", False),
        ("please stop calling me", False),
        ("did you call me yesterday", False),
        ("why do you call me at home", False),
        ("you can call me Dana", False),
        ("what does it cost", False),
        ("I call that expensive", False),
    ],
)
def test_the_cue_is_a_request_to_be_called(said: str, cued: bool) -> None:
    tool = callback_tool(Database.__new__(Database))
    assert (Toolbox([tool]).cued_by(said) is tool) == cued
