"""``parley chat``: the same brain in text, without audio. For people to try, and for scripts.

A script's line is one dialogue; its clock stands still and its contact lives in a scratch database
that is thrown away, so that the same line always meets the same world.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from parley.house import House, open_house
from pipeline.brain import Brain
from pipeline.channel import Channel
from pipeline.config import Settings
from pipeline.errors import EngineFailed, SettingsError
from pipeline.tools.crm import Contact, Crm
from pipeline.tools.zones import zone_at
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
        self._apology = settings.agent.apology
        self._past: list[Turn] = []
        self._brain = Brain(
            f"chat-{uuid4().hex}",
            house.engines.llm,
            house.engines.tools,
            settings,
            contact=contact,
            clock=clock,
        )

    async def say(self, text: str) -> dict[str, Any]:
        """Answer one line of the caller's; a model that fails is apologised for, as on the phone.

        If cancelled, writes that began are finished first.
        """
        turn = Turn(len(self._past), asyncio.get_running_loop().time())
        turn.transcript = Transcript(text)
        turn.committed.set()
        clauses: Channel[str] = Channel(_REPLY_CLAUSES)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._brain.think(turn, self._past, clauses, group))
                async for clause in clauses:
                    turn.said.append(clause)
        except* EngineFailed as failures:
            turn.failures += [str(failure) for failure in failures.exceptions]
        if not turn.said:
            turn.said.append(self._apology)
        turn.heard = " ".join(turn.said)
        self._past.append(turn)
        return {
            "id": self._id,
            "turn": turn.index,
            "verdict": None,  # until there is a gatekeeper to give one
            "reply": turn.heard,
            "tools": [result.as_json() for result in turn.tools],
            "opt_out": False,
            "failures": turn.failures,
            "marks": {name: round(at, 4) for name, at in turn.marks.items()},
        }


def run(settings: Settings, *, as_json: bool) -> None:
    """``parley chat``: a script on standard input, or a person at the terminal.

    Raises:
        ParleyError: the house does not open, or a line of the script cannot be read.
    """
    asyncio.run(_run_script(settings) if as_json else _run_terminal(settings))


async def _run_script(settings: Settings) -> None:
    dialogues = [
        parse_dialogue(line, number) for number, line in enumerate(sys.stdin, 1) if line.strip()
    ]
    async with open_house(settings, _report, scratch=True) as house:
        crm = _crm(house)
        for dialogue in dialogues:
            contact = await _put_on_file(crm, dialogue, settings.agent.timezone)
            clock = partial(_standing_still, dialogue.now)
            conversation = Conversation(house, settings, dialogue.id, contact, clock)
            for text in dialogue.turns:
                print(json.dumps(await conversation.say(text)), flush=True)


async def _run_terminal(settings: Settings) -> None:
    async with open_house(settings, _report, scratch=True) as house:
        contact = await _crm(house).demo_contact()
        conversation = Conversation(house, settings, "terminal", contact, _wall_clock)
        print(f"You are {contact.name}. End with Ctrl-D.\nagent: {settings.agent.greeting}")
        while (text := await asyncio.to_thread(_ask)) is not None:
            answer = await conversation.say(text)
            for problem in answer["failures"]:
                print(f"       [{problem}]")
            for tool in answer["tools"]:
                print(f"       [{tool['name']} {json.dumps(tool['arguments'])}]")
            print(f"agent: {answer['reply']}")


async def _put_on_file(crm: Crm, dialogue: Dialogue, zone: str) -> Contact:
    try:
        return await crm.upsert_contact(
            **dialogue.contact.model_dump(), timezone=zone_at(dialogue.now, zone)
        )
    except ValueError as error:
        raise SettingsError(f"dialogue {dialogue.id}", str(error), "Mend that field") from error


def _crm(house: House) -> Crm:
    if house.crm is None:
        raise SettingsError("engines", "is fake, which has no database", 'Set engines = "real"')
    return house.crm


def _standing_still(now: datetime) -> datetime:
    return now


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _ask() -> str | None:
    try:
        return input("you:   ")
    except EOFError:
        return None
