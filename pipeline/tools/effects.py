"""Effects happen once: the idempotency key of call, turn and meaning, and its row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.tools.database import Connection
from pipeline.tools.tool import ToolContext


def effect_key(context: ToolContext, tool: str, meaning: str) -> str:
    """The key of one effect. The same request in the same turn has the same key, however it was
    worded; the same words in a later turn have another."""
    return f"{context.call_id}/{context.turn}/{tool}/{meaning}"


async def note_effect(
    connection: Connection, context: ToolContext, tool: str, key: str, resolved: Mapping[str, Any]
) -> bool:
    """Write an effect's row in the transaction that does it; False when it was done before.

    If cancelled, the transaction it belongs to is rolled back.
    """
    row = await connection.fetchrow(
        "INSERT INTO effects (key, call_id, turn, tool, resolved) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (key) DO NOTHING RETURNING key",
        key,
        context.call_id,
        context.turn,
        tool,
        dict(resolved),
    )
    return row is not None
