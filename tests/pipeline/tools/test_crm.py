"""Contacts in a real PostgreSQL: one row a number, nothing emptied, nobody shared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pipeline.config import DatabaseSettings
from pipeline.tools.crm import DEMO_PHONE, Contact, Crm
from pipeline.tools.database import open_database

PHONE = "+13125550199"


def on(url: str, steps: Callable[[Crm], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_database(url, DatabaseSettings(pool_size=4)) as database:
            await steps(Crm(database, "Europe/London"))

    asyncio.run(main())


@pytest.mark.real
def test_a_contact_is_found_by_its_number_and_a_stranger_is_not(database_url: str) -> None:
    async def steps(crm: Crm) -> None:
        saved = await crm.upsert_contact(
            phone="+1 (312) 555-0199", name="Jane Doe", email="Jane@Acme.Co", company="Acme"
        )
        assert saved == Contact(
            saved.id, PHONE, "Jane Doe", "jane@acme.co", "", "Acme", "Europe/London"
        )
        assert await crm.contact_for(PHONE) == saved
        assert await crm.contact_for("+13125550100") is None

    on(database_url, steps)


@pytest.mark.real
def test_what_is_not_given_stays_and_what_is_given_changes(database_url: str) -> None:
    async def steps(crm: Crm) -> None:
        await crm.upsert_contact(
            phone=PHONE, name="Jane", company="Acme", timezone="America/Denver"
        )
        changed = await crm.upsert_contact(phone=PHONE, name="", title="CFO", email=None)
        assert changed.facts() == {
            "name": "Jane",
            "title": "CFO",
            "company": "Acme",
            "phone": PHONE,
            "email": "",
        }
        assert changed.timezone == "America/Denver"
        moved = await crm.upsert_contact(phone=PHONE, company="Globex")
        assert (moved.id, moved.company) == (changed.id, "Globex")

    on(database_url, steps)


@pytest.mark.real
def test_the_same_number_and_firm_from_many_calls_at_once_are_one_row_each(
    database_url: str,
) -> None:
    async def steps(crm: Crm) -> None:
        async with asyncio.TaskGroup() as group:
            saves = [
                group.create_task(crm.upsert_contact(phone=PHONE, company=firm))
                for firm in ("Acme", "ACME", "acme", "Acme") * 5
            ]
        assert len({save.result().id for save in saves}) == 1
        assert len({save.result().company for save in saves}) == 1

    on(database_url, steps)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"phone": "555 0199"}, "phone"),
        ({"phone": ""}, "phone"),
        ({"phone": "+0123456789"}, "phone"),
        ({"phone": PHONE, "timezone": "Chicago"}, "timezone"),
        ({"phone": PHONE, "timezone": "../etc/passwd"}, "timezone"),
    ],
)
@pytest.mark.real
def test_a_wrong_field_is_named(database_url: str, wrong: dict[str, str], named: str) -> None:
    async def steps(crm: Crm) -> None:
        with pytest.raises(ValueError, match=f"^{named}: "):
            await crm.upsert_contact(**wrong)

    on(database_url, steps)


@pytest.mark.real
def test_a_stranger_is_put_on_file_but_a_withheld_number_is_nobody(database_url: str) -> None:
    async def steps(crm: Crm) -> None:
        stranger = await crm.caller(PHONE)
        assert stranger is not None
        assert stranger.name == ""
        assert await crm.caller(PHONE) == stranger
        for withheld in ("+266696687", "+7378742833", "+2562533", "anonymous", ""):
            assert await crm.caller(withheld) is None

    on(database_url, steps)


@pytest.mark.real
def test_the_demos_contact_is_one_row_however_often_it_is_asked_for(database_url: str) -> None:
    async def steps(crm: Crm) -> None:
        first, second = await crm.demo_contact(), await crm.demo_contact()
        assert first == second
        assert first.phone == DEMO_PHONE

    on(database_url, steps)
