"""``schedule_callback``: a spoken time becomes one row that says when to call back.

Of one call at most one callback waits. The same request again finds its row; another time replaces
it, however the writes of two turns happen to overtake each other: the later turn wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import ToolFailed
from pipeline.tools.crm import Contact
from pipeline.tools.database import Connection, Database
from pipeline.tools.effects import effect_key, note_effect
from pipeline.tools.quoted_time import Unsettled, understand
from pipeline.tools.say_time import spoken
from pipeline.tools.tool import Outcome, Tool, ToolContext
from pipeline.tools.when import Instant
from pipeline.turn import ToolResult, ToolSpec

NAME = "schedule_callback"

_DEADLINE_S = 2.0

_WHEN = (
    r"(?:$|[,.!?]|(?:please|back|later|again|at|on|in|around|about|after|before|tomorrow|today"
    r"|tonight|this|next|some|sometime|another|first|the|when|end|early|late|if|then|instead|mon|tue"
    r"|wed|thu|fri|sat|sun|day|half|quarter|noon|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|\d))"
)
_CUE = re.compile(
    # Not "don't call me", "why did you call me"; and "call me Dana" has no time behind it.
    r"^(?!.*\b(?:don'?t|do not|never|stop|quit|not|did you|why do you)\s+(?:\w+\s+){0,2}?"
    r"(?:call|ring|phon))"
    rf".*\b(?:(?:call|ring|phone|try|reach) (?:me|us)(?: back| again)?\s*{_WHEN}"
    rf"|call back\s*{_WHEN}"
    r"|give (?:me|us) (?:a|another) (?:call|ring|bell|buzz)\b"
    r"|(?:schedule|arrange|book|set up) (?:a|the|another) call ?-?back\b)",
    re.IGNORECASE | re.DOTALL,
)
_ANSWER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midday|half"
    r"|quarter|o'?clock|[ap]\.?m|hour|minutes?|today|tonight|tomorrow|morning|afternoon|evening"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|week|first|second|third|\w+th|yes|yeah|yep|correct"
    r"|right|exactly)\b",
    re.IGNORECASE,
)

_EXAMPLES = (
    ("please call me tomorrow at three", {"at": "tomorrow at three"}),
    (
        "Could you ring me back next Tuesday around half past ten?",
        {"at": "next Tuesday around half past ten"},
    ),
    ("Not now. Try me again in twenty minutes, okay?", {"at": "in twenty minutes"}),
    ("Give me a call sometime next week.", {"at": "sometime next week"}),
)

_SPEC = ToolSpec(
    NAME,
    "Promise to call the caller back. Give the time in the caller's own words.",
    {
        "type": "object",
        "properties": {"at": {"type": "string", "minLength": 1, "maxLength": 64}},
        "required": ["at"],
        "additionalProperties": False,
    },
)


def callback_tool(database: Database) -> Tool:
    """The tool, writing to ``database``."""

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        contact = context.contact
        if contact is None:
            raise ToolFailed(NAME, "there is no number on file to call back")
        span = arguments["at"]
        found = understand(span, context, contact.zone, NAME)
        if isinstance(found, Unsettled):
            so_far = list(found.so_far)
            return Outcome({"scheduled": False, "question": found.question, "so_far": so_far})
        async with database.transaction() as connection:
            return await _write(connection, context, contact, found, span)

    return Tool(
        _SPEC,
        writes=True,
        deadline_s=_DEADLINE_S,
        run=run,
        cue=_CUE,
        examples=_EXAMPLES,
        answer=_ANSWER,
        speak=_speak,
    )


async def _write(
    connection: Connection, context: ToolContext, contact: Contact, found: Instant, span: str
) -> Outcome:
    # Writes of one call come one after the other, also from two connections.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", context.call_id
    )
    if await connection.fetchval("SELECT 1 FROM do_not_call WHERE phone = $1", contact.phone):
        raise ToolFailed(NAME, "this number is on our do-not-call list, so we may not call it")
    standing = await connection.fetchrow(
        "SELECT turn, due_at FROM callbacks WHERE call_id = $1 AND status = 'waiting'",
        context.call_id,
    )
    if standing is not None:
        if standing["due_at"] == found.at:
            return _scheduled(found.at)
        if standing["turn"] > context.turn:
            stands = spoken(standing["due_at"].astimezone(contact.zone))
            return Outcome({"scheduled": False, "reason": f"a later request stands: {stands}"})
        await connection.execute(
            "UPDATE callbacks SET status = 'superseded', updated_at = now() "
            "WHERE call_id = $1 AND status = 'waiting'",
            context.call_id,
        )
    key = effect_key(context, NAME, found.at.astimezone(UTC).isoformat())
    await connection.execute(
        "INSERT INTO callbacks (key, contact_id, call_id, turn, due_at, timezone, span) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key) DO UPDATE "
        "SET status = 'waiting', updated_at = now() WHERE callbacks.status = 'superseded'",
        key,
        contact.id,
        context.call_id,
        context.turn,
        found.at,
        contact.timezone,
        span,
    )
    await note_effect(connection, context, NAME, key, {"at": found.local})
    return _scheduled(found.at)


def _scheduled(at: datetime) -> Outcome:
    local = Instant(at).local
    return Outcome(
        {"scheduled": True, "at": local, "spoken": spoken(at)}, {"at": local}, committed=True
    )


def _speak(result: ToolResult) -> str:
    told = result.result
    if "argument" in told:  # the model's mistake, of which the caller need not hear
        return "What day and time would suit you?"
    if "error" in told:
        return f"Sorry, {told['error']}."
    if "question" in told:
        return str(told["question"])
    if not told["scheduled"]:
        return f"Sorry, {told['reason']}."
    return f"Good, I will call you back on {told['spoken']}."
