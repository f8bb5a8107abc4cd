"""Call records in a real PostgreSQL: what is loaded is what was saved, whole, and only once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pipeline.config import DatabaseSettings
from pipeline.tools.calls import CallStore
from pipeline.tools.crm import DEMO_PHONE, Crm
from pipeline.tools.database import Database, open_database
from pipeline.turn import ToolCall, ToolResult, Transcript, Turn


def on(url: str, steps: Callable[[CallStore, Database], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_database(url, DatabaseSettings(pool_size=4)) as database:
            await steps(CallStore(database), database)

    asyncio.run(main())


def turn(index: int, text: str) -> dict[str, Any]:
    made = Turn(index, speech_end=100.0)
    made.transcript = Transcript(text)
    made.said = ["Sure.", "Tomorrow then."]
    made.heard = "Sure."
    made.interrupted = True
    made.mark("soft_end", 100.12)
    made.mark("sent", 100.9)
    made.tools.append(
        ToolResult(
            ToolCall("look", {"phone": "me"}), {"found": True}, {"phone": DEMO_PHONE}, ms=3.14
        )
    )
    return made.as_json()


def record(call_id: str = "c1", minute: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": call_id,
        "carrier": "twilio",
        "carrier_id": "CA123",
        "contact": {"name": "Dana Reyes", "phone": DEMO_PHONE},
        "started_at": f"2026-03-02T16:{minute:02}:00.000+00:00",
        "ended_at": f"2026-03-02T16:{minute:02}:30.500+00:00",
        "ended_by": "caller",
        "turns": [turn(0, "hello"), turn(1, "who is this")],
    } | more


@pytest.mark.real
def test_a_record_comes_back_as_it_was_saved(database_url: str) -> None:
    async def steps(store: CallStore, _: Database) -> None:
        saved = record(keys="12#", note={"kept": [1, 2.5, None, "é"]})
        await store.save_call(saved)
        assert await store.load_call("c1") == saved
        assert await store.load_call("c2") is None

    on(database_url, steps)


@pytest.mark.real
@pytest.mark.parametrize(
    "odd",
    [
        {"contact": None},
        {"ended_at": None, "ended_by": None},
        {"turns": []},
        {"turns": [{"turn": 0}]},
        {"started_at": "2026-03-02T16:00:00Z"},
    ],
)
def test_a_record_with_little_in_it_is_kept_too(database_url: str, odd: dict[str, Any]) -> None:
    async def steps(store: CallStore, _: Database) -> None:
        saved = record(**odd)
        await store.save_call(saved)
        assert await store.load_call("c1") == saved

    on(database_url, steps)


@pytest.mark.real
def test_saving_again_replaces_the_whole_record(database_url: str) -> None:
    async def steps(store: CallStore, database: Database) -> None:
        await store.save_call(record())
        anew = record(ended_by="server", turns=[turn(0, "only this")])
        await store.save_call(anew)
        assert await store.load_call("c1") == anew
        assert len(await database.fetch("SELECT 1 FROM turns")) == 1

    on(database_url, steps)


@pytest.mark.real
def test_a_reader_never_sees_half_of_a_record(database_url: str) -> None:
    async def steps(store: CallStore, _: Database) -> None:
        versions = [
            record(note=count, turns=[turn(index, f"{count}") for index in range(count)])
            for count in range(1, 6)
        ]
        await store.save_call(versions[0])

        async def save_all() -> None:
            for version in versions * 4:
                await store.save_call(version)

        async with asyncio.TaskGroup() as group:
            saving = [group.create_task(save_all()) for _ in range(2)]
            while not all(task.done() for task in saving):
                assert await store.load_call("c1") in versions

    on(database_url, steps)


@pytest.mark.real
def test_recent_calls_are_whole_and_newest_first(database_url: str) -> None:
    async def steps(store: CallStore, _: Database) -> None:
        records = [record(f"c{minute}", minute) for minute in range(5)]
        for one in (records[2], records[4], records[0], records[1], records[3]):
            await store.save_call(one)
        assert await store.recent_calls(3) == [records[4], records[3], records[2]]
        assert len(await store.recent_calls(100)) == 5

    on(database_url, steps)


@pytest.mark.real
def test_a_call_is_tied_to_the_contact_of_its_number(database_url: str) -> None:
    async def steps(store: CallStore, database: Database) -> None:
        contact = await Crm(database, "UTC").demo_contact()
        await store.save_call(record("known"))
        await store.save_call(record("stranger", contact={"phone": "+13125550100"}))
        rows = await database.fetch("SELECT id, contact_id FROM calls ORDER BY id")
        assert [tuple(row) for row in rows] == [("known", contact.id), ("stranger", None)]

    on(database_url, steps)


@pytest.mark.real
def test_words_and_ledgers_can_be_asked_for_in_sql(database_url: str) -> None:
    async def steps(store: CallStore, database: Database) -> None:
        await store.save_call(record())
        row = await database.fetchrow("SELECT * FROM turns WHERE turn = 1")
        assert row is not None
        assert (row["caller"], row["heard"]) == ("who is this", "Sure.")
        assert row["agent"] == "Sure. Tomorrow then."
        assert row["marks"] == {"soft_end": 0.12, "sent": 0.9}
        assert row["tools"][0]["name"] == "look"

    on(database_url, steps)


@pytest.mark.real
def test_letters_that_postgresql_cannot_keep_cost_only_themselves(database_url: str) -> None:
    async def steps(store: CallStore, _: Database) -> None:
        await store.save_call(record(turns=[{"turn": 0, "caller": "a\0b \ud800 \\u0000"}]))
        loaded = await store.load_call("c1")
        assert loaded is not None
        assert loaded["turns"] == [{"turn": 0, "caller": "ab ? \\u0000"}]
        assert await store.load_call("c1\0") == loaded

    on(database_url, steps)
