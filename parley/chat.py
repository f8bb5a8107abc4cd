"""``parley chat``: the same brain in text, without audio. For people to try, and for scripts.

A script's line is one dialogue; its clock stands still and its contact lives in a scratch database
that is thrown away, so that the same line always meets the same world.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from parley.house import House, open_house
from pipeline.brain import Brain
from pipeline.channel import Channel
from pipeline.config import Settings
from pipeline.errors import EngineFailed, SettingsError
from pipeline.tools.crm import Contact
from pipeline.turn import Transcript, Turn

_REPLY_CLAUSES = 64
"""Clauses of one reply that may wait: in text nobody listens, so it is all of them."""


class _ContactLine(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    phone: str
    company: str | None = None
    email: str | None = None


class Dialogue(BaseModel):
    """One line of the script."""

    model_config = ConfigDict(extra="forbid")
    id: str
    now: AwareDatetime
    """The clock that the tools see, for the whole dialogue."""

    contact: _ContactLine
    turns: Annotated[list[str], Field(max_length=200)]


def parse_dialogue(line: str, number: int) -> Dialogue:
    """Read one line of a script.

    Raises:
        SettingsError: naming the line, the field and what is wrong with it.
    """
    try:
        return Dialogue.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the line"
        raise SettingsError(
            f"line {number}: {field}",
            first["msg"],
            'A line is {"id", "now" with its offset, "contact": {"name", "phone", ...}, "turns"}',
        ) from error


class Conversation:
    """One dialogue in text: a turn in, the contract's object out."""

    def __init__(
        self,
        house: House,
        settings: Settings,
        dialogue_id: str,
        contact: Contact | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._id = dialogue_id
        self._past: list[Turn] = []
        self._brain = Brain(
            f"chat-{uuid4().hex}",
            house.engines.llm,
            house.engines.tools,
            settings.agent,
            contact=contact,
            clock=clock,
        )

    async def say(self, text: str) -> dict[str, Any]:
        """Answer one line of the caller's. If cancelled, begun writes are finished first.

        Raises:
            EngineFailed: the model did not answer.
        """
        turn = Turn(len(self._past), asyncio.get_running_loop().time())
        turn.transcript = Transcript(text)
        turn.committed.set()
        clauses: Channel[str] = Channel(_REPLY_CLAUSES)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._brain.think(turn, self._past, clauses, group))
            async for clause in clauses:
                turn.said.append(clause)
        turn.heard = " ".join(turn.said)
        self._past.append(turn)
        return {
            "id": self._id,
            "turn": turn.index,
            "verdict": "prospect",
            "reply": turn.heard,
            "tools": [result.as_json() for result in turn.tools],
            "opt_out": False,
            "marks": {name: round(at, 4) for name, at in turn.marks.items()},
        }


async def run_script(settings: Settings, lines: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
    """Answer a script, one dialogue after the other; one object a turn.

    Raises:
        SettingsError: a line cannot be read.
    """
    async with _scratch_house(settings) as house:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            dialogue = parse_dialogue(line, number)
            contact = await house.crm.upsert_contact(**dialogue.contact.model_dump())
            now = dialogue.now
            conversation = Conversation(house, settings, dialogue.id, contact, lambda: now)
            for text in dialogue.turns:
                yield await conversation.say(text)


async def run_prompt(settings: Settings) -> None:
    """Talk with a person at the terminal until the input ends."""
    async with _scratch_house(settings) as house:
        contact = await house.crm.demo_contact()
        conversation = Conversation(
            house, settings, "terminal", contact, lambda: datetime.now(UTC)
        )
        print(f"agent: {settings.agent.greeting}")
        while (text := await asyncio.to_thread(_ask)) is not None:
            try:
                answer = await conversation.say(text)
            except* EngineFailed as failures:
                print(f"       [{failures.exceptions[0]}]")
                continue
            for tool in answer["tools"]:
                print(f"       [{tool['name']} {json.dumps(tool['arguments'])}]")
            print(f"agent: {answer['reply']}")


def _ask() -> str | None:
    try:
        return input("you:   ")
    except EOFError:
        return None
