"""A caller hears their own record, fresh from the database, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.config import DatabaseSettings
from pipeline.tools.crm import Crm
from pipeline.tools.database import open_database
from pipeline.tools.lookup import lookup_tool
from pipeline.tools.registry import Toolbox, ToolContext
from pipeline.turn import ToolCall, ToolResult

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
OWN = {
    "phone": "+13125550142",
    "name": "Dana Reyes",
    "email": "dana@lakeside.example",
    "company": "Lakeside Dental",
}
OTHER = {
    "phone": "+13125550199",
    "name": "Sam Secret",
    "email": "sam@lakeside.example",
    "company": "Lakeside Dental",
}


def look_up(
    url: str, arguments: Mapping[str, Any], *, known: bool = True
) -> tuple[ToolResult, str]:
    """What ``lookup_contact`` brings to Dana's call, and the sentence for it."""

    async def main() -> tuple[ToolResult, str]:
        async with open_database(url, DatabaseSettings(pool_size=2)) as database:
            crm = Crm(database, "UTC")
            await crm.upsert_contact(**OTHER)
            contact = await crm.upsert_contact(**OWN) if known else None
            # Changed after the call began: the caller must hear the new one.
            await crm.upsert_contact(phone=OWN["phone"], title="office manager")
            tool = lookup_tool(crm)
            context = ToolContext("call", 1, contact, NOW)
            result = await Toolbox([tool]).use(context, ToolCall("lookup_contact", arguments))
            assert tool.speak is not None
            return result, tool.speak(result)

    return asyncio.run(main())


@pytest.mark.real
@pytest.mark.parametrize(
    ("arguments", "resolved"),
    [
        ({}, {}),
        ({"phone": "312 555 oh one four two"}, {"phone": "+13125550142"}),
        ({"phone": "my number"}, {"phone": "+13125550142"}),
        ({"phone": "+1 312 555 0142"}, {"phone": "+13125550142"}),
        ({"email": "dana at lakeside dot example"}, {"email": "dana@lakeside.example"}),
        ({"company": "lakeside dental"}, {"company": "lakeside dental"}),
        ({"company": "our company"}, {"company": "Lakeside Dental"}),
    ],
)
def test_a_caller_hears_their_own_record_as_it_is_now(
    database_url: str, arguments: dict[str, str], resolved: dict[str, str]
) -> None:
    result, spoken = look_up(database_url, arguments)
    assert result.result == {"found": True, "title": "office manager", **OWN}
    assert result.resolved == resolved
    assert not result.committed
    assert spoken == (
        "I have Dana Reyes, office manager at Lakeside Dental, "
        "with the e-mail dana@lakeside.example."
    )


@pytest.mark.real
@pytest.mark.parametrize(
    "arguments",
    [
        {"phone": "312 555 0199"},
        {"phone": "+13125550100"},
        {"email": "sam at lakeside dot example"},
        {"email": "nobody@nowhere.example"},
        {"company": "Globex"},
        {"phone": "312 555 0142", "email": "sam@lakeside.example"},
    ],
)
def test_nothing_of_anybody_else_is_told_on_file_or_not(
    database_url: str, arguments: dict[str, str]
) -> None:
    result, spoken = look_up(database_url, arguments)
    assert result.result == {"found": False, "reason": "I can only read your own record"}
    assert spoken == "Sorry, I can only read your own record."


@pytest.mark.real
def test_a_firms_name_brings_none_of_its_other_people(database_url: str) -> None:
    result, _ = look_up(database_url, {"company": "Lakeside Dental"})
    assert "Sam" not in str(result)


@pytest.mark.real
@pytest.mark.parametrize("arguments", [{}, {"phone": "312 555 0199"}, {"phone": "+13125550142"}])
def test_a_stranger_has_no_record(database_url: str, arguments: dict[str, str]) -> None:
    result, spoken = look_up(database_url, arguments, known=False)
    assert result.result == {"found": False, "reason": "I have nothing on file for this number"}
    assert spoken == "Sorry, I have nothing on file for this number."


@pytest.mark.parametrize(
    ("said", "cued"),
    [
        ("who have you got down for us", True),
        ("Am I in there?", True),
        ("am I in your system", True),
        ("what number do you have for me", True),
        ("do you have my email", True),
        ("what's my email address on file", True),
        ("what have you got on me", True),
        ("how did you get my number", False),
        ("my email is jane at acme dot co", False),
        ("what do you have on Thursday", False),
        ("tell me about the coffee", False),
    ],
)
def test_the_cue_is_a_question_about_ones_own_record(said: str, cued: bool) -> None:
    tool = lookup_tool(Crm.__new__(Crm))
    assert (Toolbox([tool]).cued_by(said) is tool) == cued
