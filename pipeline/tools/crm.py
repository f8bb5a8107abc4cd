"""The people we talk to: who is calling, and what is on file of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import asyncpg

from pipeline.tools.database import Database

DEMO_PHONE = "+13125550142"
"""The number that the demo's recorded caller phones from; 555-01xx is nobody's."""

# Twilio shows a withheld number as a word on a telephone's keys, "+266696687" for ANONYMOUS. Those
# who withhold theirs would otherwise all be one contact.
_KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_WITHHELD = frozenset(
    "+" + word.translate(_KEYS)
    for word in ("ANONYMOUS", "BLOCKED", "PRIVATE", "RESTRICTED", "UNAVAILABLE", "UNKNOWN")
)

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_SELECT = """
SELECT contacts.id, contacts.phone, contacts.name, contacts.email, contacts.title,
       coalesce(companies.name, '') AS company, contacts.timezone
FROM contacts LEFT JOIN companies ON companies.id = contacts.company_id
"""

_UPSERT = """
WITH firm AS (
    INSERT INTO companies (name) SELECT $5::text WHERE $5::text <> ''
    ON CONFLICT (lower(name)) DO UPDATE SET name = companies.name
    RETURNING id, name
), saved AS (
    INSERT INTO contacts AS known (phone, name, email, title, company_id, timezone)
    VALUES ($1, $2, $3, $4, (SELECT id FROM firm), $6)
    ON CONFLICT (phone) DO UPDATE SET
        name = coalesce(nullif(excluded.name, ''), known.name),
        email = coalesce(nullif(excluded.email, ''), known.email),
        title = coalesce(nullif(excluded.title, ''), known.title),
        company_id = coalesce(excluded.company_id, known.company_id),
        timezone = coalesce(excluded.timezone, known.timezone),
        updated_at = now()
    RETURNING *
)
SELECT saved.id, saved.phone, saved.name, saved.email, saved.title,
       coalesce((SELECT name FROM firm), companies.name, '') AS company, saved.timezone
FROM saved LEFT JOIN companies ON companies.id = saved.company_id
"""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person on file. Texts are empty where nothing is known."""

    id: int
    phone: str
    """E.164."""

    name: str = ""
    email: str = ""
    """Lower case."""

    title: str = ""
    company: str = ""
    timezone: str = "UTC"
    """IANA zone: their own, or the agent's when theirs is unknown."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clock they live by."""
        return ZoneInfo(self.timezone)

    def facts(self) -> dict[str, str]:
        """What the prompt and the call's record say of them; empty texts included."""
        return {
            "name": self.name,
            "title": self.title,
            "company": self.company,
            "phone": self.phone,
            "email": self.email,
        }


class Crm:
    """Contacts in PostgreSQL."""

    def __init__(self, database: Database, timezone: str) -> None:
        """``timezone`` is the IANA zone of contacts whose own is unknown."""
        self._database = database
        self._timezone = timezone

    async def contact_for(self, phone: str) -> Contact | None:
        """Who calls from this number (E.164), or None for a stranger. If cancelled, nothing
        changed.

        Raises:
            ToolFailed: the database cannot be reached, or did not answer in time.
        """
        row = await self._database.fetchrow(_SELECT + "WHERE contacts.phone = $1", phone)
        return self._contact(row) if row else None

    async def caller(self, phone: str) -> Contact | None:
        """Who calls from this number; a stranger is put on file by the number alone, so that a
        callback can be promised. None when the number is withheld, or is none.

        If cancelled, the stranger is on file or not; nothing else changed.

        Raises:
            ToolFailed: as :meth:`contact_for`.
        """
        if phone in _WITHHELD or not _E164.fullmatch(phone):
            return None
        return await self.contact_for(phone) or await self.upsert_contact(phone=phone)

    async def upsert_contact(
        self,
        *,
        phone: str,
        name: str | None = None,
        email: str | None = None,
        title: str | None = None,
        company: str | None = None,
        timezone: str | None = None,
    ) -> Contact:
        """Put a contact on file, or change what is given of one. Never empties a field.

        If cancelled, it was done whole or not at all.

        Raises:
            ValueError: the phone number or the zone is none; names the field and its form.
            ToolFailed: as :meth:`contact_for`.
        """
        phone = re.sub(r"[\s().-]", "", phone)
        if not _E164.fullmatch(phone):
            raise ValueError(
                f"phone: {phone!r} is no E.164 number; write +, country and number, "
                "for example +13125550142"
            )
        if timezone is not None:
            _check_zone(timezone)
        given = (name, email.lower() if email else None, title, company)
        texts = [(text or "").replace("\0", "").strip() for text in given]
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_UPSERT, phone, *texts, timezone)
        assert row is not None, "an upsert returns its row"
        return self._contact(row)

    async def demo_contact(self) -> Contact:
        """The demo's caller, put on file if need be. If cancelled, as :meth:`upsert_contact`.

        Raises:
            ToolFailed: as :meth:`contact_for`.
        """
        return await self.upsert_contact(
            phone=DEMO_PHONE,
            name="Dana Reyes",
            email="dana.reyes@lakeside-dental.example",
            title="office manager",
            company="Lakeside Dental",
            timezone="America/Chicago",
        )

    def _contact(self, row: asyncpg.Record) -> Contact:
        return Contact(**{**dict(row), "timezone": row["timezone"] or self._timezone})


def _check_zone(timezone: str) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"timezone: {timezone!r} is no IANA zone; write for example America/Chicago"
        ) from error
