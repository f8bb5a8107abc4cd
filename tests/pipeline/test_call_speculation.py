"""Answers begun before the turn is over: what is kept of them. The rest leaves no trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import EngineFailed
from pipeline.turn import Prompt
from tests.stage import LONG, NOW, SETTINGS, Stage, calls_then_says, tool

UNSURE = Settings.model_validate(
    SETTINGS.model_dump() | {"turns": {"finished_at": 1.0, "unfinished_at": 0.0}}
)
"""Nothing sounds finished."""


def test_a_turn_without_pauses_is_answered_from_speculative_work() -> None:
    stage = Stage([-1.5, 1.0, -3.0]).run()
    turn = stage.call.turns[1]
    assert (turn.is_speculative, turn.resumed) == (True, 0)
    assert turn.marks["first_audio"] < turn.marks["committed"]
    counts = stage.call.speculation
    assert (counts.started, counts.committed, counts.discarded) == (1, 1, 0)


def test_what_was_discarded_is_counted_and_nothing_else_is_left_of_it() -> None:
    stage = Stage([-1.5, 1.0, -0.3, 1.0, -3.0]).run()
    turn = stage.call.turns[1]
    counts = stage.call.speculation
    assert (counts.started, counts.committed, counts.discarded) == (2, 1, 1)
    assert turn.resumed == 1
    assert stage.chat() == [("assistant", "Hi there."), ("user", "caller 2")]
    assert [settled.index for settled in stage.settled] == [0, 1]


def test_a_pause_that_does_not_sound_final_costs_a_transcript_and_no_model_time() -> None:
    stage = Stage([-1.5, 1.0, -0.2, 1.0, -3.0], settings=UNSURE).run()
    assert len(stage.speeches) == 2
    assert len(stage.prompts) == 1


def test_a_long_pause_is_thought_about_even_if_it_does_not_sound_final() -> None:
    stage = Stage([-1.5, 1.0, -3.0], settings=UNSURE).run()
    turn = stage.call.turns[1]
    turns = UNSURE.turns
    assert turns.think_ms / 1000 < turn.marks["first_token"] < turns.unsure_ms / 1000
    assert turn.is_speculative


def test_a_caller_who_keeps_going_on_is_answered_after_the_end_only() -> None:
    poor = Settings.model_validate(
        SETTINGS.model_dump()
        | {"turns": SETTINGS.turns.model_dump() | {"speculation_s": 1e-9, "think_ms": 40}}
    )
    stage = Stage([-1.5, 1.0, -0.3, 1.0, -0.3, 1.0, -3.0], settings=poor).run()
    turn = stage.call.turns[1]
    # The first pause was thought about, the others were not.
    assert len(stage.prompts) == 2
    assert not turn.is_speculative
    assert turn.marks["first_token"] > turn.marks["committed"]
    assert turn.heard == "Yes."


PAUSES = st.floats(0.04, 1.2).map(lambda s: -round(s, 2))
WORDS = st.floats(0.1, 1.2).map(lambda s: round(s, 2))


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, PAUSES), min_size=1, max_size=6), st.floats(0.01, 0.5))
def test_no_effect_and_no_sound_comes_before_its_turn_is_committed(
    spoken: list[tuple[float, float]], asr_s: float
) -> None:
    log: list[str] = []
    script: list[float | str] = [-1.5, *(step for pair in spoken for step in pair), -5.0]
    stage = Stage(
        script,
        asr_s=asr_s,
        tools=[tool(log, "write", writes=True, takes_s=0.05)],
        llm_script=calls_then_says("write"),
    ).run()
    written = [result for turn in stage.call.turns for result in turn.tools]
    # Whatever was begun is known to a turn that stands, and the other way round.
    assert log.count("write began") == log.count("write done") == len(written)
    plays = stage.line.times("play")
    committed = [turn.speech_end + turn.marks["committed"] for turn in stage.call.turns]
    assert all(any(at <= played for at in committed) for played in plays)
    for turn in stage.call.turns:
        assert turn.marks.get("sent", 99.0) >= turn.marks["committed"]
    assert stage.llm.opened == stage.llm.closed
    counts = stage.call.speculation
    assert counts.started >= counts.committed


def test_a_caller_who_goes_on_just_as_the_answer_begins_gets_one_answer_to_all() -> None:
    # The turn ends after 0.38 s; the caller goes on 0.1 s later, over our first word.
    stage = Stage([-1.5, 1.0, -0.48, 1.0, -3.0], reply=LONG).run()
    assert len(stage.call.turns) == 2
    assert stage.speeches[-1].duration > 2.3
    assert stage.call.turns[1].resumed == 1
    assert len(stage.line.times("clear")) == 1


# -- Reading ahead ------------------------------------------------------------------------------


def test_the_model_reads_the_conversation_while_the_caller_speaks() -> None:
    stage = Stage([-1.5, 1.0, -3.0, 1.0, -3.0]).run()
    # At the start, and at the beginning of each utterance.
    assert len(stage.read_ahead) == 3
    for ahead, asked in zip(stage.read_ahead[1:], stage.prompts, strict=True):
        assert ahead.messages[:-1] == asked.messages[:-1]
        assert ahead.messages[-1].content == ""


def test_reading_ahead_may_fail() -> None:
    class Broken(Stage):
        def _think(self, prompt: Prompt) -> Any:
            if prompt.most_tokens == 1:
                return [(0.05, EngineFailed("llm", "broke"))]
            return super()._think(prompt)

    stage = Broken([-1.5, 1.0, -3.0]).run()
    assert stage.call.turns[1].heard == "Yes."
    assert stage.call.turns[1].failures == []


def test_a_clock_that_goes_on_does_not_change_what_was_read() -> None:
    minutes = iter(range(1000))
    stage = Stage([-1.5, 1.0, -3.0, 1.0, -3.0], now=lambda: NOW + timedelta(minutes=next(minutes)))
    stage.run()
    first, second = (prompt.messages for prompt in stage.prompts)
    assert second[: len(first) - 1] == first[:-1]
