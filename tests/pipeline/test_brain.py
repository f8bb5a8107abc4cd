"""What is said and done about a turn, with fake engines and text only."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.brain import Brain
from pipeline.channel import Channel
from pipeline.config import Settings
from pipeline.errors import EngineFailed
from pipeline.fakes import Scripted
from pipeline.tools.registry import Outcome, Tool, Toolbox
from pipeline.turn import Prompt, Say, ToolCall, ToolSpec, Transcript, Turn
from tests import clock

SPEC = ToolSpec("ring", "Ring back.", {"type": "object", "properties": {"at": {"type": "string"}}})


def ring(asks: bool = False) -> Tool:
    async def run(context: Any, arguments: Any) -> Outcome:
        return Outcome({"question": "What time?"} if asks else {"at": arguments.get("at", "")})

    return Tool(
        SPEC,
        writes=False,
        deadline_s=1.0,
        run=run,
        cue=re.compile("ring me"),
        answer=re.compile(r"\d"),
        examples=(("ring me at two", {"at": "two"}),),
        speak=lambda result: str(result.result.get("question", "I will ring.")),
    )


class Dialogue:
    """Turns in, replies out; ``replies`` is what the model says, call after call."""

    def __init__(self, *replies: str, tools: tuple[Tool, ...] = (), chosen: bool = False) -> None:
        self.replies = list(replies)
        self.prompts: list[Prompt] = []
        self.past: list[Turn] = []
        settings = Settings.model_validate({"llm": {"tools": "chosen" if chosen else "cued"}})
        llm: Scripted[Prompt, Say | ToolCall] = Scripted(self._reply)
        self.brain = Brain(
            "id", llm, Toolbox(tools), settings, contact=None, clock=lambda: datetime.now(UTC)
        )

    def _reply(self, prompt: Prompt) -> Any:
        self.prompts.append(prompt)
        if prompt.must_call:
            return [(0.1, ToolCall(prompt.must_call, {"at": "two"}))]
        return [(0.01, Say(word)) for word in re.findall(r"\S+\s*", self.replies.pop(0))]

    def say(self, text: str) -> list[str]:
        async def main() -> list[str]:
            turn = Turn(len(self.past), 0.0)
            turn.transcript = Transcript(text)
            turn.committed.set()
            clauses: Channel[str] = Channel(64)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.brain.think(turn, self.past, clauses, group))
                said = [clause async for clause in clauses]
            turn.heard = " ".join(said)
            self.past.append(turn)
            return said

        return clock.run(main())


def test_a_reply_comes_in_clauses() -> None:
    assert Dialogue("Sure. We do coffee.").say("hello") == ["Sure.", "We do coffee."]


def test_three_sentences_are_enough() -> None:
    assert Dialogue("One. Two. Three. Four. Five.").say("hello") == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("We sell. We sell. We sell.", ["We sell."]),
        ("I am sorry, I am sorry, I am sorry, I am", ["I am sorry."]),
        ("I am very sorry, I am very sorry, I am", ["I am very sorry,"]),
        ("Sorry, sorry, sorry, and more of this.", ["Sorry."]),
    ],
)
def test_a_model_that_repeats_itself_is_stopped(reply: str, said: list[str]) -> None:
    assert Dialogue(reply).say("hello") == said


def test_nothing_to_say_is_a_failure() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        Dialogue("... ").say("hello")
    assert caught.value.subgroup(EngineFailed) is not None


@pytest.mark.parametrize(
    "question",
    [
        "Are you a robot?",
        "Hold on, is this an automated call, a recording?",
        "are you human",
        "Am I talking to a real person?",
        "Are you just a machine?",
    ],
)
def test_it_says_that_it_is_an_ai_whatever_the_model_would_say(question: str) -> None:
    dialogue = Dialogue("No, I am human.")
    said = " ".join(dialogue.say(question))
    assert said == "Yes, I am an AI assistant, speaking for Northwind Coffee."
    assert dialogue.prompts == []


@pytest.mark.parametrize("question", ["Is that a coffee machine?", "Are you selling machines?"])
def test_a_question_about_the_goods_is_not_one_about_the_speaker(question: str) -> None:
    assert Dialogue("It is.").say(question) == ["It is."]


def test_a_cue_makes_the_model_fill_in_that_call_and_code_says_what_came_of_it() -> None:
    dialogue = Dialogue(tools=(ring(),))
    assert dialogue.say("please ring me at two") == ["I will ring."]
    (prompt,) = dialogue.prompts
    assert prompt.must_call == "ring"
    assert [message.content for message in prompt.messages if message.role == "user"] == [
        "ring me at two",
        "please ring me at two",
    ]


def test_an_answer_to_a_tools_question_goes_to_that_tool() -> None:
    dialogue = Dialogue("Fine.", tools=(ring(asks=True),))
    assert dialogue.say("ring me") == ["What time?"]
    assert dialogue.say("at 3") == ["What time?"]
    assert dialogue.say("never mind") == ["Fine."]


def test_a_model_that_chooses_sees_the_tools_and_no_cue_decides_for_it() -> None:
    dialogue = Dialogue("Sure.", tools=(ring(),), chosen=True)
    assert dialogue.say("ring me") == ["Sure."]
    assert dialogue.prompts[0].tools == (SPEC,)
    assert "ring(at)" in dialogue.prompts[0].messages[0].content
