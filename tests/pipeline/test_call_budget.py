"""Whole calls that run late: which rung is taken, when it is heard, and never in vain."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.turn import Say, ToolCall
from tests.stage import SETTINGS, TURNS, Stage, calls_then_says, tool

AGENT = SETTINGS.agent
BUDGET = SETTINGS.budget
FILLERS = {*AGENT.checking, *AGENT.thinking, *AGENT.waiting}

ONE_TURN: list[float | str] = [-1.5, 1.0, -9.0]


def test_a_turn_in_time_takes_no_rung() -> None:
    turn = Stage(ONE_TURN).run().call.turns[1]
    assert (turn.rung, turn.said) == (None, ["Yes."])
    assert turn.marks["sent"] < BUDGET.total_ms / 1000


def test_a_model_that_is_slow_to_begin_gets_a_filler_in_time() -> None:
    stage = Stage(ONE_TURN, texts=["how much is it?"], llm_script=lambda p: [(2.0, Say("Ten."))])
    turn = stage.run().call.turns[1]
    assert turn.rung == "filler"
    assert turn.said[0] in AGENT.thinking
    assert turn.said[1:] == ["Ten."]
    assert turn.marks["sent"] == pytest.approx(BUDGET.total_ms / 1000, abs=0.001)
    assert turn.heard == " ".join(turn.said)


def test_a_slow_tool_is_covered_by_words_that_say_so() -> None:
    log: list[str] = []
    stage = Stage(
        ONE_TURN,
        tools=[tool(log, "look", writes=False, takes_s=1.5)],
        llm_script=calls_then_says("look"),
    ).run()
    turn = stage.call.turns[1]
    assert turn.rung == "filler"
    assert turn.said[0] in AGENT.checking


def test_a_very_slow_answer_is_waited_for_in_words_twice() -> None:
    stage = Stage(ONE_TURN, llm_script=lambda p: [(5.0, Say("Ten."))]).run()
    turn = stage.call.turns[1]
    assert turn.rung == "clip"
    assert len(turn.said) == 3
    assert set(turn.said[:2]) <= set(AGENT.waiting)
    assert turn.said[2] == "Ten."


def test_an_answer_that_never_comes_is_apologised_for_and_given_up() -> None:
    stage = Stage([-1.5, 1.0, -14.0], llm_script=lambda p: [(60.0, Say("Ten."))]).run()
    turn = stage.call.turns[1]
    assert turn.rung == "apology"
    assert turn.said[-1] == AGENT.apology
    assert turn.failures == ["budget gave no answer within 8 s"]
    assert stage.llm.opened == stage.llm.closed


def test_a_voice_that_is_slow_gets_a_clip_that_needs_no_voice() -> None:
    turn = Stage(ONE_TURN, tts_s=2.0).run().call.turns[1]
    assert (turn.rung, turn.said[1:]) == ("clip", ["Yes."])
    assert turn.said[0] in AGENT.waiting


def test_a_late_first_clause_is_cut_short() -> None:
    text = "We bring fresh coffee machines everywhere you want them every single week"
    words = text.split()
    stage = Stage(ONE_TURN, llm_script=lambda p: [(0.1, Say(word + " ")) for word in words]).run()
    turn = stage.call.turns[1]
    assert turn.rung == "short_clause"
    assert len(turn.said[0].split()) < 7
    assert " ".join(turn.said) == text
    assert turn.marks["sent"] < BUDGET.total_ms / 1000


def test_a_sound_too_short_to_be_speech_gets_no_filler() -> None:
    stage = Stage([-1.5, 0.2, -6.0], asr_s=3.0, texts=[""]).run()
    assert len(stage.call.turns) == 1
    assert [what for at, what, _ in stage.line.log if at > 2.0] == []


def test_a_failed_stage_is_the_last_rung() -> None:
    turn = Stage(ONE_TURN, broken={"llm": {0}}).run().call.turns[1]
    assert (turn.rung, turn.said) == ("apology", [AGENT.apology])


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.floats(0, 3), st.floats(0, 2), st.floats(0, 2), st.booleans())
def test_never_silence_and_never_a_filler_on_a_turn_that_was_in_time(
    asr_s: float, llm_s: float, tts_s: float, with_tool: bool
) -> None:
    log: list[str] = []
    stage = Stage(
        [-1.5, 1.2, -12.0],
        asr_s=asr_s,
        tts_s=tts_s,
        tools=[tool(log, "look", writes=False, takes_s=0.3)],
        llm_script=lambda prompt: (
            [(llm_s, ToolCall("look", {}))]
            if with_tool and len(stage.prompts) == 1
            else [(llm_s, Say("Yes, of course."))]
        ),
    )
    turn = stage.run().call.turns[1]
    total_s = BUDGET.total_ms / 1000
    # A frame of 20 ms, and the timers' grain.
    assert turn.marks["sent"] <= max(total_s, turn.marks["committed"] + 0.1) + 0.021
    fillers = [clause for clause in turn.said if clause in FILLERS]
    if turn.marks.get("first_audio", 99.0) < total_s - 0.001:
        assert fillers == []
    assert all(a != b for a, b in itertools.pairwise(turn.said))
    assert TURNS.end_ms <= round(turn.marks["committed"] * 1000) <= TURNS.unsure_ms + 20


def test_a_filler_may_be_interrupted_like_any_other_words() -> None:
    # With so little lead the filler is still being sent when the caller speaks into it.
    turns = SETTINGS.turns.model_copy(update={"lead_ms": 100})
    stage = Stage(
        [-1.5, 1.0, -1.6, 1.0, -5.0],
        settings=SETTINGS.model_copy(update={"turns": turns}),
        llm_script=lambda p: [(3.0 if len(stage.prompts) == 1 else 0.1, Say("Ten."))],
    )
    first, second = stage.run().call.turns[1:]
    assert first.interrupted
    assert first.said[0] in FILLERS
    assert second.heard == "Ten."
