"""What the model sees."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

from pipeline.config import AgentSettings
from pipeline.llm.history import MOST_TURNS, call_facts, call_messages, messages, preamble
from pipeline.turn import Message, ToolCall, ToolResult, ToolSpec, Transcript, Turn

TOOL = ToolSpec("look", "Look it up.", {"type": "object", "properties": {"phone": {}}})


def turn(caller: str | None, heard: str | None, said: str = "Never sounded.") -> Turn:
    made = Turn(0, 0.0)
    made.transcript = Transcript(caller) if caller is not None else None
    made.heard = heard
    made.said = [said]
    return made


SHARED = (Message("system", "S"),)


def test_the_shared_part_does_not_depend_on_the_call() -> None:
    shared = preamble(
        AgentSettings(name="Ann", examples=(("Who?", "{name} of {company}"),)), [TOOL]
    )
    assert "Ann" in shared[0].content
    assert "look(phone): Look it up." in shared[0].content
    assert shared[1:] == (Message("user", "Who?"), Message("assistant", "Ann of Northwind Coffee"))
    facts = call_facts({"name": "Jane", "email": None}, datetime(2026, 3, 2, 10, 0, tzinfo=UTC))
    assert facts == "A new call. It is Monday, 02 March 2026, 10:00. You are talking to name Jane."
    assert messages(shared, facts, [], "Hello")[: len(shared)] == shared


def test_a_call_is_learnt_from_examples_alone() -> None:
    chat = call_messages(TOOL, [("me please", {"phone": "me"})], "look me up")
    assert (
        chat[2].content == '<tool_call>{"name": "look", "arguments": {"phone": "me"}}</tool_call>'
    )
    assert chat[-1] == Message("user", "look me up")


def test_heard_text_is_all_that_is_remembered() -> None:
    chat = messages(SHARED, "F", [turn(None, "Hi."), turn("hello", "We do")], "what")
    assert [message.content for message in chat[2:]] == ["Hi.", "hello", "We do", "what"]


def test_a_turn_that_was_never_answered_joins_the_next() -> None:
    chat = messages(SHARED, "F", [turn("one", "")], "two")
    assert chat[2:] == (Message("user", "one two"),)


def test_roles_alternate_with_tools_too() -> None:
    earlier = turn("who am I", "You are Jane.")
    earlier.tools.append(ToolResult(ToolCall("look", {"phone": "me"}), {"name": "Jane"}))
    chat = messages(SHARED, "F", [earlier], "thanks")
    roles = [message.role for message in chat]
    assert roles == ["system", "system", "user", "assistant", "user", "assistant", "user"]


def test_the_beginning_of_the_prompt_moves_seldom() -> None:
    past = [turn(f"q{n}", f"a{n}") for n in range(100)]
    begins = [messages(SHARED, "F", past[:n], "last")[2].content for n in range(20, 60)]
    moves = sum(before != after for before, after in itertools.pairwise(begins))
    assert moves == 5


def test_long_turns_fall_out_sooner() -> None:
    chat = messages(SHARED, "F", [turn("q" * 900, "a" * 900) for _ in range(9)], "last")
    assert sum(len(message.content) for message in chat) < 4_100


def test_the_prompt_does_not_grow_for_ever() -> None:
    chat = messages(SHARED, "F", [turn(f"q{n}", f"a{n}") for n in range(100)], "last")
    assert len(chat) <= 2 * MOST_TURNS + 3
