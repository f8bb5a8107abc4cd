"""Ended calls on file, each with its turns and their time ledgers, as the call API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from pipeline.tools.database import Database

_SAVE = """
INSERT INTO calls (id, carrier, carrier_id, contact_id, started_at, ended_at, ended_by, record)
VALUES ($1, $2, $3, (SELECT id FROM contacts WHERE phone = $4), $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET
    carrier = excluded.carrier, carrier_id = excluded.carrier_id,
    contact_id = excluded.contact_id, started_at = excluded.started_at,
    ended_at = excluded.ended_at, ended_by = excluded.ended_by, record = excluded.record,
    saved_at = now()
"""

_SAVE_TURNS = """
INSERT INTO turns (call_id, turn, record)
SELECT $1, position - 1, record FROM unnest($2::jsonb[]) WITH ORDINALITY AS t (record, position)
"""

_LOAD = """
SELECT record, coalesce(
    (SELECT jsonb_agg(turns.record ORDER BY turn) FROM turns WHERE call_id = calls.id), '[]'
) AS turns
FROM calls
"""


class CallStore:
    """Call records in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_call(self, record: Mapping[str, Any]) -> None:
        """Write an ended call, or write it anew: all of it is replaced in one transaction.

        A record has ``id``, ``carrier``, ``carrier_id``, ``contact`` (facts with ``phone``, or
        None), ``started_at`` and ``ended_at`` (ISO 8601 with offset; the end may be None),
        ``ended_by`` and ``turns`` (each ``Turn.as_json()``). Other keys are kept as they are.

        If cancelled, it was done whole or not at all.

        Raises:
            ToolFailed: the database cannot be reached, or did not answer in time.
        """
        whole = _storable(dict(record))
        turns = whole.pop("turns")
        async with self._database.transaction() as connection:
            await connection.execute(
                _SAVE,
                whole["id"],
                whole["carrier"],
                whole["carrier_id"],
                (whole["contact"] or {}).get("phone"),
                datetime.fromisoformat(whole["started_at"]),
                datetime.fromisoformat(whole["ended_at"]) if whole["ended_at"] else None,
                whole["ended_by"],
                whole,
            )
            await connection.execute("DELETE FROM turns WHERE call_id = $1", whole["id"])
            await connection.execute(_SAVE_TURNS, whole["id"], turns)

    async def load_call(self, call_id: str) -> dict[str, Any] | None:
        """The record of one call, or None. If cancelled, nothing changed.

        Raises:
            ToolFailed: as :meth:`save_call`.
        """
        row = await self._database.fetchrow(_LOAD + "WHERE id = $1", call_id.replace("\0", ""))
        return _record(row) if row else None

    async def recent_calls(self, limit: int) -> list[dict[str, Any]]:
        """The newest calls' records, newest first. If cancelled, nothing changed.

        Raises:
            ToolFailed: as :meth:`save_call`.
        """
        rows = await self._database.fetch(_LOAD + "ORDER BY started_at DESC, id LIMIT $1", limit)
        return [_record(row) for row in rows]


def _record(row: asyncpg.Record) -> dict[str, Any]:
    return {**row["record"], "turns": row["turns"]}


def _storable(value: Any) -> Any:
    """The same without what PostgreSQL's text cannot hold, should a model ever have written it:
    NUL and halves of surrogate pairs."""
    match value:
        case str():
            return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
        case Mapping():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case list() | tuple():
            return [_storable(item) for item in value]
    return value
