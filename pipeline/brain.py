"""What to say and do about a turn: the language model and the tools that it calls.

Knows text only, so that a call and a chat without audio think alike. A tool that reads runs at
once and dies with the reply. A tool that writes waits until the turn is surely ours, and then runs
to its end in a group that outlives the reply: interruption neither undoes nor doubles it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.channel import Channel
from pipeline.config import Settings
from pipeline.engine import Engine
from pipeline.errors import EngineFailed
from pipeline.llm import history
from pipeline.llm.sentences import ClauseCutter
from pipeline.tools.crm import Contact
from pipeline.tools.registry import Tool, Toolbox, ToolContext, open_question
from pipeline.turn import Prompt, Say, ToolCall, ToolResult, Turn

_LOG = logging.getLogger(__name__)

_MOST_ROUNDS = 3
"""How often one reply may go back to the model with tool results."""

_MOST_SENTENCES = 3

_WANTED_S = 0.3
"""Seconds after the caller's last speech sample at which the model's first words are wanted."""

_READ_AHEAD_S = 2.0
"""Reading ahead may take this long: nobody waits for it yet."""


class Brain:
    """Thinks for one call."""

    def __init__(
        self,
        call_id: str,
        llm: Engine[Prompt, Say | ToolCall],
        tools: Toolbox,
        settings: Settings,
        *,
        contact: Contact | None,
        clock: Callable[[], datetime],
    ) -> None:
        """``clock`` is the time of day that the prompt and the tools see."""
        self._call_id = call_id
        self._llm = llm
        self._tools = tools
        self._agent = settings.agent
        self._contact = contact
        self._clock = clock
        self._zone = contact.zone if contact else ZoneInfo(settings.agent.timezone)
        # What the model may choose from; empty when code decides what is called.
        self._offered = tools.specs if settings.llm.tools == "chosen" else ()
        self._shared = history.preamble(settings.agent, self._offered)
        # Written once: a clock that went on in it would have the server read the call anew each
        # minute. The tools see the real one.
        self._facts = history.call_facts(
            contact.facts() if contact else None, clock().astimezone(self._zone)
        )

    async def think(
        self, turn: Turn, past: Sequence[Turn], clauses: Channel[str], writes: asyncio.TaskGroup
    ) -> None:
        """Answer a transcribed turn in clauses, and close the channel behind the last.

        ``past`` are the settled turns before it. Stamps ``first_token`` and ``first_clause``, and
        appends to ``turn.tools``. If cancelled, nothing more is said and reads are abandoned;
        writes that began are finished in ``writes``, and still noted in the turn.

        Raises:
            EngineFailed: the model failed, or had nothing to say.
        """
        assert turn.transcript is not None
        reply = _Reply(turn, clauses)
        certain = self._certain_answer(turn.transcript.text)
        if certain is not None:
            await reply.add(certain)
            await reply.finish()
            return
        asked = open_question(past[-1].tools) if past else None
        cued = None if self._offered else self._tools.cued_by(turn.transcript.text, asked)
        prompt = _call_prompt(cued, turn) if cued else self._prompt(turn, past)
        for _ in range(_MOST_ROUNDS):
            calls = await self._listen(prompt, reply)
            if not calls:
                break
            spoken = await self._use_all(turn, calls, asked, writes)
            for sentence in spoken:
                await reply.add(sentence + " ")
            if len(spoken) == len(calls):
                break
            prompt = self._prompt(turn, past)
        await reply.finish()

    async def read_ahead(self, past: Sequence[Turn]) -> None:
        """Let the model read what the next prompt will begin with, while the caller speaks.

        It saves the time of reading that at the end of the turn. Failure costs nothing. If
        cancelled, it is read as far as it was.
        """
        chat = history.messages(self._shared, self._facts, past, "")
        prompt = Prompt(chat, self._offered, due=_now() + _READ_AHEAD_S, most_tokens=1)
        try:
            async with aclosing(self._llm.stream(prompt)) as pieces:
                async for _ in pieces:
                    pass
        except EngineFailed as failure:
            _LOG.info("call %s: was not read ahead: %s", self._call_id, failure)

    def _certain_answer(self, caller: str) -> str | None:
        """What code says, whatever a model would: that we are an AI, for instance."""
        for pattern, answer in self._agent.certain:
            if re.search(pattern, caller, re.IGNORECASE):
                return self._agent.filled(answer)
        return None

    async def _listen(self, prompt: Prompt, reply: _Reply) -> list[ToolCall]:
        """One round of the model: its speech goes into the reply, its calls are returned."""
        calls: list[ToolCall] = []
        async with aclosing(self._llm.stream(prompt)) as pieces:
            async for piece in pieces:
                reply.turn.mark("first_token", _now())
                match piece:
                    case Say(text):
                        await reply.add(text)
                        if reply.is_enough:
                            break
                    case ToolCall():
                        calls.append(piece)
        return calls

    def _prompt(self, turn: Turn, past: Sequence[Turn]) -> Prompt:
        assert turn.transcript is not None
        chat = history.messages(self._shared, self._facts, past, turn.transcript.text, turn.tools)
        return Prompt(chat, self._offered, due=_due(turn))

    async def _use_all(
        self,
        turn: Turn,
        calls: Sequence[ToolCall],
        asked: ToolResult | None,
        writes: asyncio.TaskGroup,
    ) -> list[str]:
        """Run one round's calls side by side; returns the sentences that code has for them."""
        async with asyncio.TaskGroup() as group:
            uses = [group.create_task(self._use(turn, call, asked, writes)) for call in calls]
        spoken: list[str] = []
        for use in uses:
            tool = self._tools.get(use.result().call.name)
            if tool is not None and tool.speak is not None:
                spoken.append(tool.speak(use.result()))
        return spoken

    async def _use(
        self, turn: Turn, call: ToolCall, asked: ToolResult | None, writes: asyncio.TaskGroup
    ) -> ToolResult:
        tool = self._tools.get(call.name)
        turn.using = call.name
        try:
            if tool is None or not tool.writes:
                return await self._record(turn, call, asked)
            await turn.committed.wait()
            turn.acted = True
            return await asyncio.shield(writes.create_task(self._record(turn, call, asked)))
        finally:
            turn.using = None

    async def _record(self, turn: Turn, call: ToolCall, asked: ToolResult | None) -> ToolResult:
        assert turn.transcript is not None
        context = ToolContext(
            self._call_id, turn.index, self._contact, self._clock(), turn.transcript.text, asked
        )
        result = await self._tools.use(context, call)
        turn.tools.append(result)
        return result


