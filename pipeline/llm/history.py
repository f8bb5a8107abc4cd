"""What the model sees of the call: who we are, then what was said and what was *heard*.

A reply that was cut off enters as far as the caller heard it; words that never sounded are not
remembered as said. The static part comes first and is the same for all calls of an agent, so that
the server's prefix cache serves it; what changes from call to call, and then from turn to turn,
follows in that order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.config import AgentSettings
from pipeline.turn import Message, ToolResult, ToolSpec, Turn

MOST_TURNS = 16
MOST_LETTERS = 4_000
"""Older turns fall out of the prompt, so that it fits into the model and its cost stays."""

_DROP_TURNS = 8
"""They fall out by so many at once. A prompt whose beginning changes is read anew by the server,
for a second on a CPU; one that only grows at its end is found in the prefix cache."""


def preamble(agent: AgentSettings, tools: Sequence[ToolSpec]) -> tuple[Message, ...]:
    """The part that all calls of an agent share: who it is, and how it answers.

    ``tools`` are those that the model may choose.
    """
    lines = [
        f"You are {agent.name}, the AI assistant of {agent.company}. You are on the phone.",
        f"{agent.company} does this: {agent.pitch}.",
        "Answer in one short, friendly sentence. Promise nothing.",
    ]
    if agent.instructions:
        lines.append(agent.instructions.strip())
    if tools:
        lines.append("To act, write <tool_call>{...}</tool_call> with the caller's own words:")
        lines += [_tool_line(tool) for tool in tools]
    chat = [Message("system", "\n".join(lines))]
    for caller, answer in agent.examples:
        chat += [Message("user", caller), Message("assistant", agent.filled(answer))]
    return tuple(chat)


def call_messages(
    tool: ToolSpec, examples: Sequence[tuple[str, Mapping[str, Any]]], caller: str
) -> tuple[Message, ...]:
    """A prompt for one call only: the model is to copy its arguments out of ``caller``.

    The conversation so far is left out: a small model would copy from there too.
    """
    chat = [Message("system", f"Copy what the caller says into a call of {tool.name}.")]
    for words, arguments in examples:
        call = json.dumps({"name": tool.name, "arguments": dict(arguments)})
        chat.append(Message("user", words))
        chat.append(Message("assistant", f"<tool_call>{call}</tool_call>"))
    chat.append(Message("user", caller))
    return tuple(chat)


def call_facts(contact: dict[str, Any] | None, now: datetime) -> str:
    """The part that is new with each call: the clock, and whom we talk to."""
    facts = [f"A new call. It is {now:%A, %d %B %Y, %H:%M}."]
    if contact:
        known = [f"{key} {value}" for key, value in contact.items() if value]
        facts.append("You are talking to " + ", ".join(known) + ".")
    return " ".join(facts)


def messages(
    shared: Sequence[Message],
    facts: str,
    past: Sequence[Turn],
    caller: str,
    results: Sequence[ToolResult] = (),
) -> tuple[Message, ...]:
    """A whole prompt.

    ``shared`` is the :func:`preamble`, ``facts`` those of the call; ``past`` are the settled turns,
    oldest first; ``caller`` is the turn to be answered, and ``results`` what its tools have brought
    so far.
    """
    chat = [*shared, Message("system", facts)]
    for turn in _kept(past):
        if turn.transcript is not None and turn.transcript.text:
            _append(chat, "user", turn.transcript.text)
        _append_results(chat, turn.tools)
        if turn.heard:
            _append(chat, "assistant", turn.heard)
    _append(chat, "user", caller)
    _append_results(chat, results)
    return tuple(chat)


def _kept(past: Sequence[Turn]) -> Sequence[Turn]:
    """The newest turns, from a beginning that moves seldom and in steps."""
    start = 0
    while len(past) - start > MOST_TURNS or _letters(past[start:]) > MOST_LETTERS:
        start += _DROP_TURNS
    return past[start:]


def _letters(turns: Sequence[Turn]) -> int:
    heard = sum(len(turn.heard or "") for turn in turns)
    return heard + sum(len(turn.transcript.text) for turn in turns if turn.transcript is not None)


def tool_call_text(result: ToolResult) -> str:
    """A call as the model writes it."""
    call = json.dumps({"name": result.call.name, "arguments": dict(result.call.arguments)})
    return f"<tool_call>{call}</tool_call>"


def tool_result_text(result: ToolResult) -> str:
    """A result as the model is told it. Not every chat template knows a ``tool`` role; the form
    in which Hermes-style models are trained wraps it in the user's."""
    return f"<tool_response>{json.dumps(dict(result.result))}</tool_response>"


def _append_results(chat: list[Message], results: Sequence[ToolResult]) -> None:
    for result in results:
        _append(chat, "assistant", tool_call_text(result))
        _append(chat, "user", tool_result_text(result))


def _append(chat: list[Message], role: str, content: str) -> None:
    # Two messages of one role in a row come from turns that nobody answered; templates are
    # trained on strict alternation, so they are joined.
    if chat[-1].role == role:
        joined = f"{chat[-1].content} {content}"
        chat[-1] = Message(chat[-1].role, joined)
    elif role == "user":
        chat.append(Message("user", content))
    else:
        chat.append(Message("assistant", content))


def _tool_line(tool: ToolSpec) -> str:
    names = ", ".join(tool.parameters.get("properties", {}))
    return f"{tool.name}({names}): {tool.description}"
