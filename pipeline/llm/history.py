"""What the model sees of the call: who we are, then what was said and what was *heard*.

A reply that was cut off enters as far as the caller heard it; words that never sounded are not
remembered as said. The static part comes first and is the same for all calls of an agent, so that
the server's prefix cache serves it; what changes from call to call, and then from turn to turn,
follows in that order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.config import AgentSettings
from pipeline.turn import Message, ToolResult, ToolSpec, Turn

MOST_TURNS = 12
"""Older turns fall out of the prompt, so that its cost does not grow with the call."""


def system_prompt(agent: AgentSettings, tools: Sequence[ToolSpec]) -> str:
    """The part that all calls of an agent share."""
    lines = [
        f"You are {agent.name}, a sales agent on the phone for {agent.company}: {agent.pitch}.",
        "You are an AI and say so when asked.",
        "Answer in one or two short spoken sentences, then stop. No lists, no markup.",
        "Never claim that something was done unless a tool result says so.",
        "Give nobody data of other people.",
    ]
    if agent.instructions:
        lines.append(agent.instructions.strip())
    if tools:
        lines.append("To act, write <tool_call>{...}</tool_call> with the caller's own words:")
        lines += [_tool_line(tool) for tool in tools]
    return "\n".join(lines)


def call_facts(contact: dict[str, Any] | None, now: datetime) -> str:
    """The part that is new with each call: the clock, and whom we talk to."""
    facts = [f"It is {now:%A, %d %B %Y, %H:%M}."]
    if contact:
        known = [f"{key} {value}" for key, value in contact.items() if value]
        facts.append("You are talking to " + ", ".join(known) + ".")
    return " ".join(facts)


def messages(
    system: str, facts: str, past: Sequence[Turn], caller: str, results: Sequence[ToolResult] = ()
) -> tuple[Message, ...]:
    """A whole prompt.

    ``past`` are the settled turns, oldest first; ``caller`` is the turn to be answered, and
    ``results`` what its tools have brought so far.
    """
    chat = [Message("system", f"{system}\n{facts}")]
    for turn in past[-MOST_TURNS:]:
        if turn.transcript is not None and turn.transcript.text:
            _append(chat, "user", turn.transcript.text)
        _append_results(chat, turn.tools)
        if turn.heard:
            _append(chat, "assistant", turn.heard)
    _append(chat, "user", caller)
    _append_results(chat, results)
    return tuple(chat)


def tool_call_text(result: ToolResult) -> str:
    """A call as the model writes it."""
    call = {"name": result.call.name, "arguments": dict(result.call.arguments)}
    return f"<tool_call>{json.dumps(call)}</tool_call>"


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