def _call_prompt(tool: Tool, turn: Turn) -> Prompt:
    assert turn.transcript is not None
    chat = history.call_messages(tool.spec, tool.examples, turn.transcript.text)
    return Prompt(chat, (tool.spec,), must_call=tool.spec.name, due=_due(turn))


def _due(turn: Turn) -> float:
    return turn.speech_end + _WANTED_S


class _Reply:
    """Text on its way to the voice, cut into clauses.

    It is enough when it has as many sentences as anybody listens to on the phone, or begins to
    repeat itself: what a model says after that is not worth waiting for.
    """

    def __init__(self, turn: Turn, clauses: Channel[str]) -> None:
        self.turn = turn
        self._clauses = clauses
        self._cutter = ClauseCutter()
        self._given: list[str] = []
        # What stood between two commas so far, in plain letters.
        self._phrases: set[str] = set()
        self.is_enough = False

    async def add(self, text: str) -> None:
        for clause in self._cutter.feed(text, self.turn.hurried):
            await self._give(clause)

    async def finish(self) -> None:
        for clause in self._cutter.finish():
            await self._give(clause)
        if not self._given:
            raise EngineFailed("llm", "gave an empty reply")
        self._clauses.close()

    async def _give(self, clause: str) -> None:
        fresh = self._fresh_part(clause)
        if self.is_enough or not fresh:
            self.is_enough = True
            return
        self._given.append(fresh)
        sentences = sum(given[-1] in ".!?" for given in self._given)
        self.is_enough = fresh != clause or sentences >= _MOST_SENTENCES
        self.turn.mark("first_clause", _now())
        self.turn.planned.append(fresh)
        await self._clauses.send(fresh)

    def _fresh_part(self, clause: str) -> str:
        """The clause up to the first phrase that the reply had before.

        Small models fall into loops: "I'm sorry, I'm sorry, I'm sorry".
        """
        phrases = clause.split(",")
        for index, phrase in enumerate(phrases):
            plain = phrase.strip(" .!?").lower()
            if plain and plain in self._phrases:
                kept = ",".join(phrases[:index]).rstrip(" ,")
                return f"{kept}." if kept else ""
            self._phrases.add(plain)
        return clause


def _now() -> float:
    return asyncio.get_running_loop().time()
